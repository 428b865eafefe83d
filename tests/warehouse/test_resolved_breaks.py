"""A break that somebody resolved stays resolved until it changes, or comes back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model

from heirpay_pipelines.books.break_states import record_breaks
from heirpay_pipelines.books.breaks import BreakError, open_breaks, resolve_break
from heirpay_pipelines.duck import connect
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.runs import close_run, open_run
from heirpay_pipelines.warehouse.state_copy import copy_state


def publish(warehouse: Warehouse, settings: Settings, as_of: str) -> int:
    """What the night does with a build that may be published, as far as breaks are concerned."""
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    instant = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    with open_state(settings.state_file) as state:
        open_run(state, f"run-{as_of}", instant)
        close_run(state, f"run-{as_of}", "published", None)
        with connect(warehouse.database, None, read_only=False) as build:
            reopened = record_breaks(build, state, instant)
            copy_state(build, state)
            build.execute(
                "create schema if not exists operations; create or replace table"
                " operations.run_history as"
                " select cast(substr(as_of, 1, 19) as timestamp) as as_of,"
                " outcome = 'published' as is_published from state.runs"
            )
    shutil.copy(warehouse.database, settings.warehouse)
    return reopened


def test_a_resolved_break_stays_resolved_until_it_changes_or_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("resolved")
    settings = Settings(HEIRPAY_HOME=home)

    def night(day: int, *objects: stripe.JsonObject) -> int:
        as_of = f"2026-02-0{day}T00:00:00"
        landing = Landing()
        stripe.land(landing, list(objects), "2026-01-31T00:00:00")
        folder = home / f"night-{day}"
        folder.mkdir()
        built = model(
            landing, folder, as_of, "+reconciliation_breaks +resolved_breaks",
            tested=False, state_file=settings.state_file,
        )  # fmt: skip
        return publish(built, settings, as_of)

    def wrong(settled: int) -> list[stripe.JsonObject]:
        at = "2026-01-11T00:00:00"
        return [
            stripe.charge("ch_wrong", 13_200, at, transaction="txn_wrong"),
            stripe.movement("txn_wrong", "charge", settled, at, source="ch_wrong"),
        ]

    night(1, *wrong(12_300))
    (found,) = open_breaks(settings)
    with pytest.raises(BreakError, match="reason"):
        resolve_break(settings, found["break_id"], "ada", " ")
    resolve_break(settings, found["break_id"], "ada", "agreed with the customer")
    assert open_breaks(settings) == []
    with open_state(settings.state_file) as state:
        (record,) = state.rows("select actor, action, subject from audit_log")
    assert tuple(record.values()) == ("ada", "break_resolved", found["break_id"])

    assert night(2, *wrong(12_300)) == 0
    assert open_breaks(settings) == []
    # Another amount is another break.
    assert night(3, *wrong(12_000)) == 1
    (again,) = open_breaks(settings)
    assert again["break_id"] == found["break_id"]
    assert again["first_seen_on"] == found["first_seen_on"]
    assert again["age_days"] == found["age_days"] + 2
    resolve_break(settings, again["break_id"], "ada", "that, too")
    # It goes, and it comes back.
    assert night(4, *wrong(13_200)) == 0
    assert night(5, *wrong(12_000)) == 1
    assert [row["amount"] for row in open_breaks(settings)] == [-12]
    with pytest.raises(BreakError, match="no open break"):
        resolve_break(settings, "brk_unknown", "ada", "x")
