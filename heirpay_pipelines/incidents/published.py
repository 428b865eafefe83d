"""Incidents as others read them: in the file that is being published, in the report, in Dagster."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from heirpay_pipelines.state import State

INSTANTS = ("opened_at", "last_seen_at", "escalated_at", "acknowledged_at", "resolved_at")
DOCUMENTS = ("attempted_solutions", "recommendations")

OF_THE_NIGHT = """
select * from incidents
where last_seen_at = ? or resolved_at = ? or escalated_at = ? order by opened_at, incident_id
"""
CHANGES = {
    "opened": "opened_at = ?",
    "struck": "last_seen_at = ? and opened_at <> last_seen_at",
    "escalated": "escalated_at = ?",
    "resolved": "resolved_at = ?",
    "learned": "resolved_at = ? and learned_new",
}


def publish_incidents(build: duckdb.DuckDBPyConnection, state: State, as_of: datetime) -> None:
    """Bring what the night changed into the build's operations.incidents, which was built before
    the night was evaluated.

    Incidents that the night did not touch stay as the build has them: as the instant knew them.
    """
    rows = state.rows(OF_THE_NIGHT, (as_of.isoformat(),) * 3)
    if not rows:
        return
    columns = build.execute(
        "select column_name, data_type from duckdb_columns()"
        " where schema_name = 'operations' and table_name = 'incidents'"
    ).fetchall()
    texts = {name: [_text(row[name]) for row in rows] for name, _ in columns}
    build.register("changed", pa.table({k: pa.array(v, pa.string()) for k, v in texts.items()}))
    casts = ", ".join(
        # As the macro `instant` reads them: UTC, whole seconds.
        f"cast(substr({name}, 1, 19) as timestamp) as {name}"
        if kind == "TIMESTAMP"
        else f"cast({name} as {kind}) as {name}"
        for name, kind in columns
    )
    build.begin()
    build.execute(
        "delete from operations.incidents where incident_id in (select incident_id from changed)"
    )
    build.execute(f"insert into operations.incidents by name select {casts} from changed")
    build.commit()
    build.unregister("changed")


def changes_of(state: State, as_of: datetime) -> dict[str, int]:
    """How many incidents the night of an instant opened, struck again, escalated, resolved and
    learned from."""
    instant = (as_of.isoformat(),)
    return {
        name: len(state.rows(f"select 1 from incidents where {sql}", instant))
        for name, sql in CHANGES.items()
    }


def incident_rows(state: State) -> list[dict[str, Any]]:
    """Every incident, oldest first: amounts as Decimal, instants naive UTC, lists as lists."""
    rows = state.rows("select * from incidents order by opened_at, incident_id")
    for row in rows:
        row["financial_impact"] = Decimal(row["financial_impact"])
        row |= {name: _instant(row[name]) for name in INSTANTS}
        row |= {name: json.loads(row[name]) for name in DOCUMENTS}
    return rows


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
