"""Read-only SQL on the published warehouse, for the command line and other readers."""

from __future__ import annotations

from contextlib import redirect_stdout
from datetime import date
from io import BytesIO, StringIO
from typing import IO, Any, Literal

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import connect_shut
from heirpay_pipelines.home import Home
from heirpay_pipelines.query.audit_record import record_query
from heirpay_pipelines.query.one_select import RefusedSqlError, statement_of
from heirpay_pipelines.text.shown import in_json, many_lines
from heirpay_pipelines.text.spreadsheet_csv import as_cells

NEVER_WRAPPED = 1_000_000
Format = Literal["table", "csv", "json", "parquet"]


class QueryError(Exception):
    """The SQL is wrong or not allowed; the message says which."""


def run_query(
    home: Home, sql: str, form: Format, out: IO[bytes], night: date | None = None
) -> None:
    """Write the result of one query to `out`; `night` asks a recomputed one instead.

    The audit log records it first; then it must be one SELECT, or EXPLAIN of one; then it runs in a
    connection that can change nothing and reach no other file.
    Raises QueryError for SQL that fails, WarehouseError when nothing is published yet.
    """
    key = home.key
    file = home.warehouse if night is None else home.recomputed_night(night)
    if night is not None and not file.is_file():
        raise QueryError(
            f"the night of {night} was not recomputed: materialise that partition of the asset"
            " nights/warehouse"
        )
    with connect_shut(
        file, key, memory_limit=home.memory_limit, timezone=home.timezone
    ) as connection:
        record_query(home, connection, sql)
        try:
            statement = statement_of(connection, sql)
            if form == "table":
                _write_table(connection, statement, out)
            else:
                result = connection.execute(statement).to_arrow_table()
                # A terminal obeys what is in the data; a file keeps it as it is.
                shown = BytesIO() if out.isatty() else out
                WRITERS[form](connection, result, shown)
                if isinstance(shown, BytesIO) and shown is not out:
                    plain = in_json if form == "json" else many_lines
                    out.write(plain(shown.getvalue().decode()).encode())
        except (duckdb.Error, RefusedSqlError) as error:
            raise QueryError(str(error)) from None


def _write_table(
    connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, out: IO[bytes]
) -> None:
    relation = connection.sql(statement)
    if statement.type == duckdb.StatementType.EXPLAIN:
        shown = "".join(f"{plan}\n" for _, plan in relation.fetchall())
    else:
        # In a pipe nothing is wrapped or left out: what reads it looks for whole values.
        with redirect_stdout(StringIO()) as printed:  # DuckDB draws it on the standard output only
            relation.show(max_rows=10_000, max_width=0 if out.isatty() else NEVER_WRAPPED)
        shown = printed.getvalue()
    out.write(many_lines(shown).encode())


def _write_csv(_: duckdb.DuckDBPyConnection, result: pa.Table, out: IO[bytes]) -> None:
    from pyarrow import csv

    csv.write_csv(as_cells(result), out)


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
