"""Inbox against event log, through the SQL of the real models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from compiled_project import run_models

from heirpay_pipelines.warehouse.project import BuildRequest

AS_OF = datetime(2026, 11, 2)  # noqa: DTZ001 - naive UTC, as BuildRequest has it
LANDING = """
create schema landing; create schema state;
create table landing.event (id varchar, object varchar, account varchar, livemode boolean,
  created timestamp, observed_at timestamp, source varchar, event_id varchar,
  api_version varchar, payload varchar);
create table landing.coverage (pull_id varchar, as_of timestamp, endpoint varchar,
  object_name varchar, mode varchar, status varchar, covered_from varchar, covered_until varchar);
create table state.webhook_deliveries (event_id varchar, type varchar, created bigint,
  received_at varchar, replayed_at varchar, deliveries bigint, account varchar,
  form varchar default 'snapshot', not_used varchar);
"""


def at(hours: float) -> datetime:
    """An instant so many hours before the as-of."""
    return AS_OF - timedelta(hours=hours)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    work = tmp_path_factory.mktemp("models")
    build(work / "build.duckdb")
    request = BuildRequest(work / "build.duckdb", work, run_id="test", as_of=AS_OF)
    models = "stg_stripe__events int_unread_objects webhook_deliveries webhook_delivery_daily"
    run_models(request, models, tested=True)
    with duckdb.connect(work / "build.duckdb", read_only=True) as connection:
        yield connection


def build(path: Path) -> None:
    events = {  # id: (type, hours before the as-of)
        "evt_before": ("invoice.paid", 30),
        "evt_first": ("invoice.paid", 20),
        "evt_prompt": ("invoice.paid", 10),
        "evt_late": ("invoice.paid", 9),
        "evt_missing": ("invoice.paid", 8),
        "evt_replayed": ("invoice.paid", 7),
        "evt_awaited": ("invoice.paid", 0.5),
        "evt_not_subscribed": ("payout.paid", 8),
    }
    received = {  # id: (seconds after its creation, deliveries)
        "evt_first": (1, 1),
        "evt_prompt": (4, 3),
        "evt_late": (3_600, 1),
        "evt_replayed": (20_000, 0),
        "evt_after_as_of": (1, 1),
    }
    events_with_future = {**events, "evt_after_as_of": ("invoice.paid", -5)}
    with duckdb.connect(path) as connection:
        connection.execute(LANDING)
        for event_id, (kind, hours) in events.items():
            connection.execute(
                "insert into landing.event values (?, 'event', 'acct_1', false, ?, ?, 'event',"
                " ?, '2026-10-28.endive', ?)",
                [event_id, at(hours), at(hours), event_id, json.dumps({"type": kind, "data": {}})],
            )
        for event_id, (seconds, deliveries) in received.items():
            kind, hours = events_with_future[event_id]
            stamp = (at(hours) + timedelta(seconds=seconds)).replace(tzinfo=UTC).isoformat()
            replayed = stamp if event_id == "evt_replayed" else None
            epoch = int(at(hours).replace(tzinfo=UTC).timestamp())
            connection.execute(
                "insert into state.webhook_deliveries by position values (?, ?, ?, ?, ?, ?, null,"
                " 'snapshot', null)",
                [event_id, kind, epoch, stamp, replayed, deliveries],
            )
        # A connected account's events say nothing of what our own event log should have brought.
        noon = int(at(12).replace(tzinfo=UTC).timestamp())
        stamp = at(12).replace(tzinfo=UTC).isoformat()
        connection.execute(
            "insert into state.webhook_deliveries values ('evt_connected', 'payout.paid', ?, ?,"
            " null, 1, 'acct_2', 'snapshot', 'of a connected account')",
            [noon, stamp],
        )


def test_each_expected_event_has_its_status(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        warehouse.execute("select event_id, status from operations.webhook_deliveries").fetchall()
    )
    assert found == {
        "evt_first": "delivered",
        "evt_prompt": "delivered",
        "evt_late": "late",
        "evt_missing": "missing",
        "evt_replayed": "replayed",
        "evt_awaited": "awaited",
        "evt_connected": "delivered",
    }


def test_the_day_sums_up(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select events, delivered, late, missing, awaited, replayed, duplicates, lag_seconds_p50"
        " from operations.webhook_delivery_daily"
    ).fetchall()
    assert rows == [(7, 3, 1, 1, 1, 1, 2, 2.5)]
