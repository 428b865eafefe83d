"""Read-only SQL on the published warehouse, for the command line and other readers."""

from __future__ import annotations

import sys
from datetime import date
from typing import IO, Any, Literal

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import connect
from heirpay_pipelines.publish.asked import record_query
from heirpay_pipelines.settings import Settings

NEVER_WRAPPED = 1_000_000
Format = Literal["table", "csv", "json", "parquet"]


class QueryError(Exception):
    """The SQL is wrong or not allowed; the message is DuckDB's own."""


def run_query(
    settings: Settings, sql: str, form: Format, out: IO[bytes], night: date | None = None
) -> None:
    """Write the result of one query to `out`; `night` asks a recomputed one instead.

    The file is opened read-only and DuckDB is kept from reading or writing any other file; the
    audit log records the query first.
    Raises QueryError for SQL that fails, WarehouseError when nothing is published yet.
    """
    key = settings.secret("encryption_key")
    file = settings.warehouse if night is None else settings.recomputed_night(night)
    if night is not None and not file.is_file():
        raise QueryError(f"the night of {night} was not recomputed: run the job `backfill` for it")
    with connect(file, key, read_only=True) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        record_query(settings, connection, sql)
        try:
            if form == "table":
                _write_table(connection, sql)
            else:
                result = connection.execute(sql).to_arrow_table()
                WRITERS[form](connection, result, out)
        except duckdb.Error as error:
            raise QueryError(str(error)) from None


def _write_table(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    relation = connection.sql(sql)
    if relation is not None:
        # In a pipe nothing is wrapped or left out: what reads it looks for whole values.
        relation.show(max_rows=10_000, max_width=0 if sys.stdout.isatty() else NEVER_WRAPPED)


def _write_csv(_: duckdb.DuckDBPyConnection, result: pa.Table, out: IO[bytes]) -> None:
    from pyarrow import csv

    csv.write_csv(result, out)


def _write_json(connection: duckdb.DuckDBPyConnection, result: pa.Table, out: IO[bytes]) -> None:
    # DuckDB prints a DECIMAL as an exact JSON number; Python's json would make a float of it.
    connection.register("result", result)
    rows = connection.execute("select to_json(result) from result")
    separator = b"["
    while batch := rows.fetchmany(1000):
        for (row,) in batch:
            out.write(separator + row.encode())
            separator = b",\n"
    out.write(b"[]\n" if separator == b"[" else b"]\n")


def _write_parquet(_: duckdb.DuckDBPyConnection, result: pa.Table, out: IO[bytes]) -> None:
    from pyarrow import parquet

    parquet.write_table(result, out, compression="zstd")


WRITERS: dict[str, Any] = {"csv": _write_csv, "json": _write_json, "parquet": _write_parquet}
