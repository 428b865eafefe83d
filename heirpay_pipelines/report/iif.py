"""The journal as Intuit Interchange Format, which QuickBooks and others import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb

from heirpay_pipelines.at_rest import sealed

HEADER = (
    "!TRNS\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tMEMO",
    "!SPL\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tMEMO",
    "!ENDTRNS",
)
Row = tuple[date, str, str, str, Decimal, str]


def write_iif(
    connection: duckdb.DuckDBPyConnection, journal: str, folder: Path, key: str | None
) -> list[Path]:
    """Write `journal-<currency>.iif` for each currency; the format knows no currency of its own.

    `journal` is the SQL of the daily journal. A transaction is one day and memo: its first line is
    the TRNS, the others its splits, and their amounts (debit less credit) add up to nothing.
    """
    sql = (
        "select date, currency, account, memo, debit - credit as amount, account_name"
        f" from ({journal}) as journal order by currency, date, memo, account"
    )
    rows: list[Row] = connection.execute(sql).fetchall()
    written = []
    for currency, of_currency in groupby(rows, key=lambda row: row[1]):
        path = folder / f"journal-{currency.lower()}.iif"
        text = "\r\n".join((*HEADER, *_transactions(of_currency))) + "\r\n"
        sealed.write(path, text.encode("ascii", errors="replace"), key)
        written.append(path)
    return written


def _transactions(rows: Iterable[Row]) -> Iterator[str]:
    for _, lines in groupby(rows, key=lambda row: (row[0], row[3])):
        for number, (day, _, account, memo, amount, _name) in enumerate(lines):
            kind = "TRNS" if number == 0 else "SPL"
            yield f"{kind}\tGENERAL JOURNAL\t{day:%m/%d/%Y}\t{account}\t{amount:f}\t{memo}"
        yield "ENDTRNS"
