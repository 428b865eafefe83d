"""Payment methods: cards and their wallets, bank debits, pay-later, crypto."""

from __future__ import annotations

from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.templates import blank

Object = dict[str, Any]
# brand, last four digits of a test number, share
BRANDS = (("visa", "4242", 45), ("mastercard", "2720", 15), ("mastercard", "5454", 25),
          ("amex", "0005", 10), ("discover", "1117", 5))  # fmt: skip
ISSUERS = ("Harbour Bank", "First Prairie", "Crédit Sud", "Stadtbank", "Northern Union")
KEPT_NULL = ("customer", "customer_account")


def new_method(
    ids: Ids, rng: Random, at: int, customer: Object, currency: str, kind: str | None = None
) -> Object:
    """A payment method of a customer; `kind` is Stripe's type, or any that suits when None."""
    country = customer["address"]["country"]
    kind = kind or _kind(rng, currency, country)
    method = blank(
        "payment_method", id=ids.new("pm"), allow_redisplay="unspecified", created=at,
        customer=customer["id"], livemode=False, metadata={}, type=kind,
        billing_details={"address": customer["address"], "email": customer["email"],
                         "name": customer["name"], "phone": None, "tax_id": None},
    )  # fmt: skip
    method[kind] = _details(kind, ids, rng, country)
    return {name: value for name, value in method.items() if value is not None or name in KEPT_NULL}


def guest_method(ids: Ids, rng: Random, at: int) -> Object:
    """A card that nobody saved."""
    method = blank(
        "payment_method", id=ids.new("pm"), allow_redisplay="unspecified", created=at,
        livemode=False, metadata={}, type="card",
        billing_details={"address": {"city": None, "country": None, "line1": None, "line2": None,
                                     "postal_code": None, "state": None},
                         "email": None, "name": None, "phone": None, "tax_id": None},
    )  # fmt: skip
    method["card"] = card_details(rng, ids, rng.choice(("US", "BR", "GB", "VN")))
    return {name: value for name, value in method.items() if value is not None or name in KEPT_NULL}


def _kind(rng: Random, currency: str, country: str) -> str:
    draw = rng.random()
    if currency == "eur" and draw < 0.18:
        return "sepa_debit"
    if currency == "usd" and country == "US":
        if draw < 0.12:
            return "us_bank_account"
        if draw > 0.96:
            return "affirm"
    if currency in ("usd", "gbp") and 0.2 < draw < 0.225:
        return "crypto" if currency == "usd" else "card"
    return "klarna" if currency in ("usd", "eur") and 0.3 < draw < 0.34 else "card"


def _details(kind: str, ids: Ids, rng: Random, country: str) -> Object:
    if kind == "card":
        return card_details(rng, ids, country)
    if kind == "sepa_debit":
        return {"bank_code": "37040044", "branch_code": "", "country": country,
                "fingerprint": ids.new("fp", 16)[3:], "generated_from": None,
                "last4": "3000"}  # fmt: skip
    if kind == "us_bank_account":
        return {"account_holder_type": "individual", "account_type": "checking",
                "bank_name": "STRIPE TEST BANK", "financial_connections_account": None,
                "fingerprint": ids.new("fp", 16)[3:], "last4": "6789", "networks": None,
                "routing_number": "110000000", "status_details": None}  # fmt: skip
    return {}


def card_details(rng: Random, ids: Ids, country: str) -> Object:
    """What a card payment method says of its card."""
    brand, last4, _ = rng.choices(BRANDS, [share for _, _, share in BRANDS])[0]
    wallet = rng.choices((None, "apple_pay", "google_pay"), (75, 15, 10))[0]
    return {
        "brand": brand, "checks": {"address_line1_check": "pass",
                                   "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": country, "display_brand": brand, "exp_month": rng.randint(1, 12),
        "exp_year": 2029, "fingerprint": ids.new("fp", 16)[3:],
        "funding": rng.choice(("credit", "debit", "prepaid")), "generated_from": None,
        "issuer": rng.choice(ISSUERS), "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated", "three_d_secure_usage": {"supported": True},
        "wallet": {"type": wallet, "dynamic_last4": None, wallet: {}} if wallet else None,
    }  # fmt: skip
