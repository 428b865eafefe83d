"""Reading the published warehouse for an explanation; amounts exact, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cached_property
from importlib.resources import files
from typing import Any

import duckdb

from heirpay_pipelines.duck import connect_shut
from heirpay_pipelines.home import Home

Row = dict[str, Any]
DIGITS = 60
"""More than any DECIMAL of the warehouse has: nothing is rounded on the way to the text."""


class ExplainError(Exception):
    """There is nothing to explain, or the rows do not add up. The message says what to do."""


class Published:
    """The published warehouse, opened read-only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """The rows of `sql/<name>.sql` for its named parameters."""
        sql = (files(__package__) / "sql" / f"{name}.sql").read_text()
        result = self.connection.execute(sql, parameters)
        columns = [column[0] for column in result.description or []]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    @cached_property
    def exponents(self) -> dict[str, int]:
        return {row["currency"]: row["exponent"] for row in self.rows("currencies")}

    def major(self, minor: Decimal | int, currency: str) -> Decimal:
        """Minor units as major units, every digit kept."""
        with localcontext(prec=DIGITS):
            return Decimal(minor).scaleb(-self.exponents[currency])

    def money(self, minor: Decimal | int, currency: str) -> str:
        """`33.333333 usd`: exact, with at least the currency's own decimals."""
        return exact(self.major(minor, currency), currency, self.exponents[currency])

    def figure(self, major: Decimal, currency: str) -> str:
        """`1,335.00 eur`: an amount of a finance table, with the currency's own decimals."""
        return exact(major, currency, self.exponents[currency])

    def unit(self, currency: str) -> Decimal:
        """The currency's smallest unit: 0.01, 1 or 0.001."""
        return Decimal(1).scaleb(-self.exponents[currency])

    def published(self, minor: Decimal | int, currency: str) -> str:
        """As the finance tables publish it: rounded half-even to the currency's exponent."""
        with localcontext(prec=DIGITS):
            rounded = self.major(minor, currency).quantize(self.unit(currency), ROUND_HALF_EVEN)
        return f"{rounded:,f} {currency}"


def exact(amount: Decimal, currency: str, decimals: int) -> str:
    """Major units with all their digits, and at least `decimals` of them after the point."""
    with localcontext(prec=DIGITS):
        least = Decimal(1).scaleb(-decimals)
        short = amount.quantize(least) if amount == amount.quantize(least) else amount.normalize()
    return f"{short:,f} {currency}"


def adds_up(
    parts_are: str, parts: Iterable[Decimal], whole: Decimal, unit: Decimal | None = None
) -> None:
    """Hold the parts (their sum rounded half-even to `unit`) against the whole; a figure that its
    rows do not make is not explained: ExplainError."""
    with localcontext(prec=DIGITS):
        total = sum(parts, Decimal(0))
        total = total.quantize(unit, ROUND_HALF_EVEN) if unit else total
    if total != whole:
        raise ExplainError(
            f"The published rows disagree: {parts_are} add up to {total:f}, not to {whole:f}. "
            "Run `heirpay run` to build them anew, and report this if it stays."
        )


@contextmanager
def open_published(home: Home) -> Iterator[Published]:
    """Raises WarehouseError when nothing is published or the key does not fit."""
    key = home.key
    with connect_shut(home.warehouse, key) as connection:
        yield Published(connection)
