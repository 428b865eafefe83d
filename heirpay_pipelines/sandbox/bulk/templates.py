"""Objects as bytes from a template: thousands of times as fast as building them."""

from __future__ import annotations

import re
from typing import Any

import orjson

from heirpay_pipelines.sandbox.company.templates import blank

SIZE = 2_000


class Slot(str):
    """A place in a template that each object fills: a number, or a text within quotes."""

    __slots__ = ()


def number(name: str) -> Slot:
    return Slot(f"@n:{name}@")


def text(name: str) -> Slot:
    return Slot(f"@t:{name}@")


def template(object_type: str, **fields: Any) -> bytes:
    """The object's JSON, whose slots are `%(name)b` for bytes formatting."""
    raw = orjson.dumps(blank(object_type, **fields)).replace(b"%", b"%%")
    raw = re.sub(rb'"@n:(\w+)@"', rb"%(\1)b", raw)
    return re.sub(rb"@t:(\w+)@", rb"%(\1)b", raw)


def charge_template() -> bytes:
    """A card payment of some two kilobytes."""
    card = {
        "brand": "visa", "checks": {"address_line1_check": "pass", "cvc_check": "pass",
                                    "address_postal_code_check": "pass"},
        "country": "US", "exp_month": 11, "exp_year": 2029, "fingerprint": "9HXNPSTX4SZiZa6F",
        "funding": "credit", "installments": None, "last4": "4242", "mandate": None,
        "network": "visa", "network_token": {"used": False}, "three_d_secure": None,
        "wallet": None, "amount_authorized": None, "issuer": None, "regulated_status": None,
    }  # fmt: skip
    outcome = {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None,
        "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
        "risk_score": 19, "seller_message": "Payment complete.", "type": "authorized",
    }  # fmt: skip
    address = {"city": "Portland", "country": "US", "line1": "25 Main Street", "line2": None,
               "postal_code": "97201", "state": "OR"}  # fmt: skip
    fields: dict[str, Any] = {
        "id": text("id"), "amount": number("amount"), "amount_captured": number("amount"),
        "amount_refunded": number("refunded"), "balance_transaction": text("transaction"),
        "billing_details": {"address": address, "email": text("email"), "name": "Ines Patel",
                            "phone": None, "tax_id": None},
        "captured": True, "created": number("created"), "currency": "usd",
        "customer": text("customer"), "disputed": False, "fraud_details": {}, "livemode": False,
        "metadata": {"order": text("id")}, "outcome": outcome, "paid": True,
        "payment_method_details": {"type": "card", "card": card},
        "refunded": number("is_refunded"), "status": "succeeded",
    }  # fmt: skip
    short = len(template("charge", **fields))
    return template("charge", **fields | {"description": "x" * max(0, SIZE - short)})


def transaction_template() -> bytes:
    return template(
        "balance_transaction", id=text("id"), amount=number("amount"),
        available_on=number("available_on"), balance_type="payments", created=number("created"),
        currency="usd", fee=number("fee"), fee_details=number("fee_details"), net=number("net"),
        reporting_category=text("category"), source=number("source"), status=text("status"),
        type=text("type"),
    )  # fmt: skip


def refund_template() -> bytes:
    reference = {"type": "refund", "reference_status": "pending",
                 "reference_type": "acquirer_reference_number"}  # fmt: skip
    return template(
        "refund", id=text("id"), amount=number("amount"), balance_transaction=text("transaction"),
        charge=text("charge"), created=number("created"), currency="usd", metadata={},
        destination_details={"type": "card", "card": reference}, status="succeeded",
        reason="requested_by_customer",
    )  # fmt: skip


FEE_DETAILS = (
    b'[{"amount":%d,"application":null,"currency":"usd",'
    b'"description":"Stripe processing fees","type":"stripe_fee"}]'
)
