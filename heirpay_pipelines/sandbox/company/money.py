"""Rates, fees and rounding of the simulated company. Amounts are integers of minor units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

EXPONENT = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3, "aud": 2, "cad": 2}
SETTLES_IN = {"usd": "usd", "eur": "eur", "gbp": "usd", "jpy": "usd", "kwd": "usd", "aud": "usd",
              "cad": "usd"}  # fmt: skip
RATE = {"gbp": Decimal("1.27"), "jpy": Decimal("0.0067"), "kwd": Decimal("3.25"),
        "aud": Decimal("0.65"), "cad": Decimal("0.73")}  # fmt: skip
# Percent and fixed part by payment method type, in the settlement currency.
FEES = {
    "card": (Decimal("0.029"), 30),
    "us_bank_account": (Decimal("0.008"), 0),
    "sepa_debit": (Decimal(0), 35),
    "klarna": (Decimal("0.0599"), 30),
    "affirm": (Decimal("0.06"), 30),
    "crypto": (Decimal("0.015"), 0),
}
DISPUTE_FEE = 1500


def rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def settled(amount: int, currency: str) -> tuple[int, str, float | None]:
    """(amount, settlement currency, exchange rate) of an amount in a presentment currency.

    The rate relates minor units, as Stripe states it.
    """
    target = SETTLES_IN[currency]
    if target == currency:
        return amount, currency, None
    scale = Decimal(10) ** (EXPONENT[target] - EXPONENT[currency])
    rate = RATE[currency] * scale
    return rounded(amount * rate), target, float(rate)


def processing_fee(amount: int, method: str) -> int:
    percent, fixed = FEES[method]
    fee = rounded(abs(amount) * percent) + fixed
    return min(fee, 500) if method == "us_bank_account" else fee


def share(amount: int, part: int, whole: int) -> int:
    """amount × part ÷ whole, rounded half up."""
    return rounded(Decimal(amount) * part / whole)
