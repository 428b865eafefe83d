"""A person's own copy (GDPR articles 15 and 20): everything that is kept about a customer, in a ZIP
of JSON files that a person can read and a program can take."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from heirpay_pipelines.at_rest.places import own_folder
from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.duck import connect, identifier
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.people import Person, find_person
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.personal.pseudonyms import pseudonyms
from heirpay_pipelines.personal.scrub import collect
from heirpay_pipelines.privacy.erase import GdprError
from heirpay_pipelines.privacy.others import others_scrubber
from heirpay_pipelines.privacy.state import concerns, text_columns
from heirpay_pipelines.privacy.texts import expression
from heirpay_pipelines.privacy.warehouse import tables
from heirpay_pipelines.receive.stored_bodies import fault_of_body
from heirpay_pipelines.state.database import State, open_state

VERSION = "select id, observed_at, source, api_version, payload"


def export(home: Home, customer: str, target: Path, by: str, at: datetime) -> int:
    """Write everything about a customer (an id or its pseudonym) to `target`, a new ZIP file
    for its owner only; how many records it has. Raises GdprError when nothing is known."""
    landing = Landing.of(home)
    with open_state(home.state_file) as state:
        names = pseudonyms(state, at)
        person = find_person(landing, customer, names)
        if person is None:
            raise GdprError(f"Nothing is landed about {customer}: there is nothing to export.")
        parts: dict[str, list[Any]] = {
            **dict(_landed(landing, person)),
            **dict(_published(home, person)),
            **dict(_stated(state, person)),
        }
        others = others_scrubber(landing, person, _own(parts), _text(parts), names)
        parts = {name: others.quoted(rows) for name, rows in parts.items()}
        content = _zipped({"about.json": [_about(customer, parts, at)], **parts})
        _write(target, content)
        records = sum(map(len, parts.values()))
        detail = {"records": records, "sha256": hashlib.sha256(content).hexdigest()}
        append(state, at, by, Action.PERSON_EXPORTED, names.of(customer), detail)
    return records


def _about(customer: str, parts: dict[str, list[Any]], at: datetime) -> dict[str, Any]:
    return {
        "customer": customer,
        "written_at": at.isoformat(),
        "purposes": "billing, accounting, tax, reconciliation with the bank, prevention of fraud",
        "source": "Stripe, which collected it when you paid",
        "recipients": "the company's finance staff, its auditors and tax authorities",
        "kept_until": "e-mail, phone and card details: some years after your last payment; name,"
        " address and invoices: as long as tax and commercial law of your country and ours demand",
        "rights": "rectification, erasure, restriction, objection, portability; complaint to a"
        " supervisory authority (GDPR articles 15 to 21, 77)",
        "records": {name: len(rows) for name, rows in parts.items()},
    }


def _own(parts: dict[str, list[Any]]) -> set[str]:
    """Every personal value in the person's own landed objects."""
    objects = (row["object"] for name, rows in parts.items() if name.startswith("stripe/")
               for row in rows)  # fmt: skip
    return {value for obj in objects for _, _, value in collect(obj)}


def _text(rows: object) -> str:
    return json.dumps(rows, ensure_ascii=False, default=str)


def _landed(landing: Landing, person: Person) -> Iterator[tuple[str, list[Any]]]:
    """Every version of every object about the person."""
    with open_files(landing) as connection:
        connection.register("related", pa.table({"id": sorted(person.related)}))
        for name, files in sorted(landing.files().items()):
            rows = connection.execute(
                f"{VERSION} from {relation(landing, files)} where id in (select id from related)"
                " order by id, observed_at"
            ).fetchall()
            if rows:
                yield (
                    f"stripe/{name}.json",
                    [
                        {
                            "id": id,
                            "observed_at": seen.isoformat(),
                            "source": source,
                            "api_version": version,
                            "object": orjson.loads(payload),
                        }
                        for id, seen, source, version, payload in rows
                    ],
                )


def _published(home: Home, person: Person) -> Iterator[tuple[str, list[Any]]]:
    """Every row of the warehouse that is of one of the person's objects."""
    if not home.warehouse.is_file():
        return
    key = home.key
    with connect(home.warehouse, key, read_only=True) as connection:
        connection.register("related", pa.table({"id": sorted(person.related)}))
        for table in tables(connection, "heirpay"):
            theirs = " or ".join(
                f"{identifier(name)} in (select id from related)" for name in table.id_columns
            )
            if theirs:
                rows = connection.execute(f"select * from {table.qualified} where {theirs}")
                columns = [column[0] for column in rows.description or ()]
                found = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
                if found:
                    yield f"warehouse/{table.schema}.{table.name}.json", found


def _stated(state: State, person: Person) -> Iterator[tuple[str, list[Any]]]:
    """Inbox, incidents, breaks, control results and messages that name the person."""
    rows = state.rows("select event_id, cast(body as blob) as body from webhook_bodies")
    # A damaged one is no event any more: Stripe is asked for it again.
    whole = [r["body"] for r in rows if fault_of_body(r["event_id"], r["body"], None) is None]
    mine = [body for body in map(orjson.loads, whole) if concerns(body, person)]
    if mine:
        yield "inbox.json", mine
    ids = "|".join(re.escape(id) for id in sorted(person.related))
    sought = re.compile(f"{ids}|{expression(person)}")
    for name in sorted({table for table, _ in text_columns(state)}):
        rows = state.rows(f"select * from {identifier(name)}")
        found = [row for row in rows if any(sought.search(str(cell)) for cell in row.values())]
        if found and name not in ("quarantined_files",):
            yield f"records/{name}.json", found


def _zipped(parts: dict[str, list[Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, rows in parts.items():
            text = json.dumps(rows, indent=1, ensure_ascii=False, default=str)
            packed.writestr(name, text)
    return out.getvalue()


def _write(target: Path, content: bytes) -> None:
    own_folder(target.parent, shared=True)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise GdprError(f"{target} is there already: name another file with --to.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
