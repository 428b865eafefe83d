"""Amounts, rates and dates as text. Amounts stay DECIMAL; nothing here is a float."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

MINUS = "−"
NBSP = "\u00a0"


@dataclass(frozen=True)
class Money:
    """Formats amounts by the number of decimals of their currency."""

    exponents: Mapping[str, int] = field(default_factory=dict)

    def plain(self, amount: Decimal, currency: str | None) -> str:
        """`12500.00`: for programs. Digits beyond the currency's own are kept, never rounded."""
        exponent = self.exponents.get(currency or "")
        if exponent is None:
            return f"{amount:f}"
        rounded = amount.quantize(Decimal(1).scaleb(-exponent), ROUND_HALF_EVEN)
        return f"{rounded:f}" if rounded == amount else f"{amount.normalize():f}"

    def text(
        self, amount: Any, currency: str | None, *, sign: bool = False, bare: bool = False
    ) -> str:
        """`USD 12,500.00`: for people. With `sign`, a gain carries its plus; `bare` leaves the
        currency out, for a column beside it."""
        if amount is None:
            return "–"
        value = Decimal(amount)
        body = f"{Decimal(self.plain(abs(value), currency)):,f}"
        mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
        code = f"{currency.upper()}{NBSP}" if currency and not bare else ""
        return f"{mark}{code}{body}"

    def rounded(self, amount: Decimal, currency: str) -> Decimal:
        """Rounded half-even to the currency's exponent, as METRICS.md has published amounts."""
        exponent = self.exponents.get(currency, 2)
        return amount.quantize(Decimal(1).scaleb(-exponent), ROUND_HALF_EVEN)


def percent(rate: Any, digits: int = 1) -> str:
    """0.0909 → `9.1%`."""
    if rate is None:
        return "–"
    value = (Decimal(rate) * 100).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return f"{MINUS if value < 0 else ''}{abs(value):f}%"


def count(number: Any, *, sign: bool = False) -> str:
    """1234 → `1,234`."""
    if number is None:
        return "–"
    value = int(number)
    mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return f"{mark}{abs(value):,}"


def days(number: int) -> str:
    """`1 day`, `6 days`."""
    return f"{number} day" if number == 1 else f"{number} days"


def day(value: Any) -> str:
    """A date as `31 Oct 2026`; an instant likewise with its minutes, UTC."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        return f"{value.day}{NBSP}{value:%b}{NBSP}{value.year}, {value:%H:%M}{NBSP}UTC"
    return f"{value.day}{NBSP}{value:%b}{NBSP}{value.year}"


def month(value: Any) -> str:
    """A month's first day as `Oct 2026`."""
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return "–" if value is None else f"{value:%b}{NBSP}{value.year}"
