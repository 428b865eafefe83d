"""METRICS.md's worked examples of balance, payouts, deferred revenue and tax, as objects."""

from __future__ import annotations

import payment_objects as stripe
from landing_harness import epoch
from stripe_objects import invoice, line, tax


def five_days() -> list[stripe.JsonObject]:
    """Activity of 10, 20, 30, 50, 70 on days 1 to 5, payouts of 10, 20, 30 on days 3 to 5."""
    objects = []
    for day, amount in enumerate((10, 20, 30, 50, 70), start=1):
        objects.append(
            stripe.movement(
                f"txn_act{day}", "charge", amount * 1000, f"2026-01-0{day}T12:00:00", currency="kwd"
            )
        )
    for day, amount in ((3, 10), (4, 20), (5, 30)):
        at = f"2026-01-0{day}T13:00:00"
        objects.append(
            stripe.movement(
                f"txn_out{day}", "payout", -amount * 1000, at, currency="kwd", source=f"po_k{day}"
            )
        )
    return objects


def disputed_charge() -> list[stripe.JsonObject]:
    """$49.99, $20 refunded, the rest disputed and lost, fee $1.75, dispute fee $15."""
    lost = stripe.movement(
        "txn_d", "dispute", -2999, "2026-01-08T12:00:00", fee=1500, source="du_1"
    )
    contents = ["txn_c", "txn_r", "txn_d", "txn_top"]
    return [
        stripe.charge("ch_1", 4999, "2026-01-05T12:00:00", transaction="txn_c"),
        stripe.movement("txn_c", "charge", 4999, "2026-01-05T12:00:00", fee=175, source="ch_1"),
        stripe.refund("re_1", "ch_1", 2000, "2026-01-06T12:00:00", "txn_r"),
        stripe.movement("txn_r", "refund", -2000, "2026-01-06T12:00:00", source="re_1"),
        stripe.dispute("du_1", "ch_1", 2999, "2026-01-08T12:00:00", [lost]),
        lost,
        stripe.movement("txn_top", "topup", 10_000, "2026-01-09T12:00:00", source="tu_1"),
        # 48.24 − 20.00 − 44.99 + 100.00
        stripe.payout("po_1", 8325, "2026-01-10T12:00:00", "2026-01-12", "txn_p"),
        stripe.movement("txn_p", "payout", -8325, "2026-01-10T12:00:00", source="po_1"),
        stripe.composition("po_1", contents),
    ]


def spread_invoices() -> list[stripe.JsonObject]:
    """31 on 15 January for a month of 31 days; 365 for a year; each in a currency of its own."""
    made = []
    for currency, amount, at, end in (
        ("chf", 3100, "2026-01-15", "2026-02-15"),
        ("nzd", 36500, "2026-01-01", "2027-01-01"),
    ):
        only = line(f"il_{currency}", amount, at, end, currency=currency)
        made.append(invoice(f"in_{currency}", f"cus_{currency}", at, [only], currency=currency))
    return made


def german_invoice() -> list[stripe.JsonObject]:
    """Example 8.1's bill: 33.20 EUR and German VAT of 19% on top."""
    rate = {
        "id": "txr_de", "object": "tax_rate", "created": epoch("2025-01-01"),
        "percentage": 19.0, "inclusive": False, "country": "DE", "state": None,
        "jurisdiction": "DE", "tax_type": "vat", "active": True,
    }  # fmt: skip
    at, end = "2026-03-10T08:00:00", "2026-04-10T08:00:00"
    only = line("il_de", 3320, at, end, currency="eur", taxes=[tax("txr_de", 631, 3320)])
    return [rate, invoice("in_de", "cus_german", at, [only], currency="eur")]
