"""The transactional state, copied into the build so that analysts can read it beside the facts."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import identifier
from heirpay_pipelines.state.database import State

COPIED = (
    "attestations", "audit_log", "break_resolutions", "break_sightings", "clean_pulls",
    "control_results", "escalations", "incident_attempts", "incident_worklists", "incidents",
    "outbox_deliveries", "outbox_messages", "period_adjustments", "period_closes",
    "period_figures", "published_figures", "recorded_versions", "regulatory_inquiries",
    "risk_proposal_items", "risk_proposals", "runs", "switches", "waivers", "webhook_deliveries",
    "webhook_endpoint", "webhook_rejections",
)  # fmt: skip
"""What is copied: a new table of the state file only when it is put here, for it may hold what
nobody may read in a published file."""
# SQLite's type affinities, as the state's migrations declare them.
TYPES = {"INTEGER": pa.int64(), "REAL": pa.float64(), "BLOB": pa.binary()}


def copy_state(connection: duckdb.DuckDBPyConnection, state: State) -> list[str]:
    """Create `state.<table>` for each table of COPIED; return their names.

    Every table is copied in one read transaction: the copies belong to one instant.
    """
    connection.execute("create schema if not exists state")
    with state.transaction():
        for table in COPIED:
            rows = _read(state, table)
            connection.register("copied", rows)
            connection.execute(
                f"create or replace table {identifier('state', table)} as select * from copied"
            )
            connection.unregister("copied")
    return list(COPIED)


def _read(state: State, table: str) -> pa.Table:
    columns = state.rows(f"pragma table_info({identifier(table)})")
    schema = pa.schema(
        [(str(c["name"]), TYPES.get(str(c["type"]).upper(), pa.string())) for c in columns]
    )
    return pa.Table.from_pylist(state.rows(f"select * from {identifier(table)}"), schema=schema)
