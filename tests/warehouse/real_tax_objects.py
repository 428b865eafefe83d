"""Tax objects as real accounts have them: rates made by hand, exempt customers, shipping, more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import payment_objects as stripe
from landing_harness import Landing, epoch
from stripe_objects import customer, discount, invoice, item, line, price, subscription, tax

START, END = "2026-01-10T12:00:00", "2026-02-10T12:00:00"


def rate(rate_id: str, percentage: float, country: str, **extra: Any) -> dict[str, Any]:
    return {
        "id": rate_id, "object": "tax_rate", "created": epoch("2025-01-01"),
        "percentage": percentage, "effective_percentage": percentage, "country": country,
        "state": None, "jurisdiction": country, "tax_type": "vat", "active": True, **extra,
    }  # fmt: skip


RATES = [
    rate("txr_gb", 20.0, "GB"), rate("txr_de", 19.0, "DE"), rate("txr_fr", 20.0, "FR"),
    rate("txr_fr0", 0.0, "FR"), rate("txr_jp", 10.0, "JP"), rate("txr_ny", 4.0, "US"),
    rate("txr_nyc", 4.0, "US"), rate("txr_kw", 5.0, "KW"),
]  # fmt: skip


def by_hand(
    rate_id: str, amount: int, taxable: int, inclusive: bool = False, reason: str = "not_available"
) -> dict[str, Any]:
    """A tax of a rate that somebody made: Stripe knows no reason."""
    behavior = "inclusive" if inclusive else "exclusive"
    return tax(rate_id, amount, taxable, behavior) | {"taxability_reason": reason}


def bill(
    name: str,
    lines: list[dict[str, Any]],
    currency: str = "eur",
    taxes: int | None = None,
    **extra: Any,
) -> dict[str, Any]:
    made = invoice(f"in_{name}", f"cus_{name}", START, lines, currency=currency, status="open")
    stated = sum(each["amount"] for entry in lines for each in entry["taxes"])
    made["total_taxes"] = [{"amount": stated if taxes is None else taxes}]
    made["customer_address"] = {"country": "FR"}
    return made | extra


def one(name: str, amount: int, taxes: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    return line(f"il_{name}", amount, START, END, taxes=taxes, **{"currency": "eur"} | extra)


def monthly(
    landing: Landing,
    name: str,
    amount: int,
    taxes: list[dict[str, Any]],
    quantity: int = 1,
    currency: str = "gbp",
    discounts: Sequence[dict[str, Any]] = (),
    **its: Any,
) -> None:
    """A subscription and its first bill."""
    plan = price(f"price_{name}", amount // quantity, currency=currency, **its)
    landing.version(customer(f"cus_{name}"), "2026-01-01")
    landing.version(plan, "2026-01-01")
    body = subscription(f"sub_{name}", f"cus_{name}", [item(f"si_{name}", plan, quantity)],
                        created=START, discounts=discounts)  # fmt: skip
    landing.event("customer.subscription.created", body, START)
    off = [(each["id"], amount // 2) for each in discounts]
    billed = line(
        f"il_{name}", amount, START, END, f"sub_{name}", f"si_{name}", plan["id"], quantity,
        currency=currency, taxes=taxes, discounts=off,
    )  # fmt: skip
    made = invoice(f"in_{name}", f"cus_{name}", START, [billed], f"sub_{name}", currency=currency)
    made["total_taxes"] = [{"amount": sum(each["amount"] for each in taxes)}]
    landing.version(made, "2026-01-11")


SUBSCRIBED = {
    # name: (MRR, recognised revenue, taxable amount, tax), all of one month
    "hand": ("20.00", "20.00", "20.00", "4.00"),
    "yen": ("2000", "2000", "2000", "200"),
    "odd": ("8.39", "8.39", "8.39", "1.60"),
    "three": ("60.00", "60.00", "60.00", "12.00"),
    "two_rates": ("100.00", "100.00", "200.00", "8.00"),
    "halved": ("100.00", "100.00", "50.00", "10.00"),
    "freed": ("24.00", "24.00", "24.00", "0.00"),
    "unreasoned": ("20.00", "20.00", "20.00", "4.00"),
    "dinar": ("10.00", "10.00", "10.00", "0.50"),
    "half_off": ("10.00", "10.00", "10.00", "2.00"),
    "older": ("20.00", "20.00", "20.00", "4.00"),
}


def subscriptions(landing: Landing) -> None:
    monthly(landing, "hand", 2400, [by_hand("txr_gb", 400, 2000, True)])
    monthly(landing, "yen", 2200, [by_hand("txr_jp", 200, 2000, True)], currency="jpy")
    # 9.99 / 1.19 = 8.39496: MRR is exact, a bill is rounded.
    monthly(landing, "odd", 999, [by_hand("txr_de", 160, 839, True)], currency="eur")
    monthly(landing, "three", 7200, [by_hand("txr_gb", 1200, 6000, True)], quantity=3)
    both = [by_hand("txr_ny", 400, 10_000, True), by_hand("txr_nyc", 400, 10_000, True)]
    monthly(landing, "two_rates", 10_800, both, currency="usd")
    # Only half of the price is taxed.
    part = by_hand("txr_gb", 1000, 5000, True, "taxable_basis_reduced")
    monthly(landing, "halved", 11_000, [part])
    # The rate stands on the line and takes nothing.
    monthly(landing, "freed", 2400, [by_hand("txr_gb", 0, 2400, True)])
    # Stripe gives no reason at all; a currency of three decimals; half of the price for ever.
    unreasoned = by_hand("txr_gb", 400, 2000, True) | {"taxability_reason": None}
    monthly(landing, "unreasoned", 2400, [unreasoned])
    monthly(landing, "dinar", 10_500, [by_hand("txr_kw", 500, 10_000, True)], currency="kwd")
    half = discount("di_half_off", percent_off=50)
    monthly(landing, "half_off", 2400, [by_hand("txr_gb", 200, 1000, True)], discounts=[half])
    # As API versions before 2025-03-31 wrote it.
    plan = price("price_older", 2400, currency="gbp")
    landing.version(customer("cus_older"), "2026-01-01")
    landing.version(plan, "2026-01-01")
    body = subscription("sub_older", "cus_older", [item("si_older", plan)], created=START)
    landing.event("customer.subscription.created", body, START)
    billed = line("il_older", 2400, START, END, "sub_older", "si_older", "price_older",
                  currency="gbp")  # fmt: skip
    made = invoice("in_older", "cus_older", START, [billed], "sub_older", currency="gbp")
    stated = {"amount": 400, "inclusive": True, "tax_rate": "txr_gb", "taxable_amount": 2000}
    del billed["taxes"]
    billed["tax_amounts"] = made["total_tax_amounts"] = [stated]
    landing.version(made, "2026-01-11")


def exempt() -> list[dict[str, Any]]:
    zero = by_hand("txr_fr", 0, 10_000)
    reverse = {"customer_tax_exempt": "reverse"}
    note = {
        "id": "cn_reverse", "object": "credit_note", "created": epoch("2026-02-01"),
        "customer": "cus_reverse", "invoice": "in_reverse", "currency": "eur", "status": "issued",
        "type": "pre_payment", "amount": 1000, "total": 1000, "voided_at": None,
        "lines": {"object": "list", "has_more": False, "data": [{
            "id": "cnli_reverse", "object": "credit_note_line_item", "amount": 1000,
            "invoice_line_item": "il_reverse", "type": "invoice_line_item", "quantity": 1,
            "taxes": [by_hand("txr_fr", 0, 1000)],
        }]},
    }  # fmt: skip
    return [
        bill("reverse", [one("reverse", 10_000, [zero])], **reverse),
        note,
        bill("exempt", [one("exempt", 10_000, [zero])], customer_tax_exempt="exempt"),
        bill("nothing", [one("nothing", 10_000, [zero])]),
        bill("stated", [one("stated", 10_000, [zero | {"taxability_reason": "standard_rated"}])]),
        # A cent of a base that gives no cent of tax is taxed nonetheless.
        bill("cent", [one("cent", 1, [by_hand("txr_fr", 0, 1)])]),
        bill("zero", [one("zero", 10_000, [by_hand("txr_fr0", 0, 10_000, reason="zero_rated")])]),
        bill("full", [one("full", 10_000, [by_hand("txr_fr", 2000, 10_000)])]),
    ]


def shipped(name: str, taxes: list[dict[str, Any]] | None, **extra: Any) -> dict[str, Any]:
    body = bill(name, [one(name, 10_000, [by_hand("txr_fr", 2000, 10_000)])], taxes=2200)
    cost = {"amount_subtotal": 1000, "amount_tax": 200, "amount_total": 1200}
    if taxes is not None:
        cost["taxes"] = taxes  # type: ignore[assignment]
    return body | {"total": 13_200, "amount_shipping": 1200, "shipping_cost": cost} | extra


def shipping() -> list[dict[str, Any]]:
    named = {"amount": 200, "taxable_amount": 1000, "taxability_reason": "standard_rated",
             "rate": {"id": "txr_fr", "percentage": 20.0}}  # fmt: skip
    newer = by_hand("txr_fr", 200, 1000)
    two = [by_hand("txr_fr", 150, 750), by_hand("txr_de", 50, 250)]
    return [
        shipped("ship", [named]),
        shipped("ship_new", [newer]),
        shipped("ship_two", two),
        {
            "id": "cn_ship",
            "object": "credit_note",
            "created": epoch("2026-02-01"),
            "customer": "cus_ship",
            "invoice": "in_ship",
            "currency": "eur",
            "status": "issued",
            "type": "pre_payment",
            "amount": 600,
            "total": 600,
            "voided_at": None,
            "amount_shipping": 600,
            "lines": {"object": "list", "data": [], "has_more": False},
            "shipping_cost": {
                "amount_tax": 100,
                "amount_total": 600,
                "taxes": [named | {"amount": 100, "taxable_amount": 500}],
            },
        },
        shipped("ship_sum", None),
        # 1.00 of tax that neither a line nor the shipping explains.
        shipped("ship_more", [named], total_taxes=[{"amount": 2300}], total=13_300),
    ]


def rounded() -> list[dict[str, Any]]:
    """Three lines of 333 with a tax of 67 each: 2.01 by lines, 2.00 of the whole."""

    def lines(name: str, rates: tuple[str, ...], amount: int, taxes: int) -> list[dict[str, Any]]:
        behavior = {"inclusive": name == "inside"}
        return [
            one(f"{name}{n}", amount, [by_hand(each, taxes, 333, **behavior)])
            for n, each in enumerate(rates)
        ]

    def by_rate(rate_id: str, amount: int) -> dict[str, Any]:
        return {"amount": amount, "tax_behavior": "exclusive",
                "tax_rate_details": {"tax_rate": rate_id}}  # fmt: skip

    same = ("txr_fr",) * 3
    two = ("txr_fr", "txr_fr", "txr_de")
    stated = [by_rate("txr_fr", 133), by_rate("txr_de", 66)]
    return [
        bill("rnd", lines("rnd", same, 333, 67), taxes=200, total=1199),
        bill("inside", lines("inside", same, 400, 67), taxes=200, total=1200),
        bill("rates", lines("rates", two, 333, 67), taxes=199, total=1198, total_taxes=stated),
        # Four minor units for three lines is no rounding.
        bill("beyond", lines("beyond", same, 333, 67), taxes=197, total=1196),
    ]


def session(
    name: str, total: int = 11_900, taxes: int = 1900, currency: str = "eur", **extra: Any
) -> dict[str, Any]:
    return {
        "id": f"cs_{name}", "object": "checkout.session", "created": epoch(START),
        "mode": "payment", "status": "complete", "payment_status": "paid",
        "payment_intent": f"pi_ch_{name}", "invoice": None, "customer": f"cus_{name}",
        "amount_subtotal": total - taxes, "amount_total": total, "currency": currency,
        "customer_details": {"address": {"country": "FR", "state": None}, "tax_exempt": "none"},
        "total_details": {"amount_tax": taxes}, **extra,
    }  # fmt: skip


def paid(name: str, amount: int, currency: str = "eur", **extra: Any) -> list[dict[str, Any]]:
    return [
        stripe.charge(f"ch_{name}", amount, START, currency, transaction=f"txn_{name}", **extra),
        stripe.movement(f"txn_{name}", "charge", amount, START, currency=currency,
                        source=f"ch_{name}"),
    ]  # fmt: skip


def back(name: str, number: int, amount: int, at: str, currency: str) -> list[dict[str, Any]]:
    its = f"{name}{number}"
    return [
        stripe.refund(f"re_{its}", f"ch_{name}", amount, at, f"txn_re_{its}", currency=currency),
        stripe.movement(f"txn_re_{its}", "refund", -amount, at, source=f"re_{its}",
                        currency=currency),
    ]  # fmt: skip


def checkout() -> list[dict[str, Any]]:
    detailed = {"amount_tax": 1900, "breakdown": {"taxes": [
        {"amount": 1400, "taxable_amount": 7000, "taxability_reason": "standard_rated",
         "rate": {"id": "txr_fr", "percentage": 20.0, "country": "FR", "inclusive": False}},
        {"amount": 500, "taxable_amount": 3000, "taxability_reason": "reduced_rated",
         "rate": {"id": "txr_unknown", "percentage": 16.666667, "country": "FR",
                  "inclusive": False}},
    ]}}  # fmt: skip
    association = {
        "id": "taxa_1", "object": "tax.association", "payment_intent": "pi_ch_known",
        "tax_transaction_attempts": [{"source": "pi_ch_known", "status": "committed",
                                      "committed": {"transaction": "tax_known"}}],
    }  # fmt: skip
    recorded = {
        "id": "tax_known", "object": "tax.transaction", "created": epoch(START),
        "type": "transaction", "currency": "eur", "customer": "cus_known", "reference": "pi_known",
        "customer_details": {"address": {"country": "FR", "state": None, "city": None}},
        "posted_at": epoch(START), "tax_date": epoch(START), "reversal": None,
        "line_items": {"data": [{"id": "tax_li_known", "amount": 9000, "amount_tax": 1800,
                                 "tax_behavior": "exclusive", "reversal": None}]},
        "shipping_cost": {"amount": 1000, "amount_tax": 200, "tax_behavior": "exclusive"},
    }  # fmt: skip
    return [
        # As in the case: no charge is known, the payment is done.
        session("alone"),
        session("plain"), *paid("plain", 11_900),
        session("split", total_details=detailed), *paid("split", 11_900),
        session("yen", 1100, 100, "jpy"), *paid("yen", 1100, "jpy"),
        *back("yen", 1, 333, "2026-02-05T12:00:00", "jpy"),
        *back("yen", 2, 767, "2026-03-05T12:00:00", "jpy"),
        # Tax is recorded by Stripe Tax, carried by an invoice, or was never paid.
        session("known"), *paid("known", 11_900), association, recorded,
        session("invoiced", invoice="in_full"), *paid("invoiced", 11_900),
        session("unpaid", payment_status="unpaid"),
        session("bounced"), stripe.charge("ch_bounced", 11_900, START, "eur", "failed"),
        session("plan", mode="subscription"),
    ]  # fmt: skip
