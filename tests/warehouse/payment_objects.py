"""Builders of payment objects in the wire format of the installed SDK's API version."""

from __future__ import annotations

from typing import Any

from landing_harness import Landing, epoch

JsonObject = dict[str, Any]


def movement(
    transaction_id: str,
    category: str,
    amount: int,
    at: str,
    fee: int = 0,
    currency: str = "usd",
    source: str | None = None,
    **extra: Any,
) -> JsonObject:
    """A balance transaction; `net` is amount less fee."""
    fees = [{"amount": fee, "application": None, "currency": currency, "type": "stripe_fee"}]
    return {
        "id": transaction_id,
        "object": "balance_transaction",
        "created": epoch(at),
        "available_on": epoch(at),
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "reporting_category": category,
        # Never what figures are classed by: it says adjustment throughout.
        "type": "adjustment",
        "source": source,
        "status": "available",
        "balance_type": "payments",
        "exchange_rate": None,
        "fee_details": fees if fee else [],
        **extra,
    }


def charge(
    charge_id: str,
    amount: int,
    at: str,
    currency: str = "usd",
    status: str = "succeeded",
    transaction: str | None = None,
    **extra: Any,
) -> JsonObject:
    paid = status == "succeeded"
    return {
        "id": charge_id,
        "object": "charge",
        "created": epoch(at),
        "amount": amount,
        "amount_captured": amount if paid else 0,
        "amount_refunded": 0,
        "captured": paid,
        "paid": paid,
        "status": status,
        "currency": currency,
        "customer": "cus_1",
        "balance_transaction": transaction,
        "payment_intent": f"pi_{charge_id}",
        "payment_method": "pm_1",
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "country": "US", "fingerprint": f"print_{charge_id}"},
        },
        "outcome": {"type": "authorized" if paid else "issuer_declined"},
        **extra,
    }


def refund(
    refund_id: str, charge_id: str, amount: int, at: str, transaction: str | None, **extra: Any
) -> JsonObject:
    return {
        "id": refund_id,
        "object": "refund",
        "created": epoch(at),
        "amount": amount,
        "currency": "usd",
        "charge": charge_id,
        "balance_transaction": transaction,
        "status": "succeeded",
        **extra,
    }


def dispute(
    dispute_id: str,
    charge_id: str,
    amount: int,
    at: str,
    movements: list[JsonObject],
    status: str = "lost",
    **extra: Any,
) -> JsonObject:
    return {
        "id": dispute_id,
        "object": "dispute",
        "created": epoch(at),
        "amount": amount,
        "currency": "usd",
        "charge": charge_id,
        "reason": "fraudulent",
        "status": status,
        "balance_transactions": movements,
        "evidence_details": {
            "due_by": epoch(at) + 9 * 86_400,
            "has_evidence": True,
            "past_due": False,
            "submission_count": 1,
        },
        "is_charge_refundable": False,
        "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
        **extra,
    }


def payout(
    payout_id: str,
    amount: int,
    at: str,
    arrival: str,
    transaction: str | None = None,
    currency: str = "usd",
    status: str = "paid",
    automatic: bool = True,
    **extra: Any,
) -> JsonObject:
    return {
        "id": payout_id,
        "object": "payout",
        "created": epoch(at),
        "arrival_date": epoch(arrival),
        "amount": amount,
        "automatic": automatic,
        "balance_transaction": transaction,
        "currency": currency,
        "method": "standard",
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "status": status,
        "statement_descriptor": "STRIPE",
        "trace_id": None,
        "type": "bank_account",
        **extra,
    }


def composition(payout_id: str, transactions: list[str]) -> JsonObject:
    return {
        "id": payout_id,
        "object": "payout_composition",
        "balance_transactions": transactions,
    }


def balance(available: dict[str, int], pending: dict[str, int] | None = None) -> JsonObject:
    def entries(amounts: dict[str, int]) -> list[JsonObject]:
        return [{"amount": a, "currency": c} for c, a in amounts.items()]

    return {
        "id": "acct_test",
        "object": "balance",
        "available": entries(available),
        "pending": entries(pending or {}),
    }


def bank_line(
    line_id: str,
    amount: int,
    booked: str,
    currency: str = "usd",
    reference: str = "",
    description: str = "STRIPE TRANSFER",
) -> JsonObject:
    return {
        "id": line_id,
        "object": "bank_transaction",
        "account": "bank_1",
        "statement_id": "1",
        "file_name": "statement.xml",
        "file_sha256": "0" * 64,
        "format": "camt.053",
        "booking_date": booked,
        "value_date": booked,
        "amount": amount,
        "currency": currency,
        "reference": reference,
        "description": description,
    }


def land(landing: Landing, objects: list[JsonObject], observed_at: str) -> None:
    """Land each object as listed at `observed_at`."""
    for each in objects:
        landing.version(each, observed_at)
