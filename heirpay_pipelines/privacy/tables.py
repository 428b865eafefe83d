"""Texts in tables of files that are neither landing nor warehouse: exports, copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from heirpay_pipelines.duck import WarehouseError, connect, identifier, quoted

BATCH = 1000


def tables_of_parquet(path: Path) -> Iterator[str]:
    """Every row of a Parquet file as text; none of an encrypted one, which no reader here opens."""
    with duckdb.connect(":memory:") as connection:
        try:
            rows = connection.execute(f"select t::varchar from {quoted(str(path))} as t")
        except duckdb.Error:
            return
        yield from _all(rows)


def tables_of_duckdb(path: Path, key: str | None) -> Iterator[str]:
    """Every row of every table of a DuckDB file as text."""
    try:
        with connect(path, key, read_only=True) as connection:
            names = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = current_database()"
            ).fetchall()
            for name in names:
                yield from _all(connection.execute(f"select t::varchar from {identifier(*name)} t"))
    except WarehouseError:
        return


def _all(rows: duckdb.DuckDBPyConnection) -> Iterator[str]:
    while batch := rows.fetchmany(BATCH):
        yield from (row[0] for row in batch if row[0] is not None)
