"""The journal as Intuit Interchange Format, which QuickBooks and others import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.report.money import Money

# Accounts first: one that QuickBooks does not know it would make a bank account.
ACCOUNTS = "!ACCNT\tNAME\tACCNTTYPE\tACCNUM"
HEADER = (
    "!TRNS\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tDOCNUM\tMEMO",
    "!SPL\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tDOCNUM\tMEMO",
    "!ENDTRNS",
)
TYPES = {"asset": "OCASSET", "liability": "OCLIAB", "income": "INC", "expense": "EXP"}
Row = tuple[date, str, str, str, Decimal, str, str]


def write_iif(
    connection: duckdb.DuckDBPyConnection,
    journal: str,
    parameters: dict[str, date | None],
    folder: Path,
    money: Money,
    key: str | None,
) -> list[Path]:
    """Write `journal-<currency>.iif` for each currency; the format knows no currency of its own.

    `journal` is the SQL of the daily journal, with its parameters. A transaction is the journal of
    one day: its first line is the TRNS, the others its splits; their amounts (debit less credit)
    add up to nothing.
    """
    sql = (
        "select date, currency, account, account_name, debit - credit as amount, memo, account_type"
        f" from ({journal}) as journal order by currency, date, memo, account"
    )
    rows: list[Row] = connection.execute(sql, parameters).fetchall()
    written = []
    for currency, of_currency in groupby(rows, key=lambda row: row[1]):
        lines = list(of_currency)
        path = folder / f"journal-{currency.lower()}.iif"
        text = "\r\n".join((*_accounts(lines), *HEADER, *_transactions(lines, money))) + "\r\n"
        # The format is older than Unicode: its programs read Windows' Western alphabet.
        sealed.write(path, text.encode("cp1252", errors="replace"), key)
        written.append(path)
    return written


def _accounts(rows: Iterable[Row]) -> Iterator[str]:
    yield ACCOUNTS
    for number, name, kind in sorted({(row[2], row[3], row[6]) for row in rows}):
        yield f"ACCNT\t{_text(name)}\t{TYPES[kind]}\t{_text(number)}"


def _transactions(rows: Iterable[Row], money: Money) -> Iterator[str]:
    for day, lines in groupby(rows, key=lambda row: row[0]):
        for position, (_, currency, _, name, amount, memo, _) in enumerate(lines):
            kind = "TRNS" if position == 0 else "SPL"
            number = f"{day:%Y%m%d}{currency.upper()}"
            yield (
                f"{kind}\tGENERAL JOURNAL\t{day:%m/%d/%Y}\t{_text(name)}"
                f"\t{money.plain(amount, currency.lower())}\t{number}\t{_text(memo)}"
            )
        yield "ENDTRNS"


def _text(value: str) -> str:
    """A field: tabs and line ends part fields and lines, a colon would make a sub-account."""
    return " ".join(value.replace(":", " ").replace('"', "'").split())
