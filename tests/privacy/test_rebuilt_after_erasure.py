"""What an erasure does to the published warehouse is what the next night's build makes of the
erased landing: nothing comes back, and nothing that a law keeps goes for a day only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from compiled_project import run_models
from wire_shapes import class_of, filled, leaves

from heirpay_pipelines.duck import attach_published, connect
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.personal.paths import CLASSES, codes, kept_clause, of_people
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import CODE_ENDINGS, Scrubber
from heirpay_pipelines.privacy.erase import Erasure, erase
from heirpay_pipelines.privacy.warehouse import tables
from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.account import open_account
from heirpay_pipelines.sandbox.serving import serve
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.personal_columns import kept_columns, payload_columns
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.publication import publish

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SENTINEL = "Xenia Quux"
SENTINELS = re.compile(r"Xenia.{0,3}Quux", re.IGNORECASE)
PERSON_IDS = ("customer", "charge", "payment_intent", "subscription", "invoice", "dispute")

DERIVED = {
    "tax_warnings",  # a warning of a number that is gone is not given again
    ("stg_stripe__subscription_observations", "version_id"),  # a hash of the whole version
    ("stg_stripe__subscription_versions", "version_id"),
}
"""What a build makes of the values themselves, and names nobody."""


@dataclass(frozen=True)
class Erased:
    """A home whose published person was erased, and the build of the night after."""

    settings: Settings
    customer: str
    done: Erasure
    rebuilt: Path


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    home = tmp_path_factory.mktemp("rebuilt") / "home"
    account = open_account(1, 1, NOW - timedelta(days=60), NOW, SANDBOX_KEY, "off", 0.0)
    with serve(account) as url:
        customer = plant_everywhere(account.api.store)
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=SANDBOX_KEY)
        pull_and_land(stripe_account(settings), NOW, False, Mock())
    before = build(settings, "before")
    assert len(places(before)) > 15, "the sentinel is all over the warehouse"
    publish(before, settings.warehouse, None)
    done = erase(settings, customer, "letter 1", "Dana", datetime.now(UTC))
    yield Erased(settings, customer, done, build(settings, "after"))


def build(settings: Settings, name: str) -> Path:
    request = BuildRequest(
        settings.warehouse_dir / "building" / f"{name}.duckdb",
        settings.folder / "dbt",
        run_id="r1",
        as_of=NOW.replace(tzinfo=None),
    )
    prepare_build(request, settings)
    run_models(request, "+path:models")
    return request.database


def plant_everywhere(store: Store) -> str:
    """The sentinel in every text that is not a machine's, of every object of the customer who has
    the most of them, and in the events; the customer's id."""
    owned: dict[str, int] = {}
    for charge in store.all("charge"):
        if charge.get("customer") and charge.get("disputed"):
            owned[charge["customer"]] = owned.get(charge["customer"], 0) + 1
    customer = max(owned, key=lambda id: (owned[id], id))
    ids = {customer}
    for name in store.types():
        ids |= {o["id"] for o in store.all(name) if o.get("customer") == customer}
    for name in store.types():
        for obj in store.all(name):
            carried = obj["data"]["object"] if name == "event" else obj
            if ids & {carried.get("id"), *(_id(carried.get(field)) for field in PERSON_IDS)}:
                carried.update(planted(carried))
    return customer


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def planted(obj: dict[str, Any]) -> dict[str, Any]:
    name = obj["object"]
    if name not in of_people() or class_of(name) is None:
        return obj
    free = _free(filled(name, obj["id"], "", lambda field: f"{SENTINEL} {field}"))
    scrubbed = Scrubber(Pseudonyms(b"0" * 32), CLASSES).payload(obj)
    made = _merged(free, obj, scrubbed)
    assert isinstance(made, dict)
    if kept_clause(name, "description"):
        made["description"] = f"{SENTINEL} description"
    return made


def _free(value: Any) -> Any:
    """Of a filled object the texts that people write, and nothing else; None for none."""
    if isinstance(value, dict):
        kept = {
            k: below
            for k, v in value.items()
            if k not in codes() and not k.endswith(CODE_ENDINGS) and (below := _free(v)) is not None
        }
        return kept or None
    return value if isinstance(value, str) and SENTINEL in value else None


def _merged(free: Any, real: Any, scrubbed: Any, name: str = "") -> Any:
    """The real object, with the sentinel where it has no text, and where an erasure takes one."""
    if real is None:
        return free
    if isinstance(real, dict):
        if real.get("object") == "list":
            return real | {"data": [planted(item) for item in real["data"]]}
        if isinstance(real.get("object"), str) and name:
            return planted(real)
        free = free if isinstance(free, dict) else {}
        scrubbed = scrubbed if isinstance(scrubbed, dict) else {}
        return {
            key: _merged(free.get(key), real.get(key), scrubbed.get(key), key)
            for key in (*real, *(key for key in free if key not in real))
        }
    if isinstance(real, str) and scrubbed is None and name not in ("id", "fingerprint"):
        return f"{SENTINEL} {name}"
    return real


def places(database: Path) -> set[tuple[str, str]]:
    """(table, column) in which the sentinel stands."""
    found = set()
    with connect(database, None, read_only=True) as connection:
        for table in tables(connection, "heirpay"):
            if table.schema in ("landing", "state"):
                continue
            for column, _ in table.columns:
                rows = connection.execute(
                    f'select 1 from {table.qualified} where regexp_matches("{column}"::varchar, ?)',
                    [f"(?i){SENTINELS.pattern}"],
                )
                if rows.fetchone():
                    found.add((table.name, column))
    return found


@pytest.mark.slow
def test_the_next_build_brings_nothing_back_but_what_a_law_keeps(erased: Erased) -> None:
    left, kept = places(erased.rebuilt), kept_columns()
    assert left - payload_columns().keys() <= kept.keys(), left - kept.keys()
    listed = {item.clause for item in erased.done.kept_by_law}
    assert {kept_clause(*kept[place]) for place in left & kept.keys()} <= listed
    assert ("stg_stripe__invoice_lines", "description") in left
    with connect(erased.rebuilt, None, read_only=True) as connection:
        events = connection.execute(
            "select payload, previous_attributes from staging.stg_stripe__event_objects"
        ).fetchall()
    for payload, previous in events:
        assert SENTINEL not in (previous or "")
        for owner, path, text in leaves(json.loads(payload or "{}")):
            assert SENTINEL not in text or kept_clause(owner, path.rpartition(".")[2]), path


@pytest.mark.slow
def test_the_published_file_is_what_a_rebuild_gives(erased: Erased) -> None:
    assert places(erased.settings.warehouse) == places(erased.rebuilt)
    differing = {}
    with connect(erased.rebuilt, None, read_only=True) as connection:
        attach_published(connection, erased.settings.warehouse, None, "published")
        for table in tables(connection, "published"):
            for column, _ in table.columns:
                if table.name in DERIVED or (table.name, column) in DERIVED:
                    continue
                old, new = (
                    f'select "{column}" as v, count(*) as n from {database}.{table.qualified}'
                    " group by all"
                    for database in ("published", "heirpay")
                )
                counts = connection.execute(
                    f"(select 'erased', * from (({old}) except ({new})) limit 2) union all"
                    f" (select 'rebuilt', * from (({new}) except ({old})) limit 2)"
                ).fetchall()
                if counts:
                    differing[f"{table.schema}.{table.name}.{column}"] = str(counts)[:300]
    assert differing == {}, json.dumps(differing, indent=1)
