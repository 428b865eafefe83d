"""`operations.incidents`, built from the real state: as the night of its as-of knew it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from compiled_project import run_models
from escalate_night import Home, control

from heirpay_pipelines.incidents.published import publish_incidents
from heirpay_pipelines.state import open_state
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.state_copy import copy_state

CONTRACT = {
    "incident_id", "pattern", "symptom", "strike", "status", "opened_at", "last_seen_at",
    "resolved_at", "financial_impact", "currency", "compliance_risk", "urgency",
    "attempted_solutions", "recommendations",
}  # fmt: skip


def build(home: Home, folder: Path, as_of: datetime) -> list[dict[str, Any]]:
    """The mart as it is built of the state as it is."""
    folder.mkdir()
    database = folder / "build.duckdb"
    with duckdb.connect(database) as connection, open_state(home.settings.state_file) as state:
        assert "webhook_bodies" not in copy_state(connection, state)
    request = BuildRequest(database, folder, run_id="test", as_of=as_of)
    run_models(request, "incidents", tested=True)
    with duckdb.connect(database, read_only=True) as connection:
        return mart(connection)


def mart(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = connection.execute("from operations.incidents order by opened_at, incident_id")
    return rows.to_arrow_table().to_pylist()


def test_a_past_night_sees_what_was_open_then(home: Home, tmp_path: Path) -> None:
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "19.99")
    home.night(0)
    home.night(1, [control("one")])
    home.sql("delete from finance.payment_failures")
    before = build(home, tmp_path / "before", datetime(2026, 11, 3))  # noqa: DTZ001 - naive UTC
    home.night(2, [control("one")])

    now = build(home, tmp_path / "now", datetime(2026, 11, 3))  # noqa: DTZ001 - naive UTC
    assert now[0].keys() >= CONTRACT
    assert [(row["status"], row["strike"]) for row in now] == [("resolved", 2), ("open", 2)]
    assert now[0]["financial_impact"] == Decimal("299.850")
    assert now[0]["resolved_at"] == datetime(2026, 11, 3)  # noqa: DTZ001 - naive UTC

    then = build(home, tmp_path / "then", datetime(2026, 11, 1))  # noqa: DTZ001 - naive UTC
    assert [(row["status"], row["resolved_at"]) for row in then] == [("open", None)]

    # What the night changed is brought into what was built before it: the same as built after it.
    assert before != now
    with (
        duckdb.connect(tmp_path / "before" / "build.duckdb") as connection,
        open_state(home.settings.state_file) as state,
    ):
        publish_incidents(connection, state, datetime(2026, 11, 3, tzinfo=UTC))
        assert mart(connection) == now
