"""Tax returns and the journal as CSV files, beside the report: one file for each query of
`exports/`. A spreadsheet opens them as they are: the byte order mark tells it that they are UTF-8,
amounts have the decimals of their currency, and nothing in them is read as a formula."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.report.iif import write_iif
from heirpay_pipelines.report.money import Money
from heirpay_pipelines.text.spreadsheet_csv import write_csv

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
BATCH = 10_000


def write_exports(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    key: str | None = None,
    month: date | None = None,
) -> list[Path]:
    """Write every export into the folder (created, mode 0700), sealed with `key`; return the paths.

    `connection` reads a published warehouse; amounts are decimals in major units. With `month` (its
    first day) the files hold what belongs to it, so that no month is imported twice. A query whose
    table is not published is left out. The journal is also written as IIF, a file per currency.
    """
    of_month = {"month": month}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    money = Money(_exponents(connection))
    written = []
    for name in EXPORTS:
        sql = files(__package__).joinpath("exports", f"{name}.sql").read_text(encoding="utf-8")
        try:
            cursor = connection.execute(sql, of_month)
        except duckdb.CatalogException:
            continue
        path = folder / f"{name}.csv"
        _write(path, cursor, money, key)
        written.append(path)
        if name == "journal":
            written += write_iif(connection, sql, of_month, folder, money, key)
    return written


def _exponents(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    sql = "select currency, exponent from intermediate.currencies"
    try:
        return dict(connection.execute(sql).fetchall())
    except duckdb.CatalogException:  # nothing is published yet: there are no amounts either
        return {}


def _write(path: Path, cursor: duckdb.DuckDBPyConnection, money: Money, key: str | None) -> None:
    names = [column[0] for column in cursor.description or ()]
    with TextIOWrapper(sealed.create(path, key), encoding="utf-8-sig", newline="") as out:
        write_csv(out, names, _rows(cursor, names, money))


def _rows(cursor: duckdb.DuckDBPyConnection, names: list[str], money: Money) -> Iterator[list[Any]]:
    while batch := cursor.fetchmany(BATCH):
        for row in batch:
            yield _cells(dict(zip(names, row, strict=True)), money)


def _cells(row: dict[str, Any], money: Money) -> list[Any]:
    """Amounts with their currency's decimals, rates without idle zeros, text as text."""
    currency = str(row.get("currency") or "").lower()
    cells = []
    for name, value in row.items():
        if isinstance(value, Decimal):
            rate = name == "rate" or name.endswith("_rate")
            cells.append(f"{value.normalize():f}" if rate else money.plain(value, currency))
        else:
            cells.append(value)
    return cells
