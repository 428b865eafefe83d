"""Tax returns and the journal as CSV files, beside the report: one file for each query of
`exports/`. A spreadsheet opens them as they are; nothing in them is read as a formula."""

from __future__ import annotations

import csv
from decimal import Decimal
from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.report.iif import write_iif

EXPORTS = (
    "eu-oss",
    "vat-return",
    "us-sales-tax",
    "tax-summary",
    "tax-lines",
    "tax-position",
    "tax-rates",
    "journal",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BATCH = 10_000


def write_exports(
    connection: duckdb.DuckDBPyConnection, folder: Path, key: str | None = None
) -> list[Path]:
    """Write every export into the folder (created, mode 0700), sealed with `key`; return the paths.

    `connection` reads a published warehouse; amounts are decimals in major units. A query whose
    table is not published is left out. The journal is also written as IIF, a file per currency.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = []
    for name in EXPORTS:
        sql = files(__package__).joinpath("exports", f"{name}.sql").read_text(encoding="utf-8")
        try:
            cursor = connection.execute(sql)
        except duckdb.CatalogException:
            continue
        path = folder / f"{name}.csv"
        _write(path, cursor, key)
        written.append(path)
        if name == "journal":
            written += write_iif(connection, sql, folder, key)
    return written


def _write(path: Path, cursor: duckdb.DuckDBPyConnection, key: str | None) -> None:
    with TextIOWrapper(sealed.create(path, key), encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow([column[0] for column in cursor.description or ()])
        while batch := cursor.fetchmany(BATCH):
            rows.writerows([[_cell(value) for value in row] for row in batch])


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would compute is kept as text; numbers stay numbers."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
