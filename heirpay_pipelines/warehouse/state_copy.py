"""The transactional state, copied into the build so that analysts can read it beside the facts."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import identifier
from heirpay_pipelines.state.database import State

# SQLite's type affinities, as the state's migrations declare them.
TYPES = {"INTEGER": pa.int64(), "REAL": pa.float64(), "BLOB": pa.binary()}


def copy_state(connection: duckdb.DuckDBPyConnection, state: State) -> list[str]:
    """Create `state.<table>` for each table of the state file; return their names.

    Every table is copied in one read transaction: the copies belong to one instant.
    """
    connection.execute("create schema if not exists state")
    with state.transaction():
        tables = [
            str(row["name"])
            for row in state.rows(
                "select name from sqlite_master where type = 'table'"
                " and name not like 'sqlite_%'"
                # Webhook bodies are large and personal, the other one holds keys.
                " and name not in ('migrations', 'pulls', 'webhook_bodies', 'quarantined_files',"
                " 'pseudonym_key', 'erasures', 'erased_ids')"
                " order by name"
            )
        ]
        for table in tables:
            rows = _read(state, table)
            connection.register("copied", rows)
            connection.execute(
                f"create or replace table {identifier('state', table)} as select * from copied"
            )
            connection.unregister("copied")
    return tables


def _read(state: State, table: str) -> pa.Table:
    columns = state.rows(f"pragma table_info({identifier(table)})")
    schema = pa.schema(
        [(str(c["name"]), TYPES.get(str(c["type"]).upper(), pa.string())) for c in columns]
    )
    return pa.Table.from_pylist(state.rows(f"select * from {identifier(table)}"), schema=schema)
