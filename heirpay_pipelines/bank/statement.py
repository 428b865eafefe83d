"""What every format is read into, and the checks that hold for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Self

from heirpay_pipelines.currencies import exponents

SHOWN_UP_TO = 10**12
CURRENCY = re.compile(r"[a-z]{3}")


class StatementError(Exception):
    """A file is not a statement that can be trusted: what is wrong, `where` in the file, and the
    `remedy`. It quotes nothing of the file but amounts that were understood and currencies."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        said = f"{self.where}: {self.what}" if self.where else self.what
        return f"{said}; {self.remedy}" if self.remedy else said

    def at(self, where: str, remedy: str = "") -> Self:
        """The same with a place, and a remedy, where it has none yet."""
        return type(self)(self.what, self.where or where, self.remedy or remedy)


@contextmanager
def placed(where: str, remedy: str = "") -> Iterator[None]:
    """What goes wrong inside is at this place of the file."""
    try:
        yield
    except StatementError as error:
        raise error.at(where, remedy) from None


@dataclass(frozen=True)
class Line:
    """One booking. `amount` is in minor units, positive for a credit. `utc_day` is the day that
    release 0.1.0 read where it took UTC's for the bank's."""

    booked_on: date
    value_on: date | None
    amount: int
    reference: str
    description: str
    utc_day: date | None = None


@dataclass(frozen=True)
class Statement:
    """One account's bookings; balances in minor units, None where the format states none.

    `is_final` is false for what the bank reports before its statement (camt.052, camt.054, MT942,
    BAI2 of the running day): its lines count until a statement of their days arrives.
    `is_numbered` says that `statement_id` is the bank's own number of it; `closes_period` that the
    closing balance is of its last day, not of the later day on which it was asked for.
    """

    account: str
    currency: str
    statement_id: str
    lines: tuple[Line, ...]
    opening: int | None = None
    closing: int | None = None
    first_on: date | None = None
    last_on: date | None = None
    is_final: bool = True
    is_numbered: bool = False
    closes_period: bool = True

    @property
    def total(self) -> int:
        """What its lines add up to, minor units."""
        return sum(line.amount for line in self.lines)

    @property
    def is_balanced(self) -> bool | None:
        """Whether opening + lines = closing; None where a balance is not stated."""
        if self.opening is None or self.closing is None:
            return None
        return self.opening + self.total == self.closing


def known_currency(text: str) -> str:
    """A currency's code in lower case; StatementError when it is not known."""
    currency = text.strip().lower()
    if not CURRENCY.fullmatch(currency):
        raise StatementError("a currency is no code of three letters (ISO 4217)")
    if currency not in exponents():
        raise StatementError(f"currency {currency!r} is not known", remedy="correct it in the file")
    return currency


def minor_units(amount: Decimal, currency: str) -> int:
    """`amount` in the currency's smallest unit, as Stripe counts it; StatementError when the
    currency is unknown or the amount has more decimals than it."""
    scaled = amount.scaleb(exponents()[known_currency(currency)])
    if scaled != scaled.to_integral_value():
        raise StatementError(f"an amount has more decimals than {currency} has")
    return int(scaled)


def shown(amount: int) -> str:
    """An amount for a reason. Digits that may be a card's or an account's number are not shown."""
    return str(amount) if abs(amount) < SHOWN_UP_TO else "an amount of thirteen digits or more"


def verify(statement: Statement) -> None:
    """Opening + lines = closing. StatementError otherwise."""
    if not statement.account:
        raise StatementError(
            "a statement names no account", remedy="ask the bank for a statement that names it"
        )
    known_currency(statement.currency)
    if statement.is_balanced is False:
        opening = statement.opening or 0
        total = opening + statement.total
        raise StatementError(
            f"opening {shown(opening)} + lines {shown(statement.total)} = {shown(total)}, but the"
            f" closing balance says {shown(statement.closing or 0)}"
            f" (minor units of {statement.currency})",
            remedy="ask the bank for the statement again, a line is missing or was changed",
        )
