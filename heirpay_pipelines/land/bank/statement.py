"""What every format is read into, and the checks that hold for all of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from heirpay_pipelines.land.currencies import exponents


class StatementError(Exception):
    """A file is not a statement that can be trusted. The message says what is wrong and where."""


@dataclass(frozen=True)
class Line:
    """One booking. `amount` is in minor units, positive for a credit."""

    booked_on: date
    value_on: date | None
    amount: int
    reference: str
    description: str


@dataclass(frozen=True)
class Statement:
    """One account's bookings; balances in minor units, None where the format states none."""

    account: str
    currency: str
    statement_id: str
    lines: tuple[Line, ...]
    opening: int | None = None
    closing: int | None = None
    first_on: date | None = None
    last_on: date | None = None


def minor_units(amount: Decimal, currency: str) -> int:
    """`amount` in the currency's smallest unit, as Stripe counts it; StatementError when the
    currency is unknown or the amount has more decimals than it."""
    known = exponents()
    if currency not in known:
        raise StatementError(f"currency {currency!r} is not known; correct it in the file")
    scaled = amount.scaleb(known[currency])
    if scaled != scaled.to_integral_value():
        raise StatementError(f"amount {amount} has more decimals than {currency} has")
    return int(scaled)


def verify(statement: Statement) -> None:
    """Opening + lines = closing: the libraries do not check it. StatementError otherwise."""
    if not statement.account:
        raise StatementError("a statement names no account")
    if statement.opening is None or statement.closing is None:
        return
    total = statement.opening + sum(line.amount for line in statement.lines)
    if total != statement.closing:
        raise StatementError(
            f"statement {statement.statement_id}: opening {statement.opening} + lines"
            f" {total - statement.opening} = {total}, but the closing balance says"
            f" {statement.closing} (minor units of {statement.currency}). Ask the bank for the"
            " statement again; a line is missing or was changed"
        )


def records(
    statements: Sequence[Statement], file_name: str, file_sha256: str, kind: str
) -> list[dict[str, Any]]:
    """The landed objects of one file: a `bank_statement` each, and its `bank_transaction`s.

    A line's id follows from what the bank booked, so a booking that two overlapping files both
    hold is one object; equal bookings of one file are counted.
    """
    found: list[dict[str, Any]] = []
    origin = {"file_name": file_name, "file_sha256": file_sha256, "format": kind}
    seen: Counter[tuple[str, ...]] = Counter()
    for number, statement in enumerate(statements):
        shared = {
            "account": statement.account,
            "currency": statement.currency,
            "statement_id": statement.statement_id,
            **origin,
        }
        found.append(
            {
                "id": f"stmt_{_hash(file_sha256, str(number))}",
                "object": "bank_statement",
                "opening": statement.opening,
                "closing": statement.closing,
                "first_date": _iso(statement.first_on),
                "last_date": _iso(statement.last_on),
                "lines": len(statement.lines),
                "total": sum(line.amount for line in statement.lines),
                **shared,
            }
        )
        for line in statement.lines:
            key = (
                statement.account, statement.currency, line.booked_on.isoformat(),
                str(line.amount), line.reference, line.description,
            )  # fmt: skip
            seen[key] += 1
            found.append(
                {
                    "id": f"bank_{_hash(*key, str(seen[key]))}",
                    "object": "bank_transaction",
                    "booking_date": line.booked_on.isoformat(),
                    "value_date": _iso(line.value_on),
                    "amount": line.amount,
                    "reference": line.reference,
                    "description": line.description,
                    **shared,
                }
            )
    return found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
