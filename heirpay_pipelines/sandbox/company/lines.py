"""What an invoice's lines bill: amounts, discounts and taxes, before any object is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from heirpay_pipelines.sandbox.company.money import rounded, share

Object = dict[str, Any]
HUNDREDTHS = 10_000
"""A percentage in hundredths of a percent is a share of this."""


@dataclass
class Line:
    """What one line bills: amount before discount, its period, price and subscription item."""

    price: Object | None
    quantity: int
    amount: int
    start: int
    end: int
    description: str
    item: str | None = None
    proration: bool = False
    discounts: list[tuple[str, int]] = field(default_factory=list)
    taxes: list[Object] = field(default_factory=list)

    @property
    def net(self) -> int:
        """After discounts, as it is taxed; inclusive tax is still in it."""
        return self.amount - sum(amount for _, amount in self.discounts)

    @property
    def inclusive(self) -> bool:
        return self.price is not None and self.price["tax_behavior"] == "inclusive"

    @property
    def discountable(self) -> bool:
        """Prorations are billed with their discounts taken off already (classic billing mode)."""
        return not self.proration


def amount_of(price: Object, quantity: int) -> int:
    """What a quantity of a price costs for one billing period, in minor units."""
    if rule := price["transform_quantity"]:
        whole, rest = divmod(quantity, rule["divide_by"])
        quantity = whole + (1 if rest and rule["round"] == "up" else 0)
    if not price["tiers"]:
        return rounded(Decimal(price["unit_amount_decimal"]) * quantity)
    total, before = Decimal(0), 0
    for tier in price["tiers"]:
        last = tier["up_to"] is None or quantity <= tier["up_to"]
        if price["tiers_mode"] == "graduated":
            units = (quantity if last else tier["up_to"]) - before
        else:
            units = quantity if last else 0
        if last or price["tiers_mode"] == "graduated":
            total += Decimal(tier["unit_amount_decimal"]) * units + (tier["flat_amount"] or 0)
        before = tier["up_to"] or 0
        if last:
            break
    return rounded(total)


def discount(lines: Sequence[Line], coupons: Sequence[tuple[str, Object]]) -> None:
    """Apply (discount id, coupon) in order, each to what the one before left.

    A fixed amount is spread over the lines in proportion and never takes more than is there.
    """
    for discount_id, coupon in coupons:
        reducible = [line for line in lines if line.discountable and line.net > 0]
        base = sum(line.net for line in reducible)
        fixed = min(coupon["amount_off"] or 0, base)
        spent = 0
        for line in reducible:
            if coupon["percent_off"]:
                amount = share(line.net, hundredths(coupon["percent_off"]), HUNDREDTHS)
            else:
                last = line is reducible[-1]
                amount = fixed - spent if last else share(fixed, line.net, base)
                spent += amount
            line.discounts.append((discount_id, amount))


def after_discounts(amount: int, coupons: Sequence[tuple[str, Object]]) -> int:
    """What an amount is worth when the running discounts are taken off (percentages, then rest)."""
    line = Line(None, 1, amount, 0, 0, "")
    discount([line], coupons)
    return line.net


def hundredths(percent: float) -> int:
    """A percentage in hundredths of a percent; Stripe's percentages have at most four decimals."""
    return int(Decimal(str(percent)) * 100)


def tax(lines: Sequence[Line], rates: Sequence[tuple[Object, str]]) -> None:
    """Put the tax of each (tax rate, taxability reason) on each line.

    A one-time price's product may be zero-rated or reduced: then `rates` are that product's.
    """
    for line in lines:
        line.taxes = [_tax_line(line, rate, reason) for rate, reason in rates]


def _tax_line(line: Line, rate: Object, reason: str) -> Object:
    basis = int(Decimal(str(rate["percentage"])) * 100)
    if line.inclusive:
        net = rounded(Decimal(line.net) * HUNDREDTHS / (HUNDREDTHS + basis))
        amount, taxable = line.net - net, net
    else:
        amount, taxable = rounded(Decimal(line.net) * basis / HUNDREDTHS), line.net
    return {
        "amount": amount, "tax_behavior": "inclusive" if line.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]}, "taxability_reason": reason,
        "taxable_amount": taxable, "type": "tax_rate_details",
    }  # fmt: skip
