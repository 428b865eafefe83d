"""Builders of what the tests of breaks are made of: bills and their payments, Connect, reports."""

from __future__ import annotations

import payment_objects as stripe
from stripe_objects import invoice, line, tax

LATE = "2026-01-26T00:00:00"


def pay(invoice_id: str, charge_id: str, amount: int, **extra: object) -> stripe.JsonObject:
    return {
        "id": f"inpay_{charge_id}",
        "object": "invoice_payment",
        "created": stripe.epoch("2026-01-05T12:00:00"),
        "invoice": invoice_id,
        "amount_paid": amount,
        "amount_requested": amount,
        "currency": "usd",
        "is_default": True,
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": f"pi_{charge_id}"},
        "status_transitions": {"paid_at": stripe.epoch("2026-01-05T12:00:00")},
        **extra,
    }


def bill(name: str, amount: int, taxes: int = 0, **extra: object) -> stripe.JsonObject:
    taxed = [tax("txr_1", taxes, amount)] if taxes else []
    only = line(f"il_{name}", amount, "2026-01-05", "2026-02-05", taxes=taxed)
    made = invoice(f"in_{name}", "cus_1", "2026-01-05T11:00:00", [only])
    made["total_taxes"] = [{"amount": taxes, "tax_behavior": "exclusive"}] if taxes else []
    return {**made, **extra}


def paid_charge(name: str, amount: int, at: str, **extra: object) -> list[stripe.JsonObject]:
    return [
        stripe.charge(f"ch_{name}", amount, at, transaction=f"txn_{name}", **extra),
        stripe.movement(f"txn_{name}", "charge", amount, at, source=f"ch_{name}"),
    ]


def report(run: str, lines: dict[str, str], **euros: str) -> list[stripe.JsonObject]:
    """Stripe's activity report of the two hours around noon of 2026-01-05: net by movement, in
    dollars, and for some in `euros` beside them."""
    kind = "balance_change_from_activity.itemized.3"
    made: list[stripe.JsonObject] = [
        {
            "id": run,
            "object": "report_run",
            "report_type": kind,
            "interval_start": stripe.epoch("2026-01-05T11:00:00"),
            "interval_end": stripe.epoch("2026-01-05T13:00:00"),
            "rows": len(lines) + len(euros),
        }
    ]
    said = [(name, "usd", net) for name, net in lines.items()]
    said += [(name, "eur", net) for name, net in euros.items()]
    for number, (transaction, currency, net) in enumerate(said):
        row = {"balance_transaction_id": transaction, "currency": currency, "net": net}
        made.append(
            {
                "id": f"{run}:{number}",
                "object": "report_row",
                "run_id": run,
                "report_type": kind,
                "row": row,
            }
        )
    return made


def connect_objects(kind: str, name: str, amount: int, taken_back: int = 0) -> stripe.JsonObject:
    """A transfer (`tr_…`) or an application fee (`fee_…`) of a marketplace."""
    prefix, state = {
        "transfer": ("tr", {"amount_reversed": taken_back}),
        "application_fee": ("fee", {"amount_refunded": taken_back}),
    }[kind]
    return {
        "id": f"{prefix}_{name}",
        "object": kind,
        "created": stripe.epoch("2026-01-15T00:00:00"),
        "amount": amount,
        "currency": "usd",
        "balance_transaction": f"txn_{prefix}_{name}",
        **state,
    }


def marketplace(name: str, moved: int = -2000) -> list[stripe.JsonObject]:
    """A transfer of 20.00 of which half was taken back, a fee of 5.00 given back, a top-up."""
    at = "2026-01-15T00:00:00"
    reversal = {
        "id": f"trr_{name}",
        "object": "transfer_reversal",
        "created": stripe.epoch(at),
        "amount": 1000,
        "currency": "usd",
        "transfer": f"tr_{name}",
        "balance_transaction": f"txn_trr_{name}",
    }
    fee_refund = {
        "id": f"fr_{name}",
        "object": "fee_refund",
        "created": stripe.epoch(at),
        "amount": 500,
        "currency": "usd",
        "fee": f"fee_{name}",
        "balance_transaction": f"txn_fr_{name}",
    }
    topup = {
        "id": f"tu_{name}",
        "object": "topup",
        "created": stripe.epoch(at),
        "amount": 700,
        "currency": "usd",
        "status": "succeeded",
        "balance_transaction": f"txn_tu_{name}",
    }
    fee = connect_objects("application_fee", name, 500, 500) | {"refunds": {"data": [fee_refund]}}
    return [
        connect_objects("transfer", name, 2000, 1000),
        reversal,
        fee,
        topup,
        stripe.movement(f"txn_tr_{name}", "transfer", moved, at, source=f"tr_{name}"),
        stripe.movement(f"txn_trr_{name}", "transfer_reversal", 1000, at, source=f"trr_{name}"),
        stripe.movement(f"txn_fee_{name}", "platform_earning", 500, at, source=f"fee_{name}"),
        stripe.movement(f"txn_fr_{name}", "platform_earning_refund", -500, at, source=f"fr_{name}"),
        stripe.movement(f"txn_tu_{name}", "topup", 700, at, source=f"tu_{name}"),
    ]


def credited(name: str, balance: int, *changes: int) -> list[stripe.JsonObject]:
    """A customer and the changes of its balance, which is negative for a credit."""
    at = stripe.epoch("2026-01-03T00:00:00")
    customer = {"id": f"cus_{name}", "object": "customer", "created": at, "balance": balance}
    return [
        customer | {"currency": "usd"},
        *(
            {
                "id": f"cbtxn_{name}{number}",
                "object": "customer_balance_transaction",
                "created": at + number,
                "amount": amount,
                "currency": "usd",
                "customer": f"cus_{name}",
                "type": "adjustment",
            }
            for number, amount in enumerate(changes)
        ),
    ]


def won_back() -> list[stripe.JsonObject]:
    """What a dispute took, and gave back when it was won."""
    at = "2026-01-16T00:00:00"
    return [
        stripe.movement("txn_du_back", "dispute", -600, at, source="du_back"),
        stripe.movement("txn_du_won_back", "dispute_reversal", 600, at, source="du_back"),
    ]


def payout(
    name: str, amount: int, at: str, arrival: str, trace: str | None = None, **extra: object
) -> list[stripe.JsonObject]:
    traced = {"trace_id": {"status": "supported", "value": trace}} if trace else {}
    return [
        stripe.payout(
            f"po_{name}", amount, at, arrival, f"txn_po_{name}", automatic=False, **traced, **extra
        ),
        stripe.movement(f"txn_po_{name}", "payout", -amount, at, source=f"po_{name}"),
    ]


def taken(name: str) -> stripe.JsonObject:
    return stripe.movement(f"txn_du_{name}", "dispute", -600, LATE, source=f"du_{name}")


def note(of: str, amount: int) -> stripe.JsonObject:
    return {
        "id": f"cn_{of}",
        "object": "credit_note",
        "created": stripe.epoch(LATE),
        "invoice": f"in_{of}",
        "customer": "cus_1",
        "currency": "usd",
        "status": "issued",
        "type": "pre_payment",
        "amount": amount,
        "pre_payment_amount": amount,
        "post_payment_amount": 0,
        "lines": {"object": "list", "has_more": False, "data": []},
    }


def same_card() -> stripe.JsonObject:
    card = {"brand": "visa", "country": "US", "fingerprint": "print_same"}
    return {"payment_method_details": {"type": "card", "card": card}}
