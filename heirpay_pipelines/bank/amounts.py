"""Amounts and dates as files state them: digits are counted before any arithmetic, so that no
text of a file (`1E+999990`, `Infinity`) costs time or memory. A reason never quotes the text."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from heirpay_pipelines.bank.statement import StatementError

PLAIN = re.compile(r"([+-]?)([0-9]{0,18})(?:\.([0-9]{0,9}))?")
GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([,.' ])[0-9]{3})(?:\1[0-9]{3}){0,5}")
ISO_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.,]{0,24})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def plain_decimal(text: str) -> Decimal:
    """An amount with a point as decimal sign, no grouping and no exponent."""
    found = PLAIN.fullmatch(text.strip())
    if found is None or not (found[2] or found[3]):
        raise StatementError("an amount is no number (digits and one decimal point)")
    return Decimal(f"{found[1]}{found[2] or '0'}.{found[3] or '0'}")


def either_decimal(text: str) -> Decimal:
    """An amount whose decimal sign is a comma or a point. Grouping is read where the other sign
    shows which is which (`1,234.56`), or where it stands several times (`1.234.567`)."""
    plain = text.strip()
    sign = plain[:1] if plain[:1] in ("+", "-") else ""
    number = plain[len(sign) :].strip()
    last = max(number.rfind(","), number.rfind("."))
    if last < 0:
        return plain_decimal(sign + number)
    mark = number[last]
    other = "," if mark == "." else "."
    if number.count(mark) > 1:
        if other in number or GROUPED.fullmatch(number) is None:
            raise StatementError("an amount is grouped otherwise than by threes")
        return plain_decimal(sign + number.replace(mark, ""))
    whole = number[:last]
    if other in whole:
        if GROUPED.fullmatch(whole) is None:
            raise StatementError("an amount is grouped otherwise than by threes")
        whole = whole.replace(other, "")
    return plain_decimal(f"{sign}{whole}.{number[last + 1 :]}")


def iso_day(text: str) -> date:
    """The day of an ISO date or instant, as it is written: the bank's own, not UTC's."""
    found = ISO_DAY.fullmatch(text.strip())
    try:
        return date.fromisoformat(found[1]) if found else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise StatementError("a date is no date of the calendar (YYYY-MM-DD)")
