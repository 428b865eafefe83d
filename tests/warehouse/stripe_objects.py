"""Builders of Stripe objects in the wire format of the installed SDK's API version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landing_harness import epoch

JsonObject = dict[str, Any]


def customer(customer_id: str, created: str = "2026-01-01", **extra: Any) -> JsonObject:
    return {"id": customer_id, "object": "customer", "created": epoch(created), **extra}


def price(
    price_id: str,
    unit_amount: int | str | None = None,
    interval: str = "month",
    interval_count: int = 1,
    currency: str = "usd",
    product: str = "prod_plan",
    tiers: list[tuple[int | None, int, int]] | None = None,
    tiers_mode: str | None = None,
    usage_type: str = "licensed",
    transform: tuple[int, str] | None = None,
    tax_behavior: str = "exclusive",
    options: dict[str, int | list[tuple[int | None, int, int]]] | None = None,
) -> JsonObject:
    """A recurring price. `tiers` are (up to, unit amount, flat amount); `options` are its unit
    amounts, or its tiers, in other currencies."""
    whole = unit_amount is not None and "." not in str(unit_amount)
    return {
        "id": price_id,
        "object": "price",
        "created": epoch("2025-01-01"),
        "active": True,
        "currency": currency,
        "product": product,
        "type": "recurring",
        "billing_scheme": "tiered" if tiers else "per_unit",
        "unit_amount": int(unit_amount) if whole and unit_amount is not None else None,
        "unit_amount_decimal": None if unit_amount is None else str(unit_amount),
        "tiers_mode": tiers_mode,
        "tiers": _tiers(tiers) if tiers else None,
        "recurring": {
            "interval": interval,
            "interval_count": interval_count,
            "usage_type": usage_type,
            "meter": None,
        },
        "transform_quantity": {"divide_by": transform[0], "round": transform[1]}
        if transform
        else None,
        "tax_behavior": tax_behavior,
        "currency_options": {
            code: {"tax_behavior": tax_behavior, **_amount(amount)}
            for code, amount in (options or {}).items()
        },
    }


def _amount(amount: int | list[tuple[int | None, int, int]]) -> JsonObject:
    if isinstance(amount, int):
        return {"unit_amount": amount, "unit_amount_decimal": str(amount)}
    return {"unit_amount": None, "unit_amount_decimal": None, "tiers": _tiers(amount)}


def _tiers(tiers: list[tuple[int | None, int, int]]) -> list[JsonObject]:
    return [
        {
            "up_to": up_to,
            "unit_amount": unit,
            "unit_amount_decimal": str(unit),
            "flat_amount": flat or None,
            "flat_amount_decimal": str(flat) if flat else None,
        }
        for up_to, unit, flat in tiers
    ]


def discount(
    discount_id: str,
    percent_off: float | None = None,
    amount_off: int | None = None,
    duration: str = "forever",
    start: str = "2025-01-01",
    end: str | None = None,
    currency: str = "usd",
    **extra: Any,
) -> JsonObject:
    """A discount with its coupon expanded."""
    return {
        "id": discount_id,
        "object": "discount",
        "start": epoch(start),
        "end": epoch(end) if end else None,
        "source": {
            "type": "coupon",
            "coupon": {
                "id": f"co_{discount_id}",
                "object": "coupon",
                "percent_off": percent_off,
                "amount_off": amount_off,
                "currency": currency if amount_off is not None else None,
                "duration": duration,
            },
        },
        **extra,
    }


def item(
    item_id: str,
    its_price: JsonObject,
    quantity: int | None = 1,
    discounts: Sequence[Any] = (),
) -> JsonObject:
    embedded = {k: v for k, v in its_price.items() if k not in ("tiers", "currency_options")}
    return {
        "id": item_id,
        "object": "subscription_item",
        "created": epoch("2026-01-01"),
        "price": embedded,
        "quantity": quantity,
        "discounts": list(discounts),
        "current_period_start": epoch("2026-01-01"),
        "current_period_end": epoch("2026-02-01"),
    }


def subscription(
    subscription_id: str,
    customer_id: str,
    items: Sequence[JsonObject],
    status: str = "active",
    created: str = "2026-01-01",
    discounts: Sequence[Any] = (),
    currency: str | None = None,
    **extra: Any,
) -> JsonObject:
    """A subscription; instants in `extra` are ISO texts."""
    instants = ("trial_start", "trial_end", "ended_at", "canceled_at", "cancel_at")
    for name in instants:
        if isinstance(extra.get(name), str):
            extra[name] = epoch(extra[name])
    return {
        "id": subscription_id,
        "object": "subscription",
        "created": epoch(created),
        "start_date": epoch(created),
        "customer": customer_id,
        "currency": currency or items[0]["price"]["currency"],
        "status": status,
        "discounts": list(discounts),
        "items": {"object": "list", "data": list(items), "has_more": False},
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "trial_start": None,
        "trial_end": None,
        "pause_collection": None,
        "latest_invoice": None,
        "schedule": None,
        **extra,
    }


def line(
    line_id: str,
    amount: int,
    start: str,
    end: str,
    subscription_id: str | None = None,
    item_id: str | None = None,
    price_id: str | None = None,
    quantity: int = 1,
    proration: bool = False,
    currency: str = "usd",
    discounts: Sequence[tuple[str, int]] = (),
    taxes: Sequence[JsonObject] = (),
    product: str = "prod_plan",
) -> JsonObject:
    """An invoice line: of a subscription item, or of an invoice item without one."""
    details = {
        "invoice_item": None if item_id else f"ii_{line_id}",
        "proration": proration,
        "proration_details": None,
        "subscription": subscription_id,
    }
    kind = "subscription_item_details" if item_id else "invoice_item_details"
    if item_id:
        details["subscription_item"] = item_id
    return {
        "id": line_id,
        "object": "line_item",
        "amount": amount,
        "subtotal": amount,
        "currency": currency,
        "quantity": quantity,
        "period": {"start": epoch(start), "end": epoch(end)},
        "parent": {"type": kind, kind: details},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": price_id, "product": product},
            "unit_amount_decimal": None,
        },
        "discount_amounts": [{"amount": value, "discount": name} for name, value in discounts],
        "discounts": [name for name, _ in discounts],
        "taxes": list(taxes),
    }


def tax(rate_id: str, amount: int, taxable: int, behavior: str = "exclusive") -> JsonObject:
    return {
        "type": "tax_rate_details",
        "amount": amount,
        "taxable_amount": taxable,
        "tax_behavior": behavior,
        "taxability_reason": "standard_rated",
        "tax_rate_details": {"tax_rate": rate_id},
    }


def invoice(
    invoice_id: str,
    customer_id: str,
    created: str,
    lines: Sequence[JsonObject],
    subscription_id: str | None = None,
    status: str = "paid",
    currency: str = "usd",
    discounts: Sequence[Any] = (),
    **extra: Any,
) -> JsonObject:
    """A finalised invoice; its totals come from its lines."""
    subtotal = sum(entry["amount"] for entry in lines)
    off = sum(cut["amount"] for entry in lines for cut in entry["discount_amounts"])
    on_top = sum(
        each["amount"]
        for entry in lines
        for each in entry["taxes"]
        if each["tax_behavior"] == "exclusive"
    )
    total = subtotal - off + on_top
    at = epoch(created)
    parent = {
        "type": "subscription_details",
        "subscription_details": {"subscription": subscription_id},
    }
    return {
        "id": invoice_id,
        "object": "invoice",
        "created": at,
        "customer": customer_id,
        "currency": currency,
        "status": status,
        "parent": parent if subscription_id else None,
        "lines": {"object": "list", "data": list(lines), "has_more": False},
        "discounts": list(discounts),
        "subtotal": subtotal,
        "total": total,
        "amount_due": total,
        "amount_paid": total if status == "paid" else 0,
        "amount_remaining": 0 if status == "paid" else total,
        "status_transitions": {
            "finalized_at": None if status == "draft" else at,
            "paid_at": at if status == "paid" else None,
            "marked_uncollectible_at": None,
            "voided_at": None,
        },
        **extra,
    }
