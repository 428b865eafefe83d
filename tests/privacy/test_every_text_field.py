"""A sentinel in every text field of every object of a customer: after the erasure it stands in
none, but in those that a law demands kept, each with its clause."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import planted
import pytest
from planted import AT, CUSTOMER
from wire_shapes import class_of, filled, leaves

from heirpay_pipelines.personal.paths import kept_clause, of_people, rules
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import Scrubber
from heirpay_pipelines.privacy.erase import Erasure, erase
from heirpay_pipelines.privacy.files import texts_of
from heirpay_pipelines.receive.stored_bodies import keep_body
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

SENTINEL, OTHER = "Xenia Quux", "cus_AnotherPerson1"
FILLED = sorted(name for name in of_people() if class_of(name) is not None)


def fill(name: str) -> str:
    # An object of a currency that does not exist is not landed.
    return "usd" if name.endswith("currency") else f"{SENTINEL} {name}"


def objects() -> list[dict[str, Any]]:
    """Every kind of object of the person, in full, alone, and as events tell of it."""
    found: list[dict[str, Any]] = []
    for number, name in enumerate(FILLED):
        id = CUSTOMER if name == "customer" else f"obj_{number:03d}x"
        whole = filled(name, id, CUSTOMER, fill)
        before = {k: v for k, v in whole.items() if k not in ("id", "object", "customer")}
        data = {"object": whole, "previous_attributes": before}
        event = {"id": f"evt_{number}", "object": "event", "type": f"{name}.updated",
                 "created": planted.CREATED, "data": data}  # fmt: skip
        found += [whole, event]
    lines = [filled("line_item", "il_1", CUSTOMER, fill)]
    invoice = filled("invoice", "in_lines", CUSTOMER, fill)
    invoice["lines"] = {"object": "list", "data": lines}
    invoice["footer"] = f"Steuerschuldnerschaft des Leistungsempfängers. {SENTINEL}"
    other = {"id": OTHER, "object": "customer", "created": planted.CREATED, "name": "Jo Doe",
             "description": "Xenia who?"}  # fmt: skip
    return [*found, invoice, other, bank_line()]


def bank_line() -> dict[str, Any]:
    return {"id": "bank_1", "object": "bank_transaction", "amount": -1900, "currency": "usd",
            "account": "DE02120300000000202051", "booking_date": "2026-10-30",
            "description": f"refund to {SENTINEL} name", "reference": "po_1", "file_sha256": "0f",
            "file_name": "october.csv", "statement_id": "s1"}  # fmt: skip


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Erasure]:
    settings = Settings(HEIRPAY_HOME=tmp_path_factory.mktemp("every-field") / "home")
    planted.land(settings, 1, objects())
    name = f"{SENTINEL} name"
    logs = settings.folder / "dagster" / "logs"
    logs.mkdir(parents=True)
    (logs / "events.log.gz").write_bytes(gzip.compress(f"charged {name}".encode()))
    with closing(sqlite3.connect(settings.dagster_home / "runs.db")) as connection:
        connection.execute("create table events (body text)")
        connection.executemany("insert into events values (?)", [(name,)] * 200)
        connection.commit()
        connection.execute("delete from events")  # what is left of it is in free pages
        connection.commit()
    with open_state(settings.state_file) as state, state.transaction() as connection:
        event = next(o for o in objects() if o.get("type") == "dispute.updated")
        connection.execute(
            "insert into webhook_deliveries (event_id, type, livemode, created, received_at,"
            " last_received_at, deliveries) values ('evt_w', 'x', 0, 1, '', '', 1)"
        )
        keep_body(connection, "evt_w", json.dumps(event))
    settings.bank_dir.mkdir()
    for file, encoding in (("october.csv", "cp1252"), ("november.csv", "utf-16")):
        text = f"30.10.2026;-19,00;Rückzahlung an {name}\n"
        (settings.bank_dir / file).write_text(text, encoding=encoding)
    (settings.bank_dir / "others.csv").write_text("30.10.2026;-19,00;to Jo Doe")
    return settings, erase(settings, CUSTOMER, "letter 1", "Dana", AT)


def landed(settings: Settings) -> Iterator[dict[str, Any]]:
    for line in planted.landed(settings).splitlines():
        body = line if line.startswith("{") else line.partition(" ")[2]
        yield json.loads(body)


def test_the_shapes_are_whole() -> None:
    assert len(FILLED) > 25
    texts = [text for obj in objects() for _, _, text in leaves(obj) if SENTINEL in text]
    assert len(texts) > 1500


def test_no_text_of_the_person_is_left_but_what_a_law_demands(
    erased: tuple[Settings, Erasure],
) -> None:
    left = {
        (owner, path)
        for obj in landed(erased[0])
        for owner, path, text in leaves(obj)
        if SENTINEL in text
    }
    without_clause = sorted(
        f"{owner}: {path}"
        for owner, path in left
        if kept_clause(owner, path.rpartition(".")[2]) is None
    )
    assert without_clause == []
    assert {("line_item", "description"), ("invoice", "number")} <= left


def test_no_enumeration_of_stripes_and_no_reference_is_taken_for_text() -> None:
    """They decide figures: whether tax is reversed, whether a subscription is paused."""
    scrubber = Scrubber(Pseudonyms(b"0" * 32))
    for name in FILLED:
        whole = filled(name, "obj_001x", CUSTOMER, fill)
        for field, value in whole.items():
            if field not in rules().get(name, {}) and "*" not in rules().get(name, {}):
                before = {leaf for leaf in leaves({field: value}) if SENTINEL not in leaf[2]}
                after = set(leaves({field: scrubber.payload(whole)[field]}))
                assert before - after == set(), (name, field)


def test_what_is_kept_is_listed_with_its_clause(erased: tuple[Settings, Erasure]) -> None:
    listed = {(kept.object_name, kept.field): kept.clause for kept in erased[1].kept_by_law}
    assert "226(6)" in listed["line_item", "description"]
    assert "226(2)" in listed["invoice", "number"]
    assert all(clause for clause in listed.values())
    shown = {
        (owner, path.rpartition(".")[2])
        for obj in landed(erased[0])
        for owner, path, text in leaves(obj)
        if SENTINEL in text
    }
    assert shown <= listed.keys()


def test_a_note_of_the_law_stays_without_what_stood_beside_it(
    erased: tuple[Settings, Erasure],
) -> None:
    (invoice,) = [o for o in landed(erased[0]) if o["id"] == "in_lines"]
    assert invoice["footer"] == "Steuerschuldnerschaft des Leistungsempfängers, [erased]"


def test_another_customer_keeps_every_text(erased: tuple[Settings, Erasure]) -> None:
    (other,) = [o for o in landed(erased[0]) if o["id"] == OTHER]
    assert (other["name"], other["description"]) == ("Jo Doe", "Xenia who?")


def test_no_file_beside_the_landing_holds_a_text_of_the_person(
    erased: tuple[Settings, Erasure],
) -> None:
    settings = erased[0]
    files = [
        path
        for path in settings.folder.rglob("*")
        if path.is_file()
        and not path.is_relative_to(settings.landing_dir)
        and not path.is_relative_to(settings.bank_dir)
    ]
    assert {path.suffix for path in files} >= {".gz", ".db", ".sqlite"}
    assert [p.name for p in files if any(SENTINEL in text for text in texts_of(p, None))] == []


def test_the_banks_own_files_are_named_and_not_changed(erased: tuple[Settings, Erasure]) -> None:
    settings, done = erased
    assert done.kept == ("november.csv", "october.csv")
    assert SENTINEL in (settings.bank_dir / "october.csv").read_text(encoding="cp1252")


def test_what_a_bank_says_of_the_person_cannot_land_again(
    erased: tuple[Settings, Erasure],
) -> None:
    again = bank_line() | {"file_name": "october (1).csv", "file_sha256": "1f"}
    planted.land(erased[0], 2, [again])
    lines = [o for o in landed(erased[0]) if o["object"] == "bank_transaction"]
    assert [line["description"] for line in lines] == [None, None]
    assert {line["file_name"] for line in lines} == {"october.csv", "october (1).csv"}
    assert [(line["amount"], line["reference"]) for line in lines] == [(-1900, "po_1")] * 2


def test_no_name_is_left_where_it_is_packed(tmp_path: Path) -> None:
    """What the scan must see: text in gzip, in ZIP in ZIP, in Parquet, in DuckDB, in free pages."""
    import zipfile
    from io import BytesIO

    import duckdb

    inner, outer = BytesIO(), tmp_path / "outer.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", gzip.compress(SENTINEL.encode()))
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner.zip", inner.getvalue())
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.execute(f"create table t as select 'a {SENTINEL}' as who, 1 as n from range(9)")
        connection.execute(f"copy t to '{tmp_path / 'x.parquet'}' (compression zstd)")
    for name in ("outer.zip", "x.duckdb", "x.parquet"):
        texts = list(texts_of(tmp_path / name, None))
        assert any(SENTINEL in text for text in texts), name
