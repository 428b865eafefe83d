"""Customers, where they are, what tax they owe, and what they pay with."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
FIRST = ("Ada", "Bela", "Chen", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ines", "Jonas", "Kira",
         "Luca", "Mina", "Noah", "Olga", "Pablo", "Quinn", "Rosa", "Sami", "Tess")  # fmt: skip
LAST = ("Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hughes", "Ito",
        "Jensen", "Keller", "Lopez", "Martin", "Novak", "Okafor", "Patel", "Rossi", "Silva",
        "Tanaka", "Weber")  # fmt: skip
# place: (share, country, state, city, postal code, billing currency)
PLACES = (
    (18, "US", "CA", "San Francisco", "94107", "usd"), (12, "US", "NY", "New York", "10001", "usd"),
    (10, "US", "TX", "Austin", "78701", "usd"), (8, "US", "OR", "Portland", "97201", "usd"),
    (14, "DE", None, "Berlin", "10115", "eur"), (8, "FR", None, "Paris", "75001", "eur"),
    (6, "ES", None, "Madrid", "28001", "eur"), (4, "IE", None, "Dublin", "D01", "eur"),
    (8, "GB", None, "London", "EC1A", "gbp"), (4, "JP", None, "Tokyo", "100-0001", "jpy"),
    (2, "KW", None, "Kuwait City", "13001", "kwd"), (3, "AU", "NSW", "Sydney", "2000", "usd"),
    (3, "CA", "ON", "Toronto", "M5H", "usd"),
)  # fmt: skip
# VAT numbers with valid checksums, of no real company's choosing.
VAT_IDS = {"DE": "DE136695976", "FR": "FR83404833048", "ES": "ESA13585625", "IE": "IE6433435F"}
BRANDS = (("visa", "4242"), ("mastercard", "2720"), ("amex", "0005"), ("mastercard", "5454"))


@dataclass
class Customer:
    """One customer of the simulation: the Stripe object and what its behaviour needs."""

    obj: Object
    currency: str
    country: str
    state: str | None
    method: Object
    business: bool
    exempt: bool = False
    subscriptions: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.obj["id"])

    @property
    def tax_places(self) -> list[str]:
        """Which of the catalogue's tax rates apply; none where the company does not collect."""
        if self.country == "US":
            extra = ["US-NY-county"] if self.state == "NY" else []
            return [f"US-{self.state}", *extra] if self.state in ("CA", "NY", "TX") else []
        if self.country == "CA":
            return ["CA-ON"]
        return [self.country] if self.country in ("DE", "FR", "ES", "IE", "GB", "AU") else []

    @property
    def reverse_charge(self) -> bool:
        return self.business and self.country in VAT_IDS


def create_customer(store: Store, ids: Ids, rng: Random, at: int) -> Customer:
    """A new customer with a payment method and, for EU businesses, a VAT id."""
    weights = [place[0] for place in PLACES]
    _, country, state, city, postal, currency = rng.choices(PLACES, weights)[0]
    first, last = rng.choice(FIRST), rng.choice(LAST)
    business = rng.random() < 0.45
    exempt = country == "US" and business and rng.random() < 0.1
    id = ids.new("cus", 14)
    number = ids.used["cus"]
    obj = blank(
        "customer", id=id, balance=0, created=at, currency=currency, delinquent=False,
        description=f"{last} Ltd" if business else None,
        email=f"{first}.{last}{number}@example.com".lower(), invoice_prefix=id[-8:].upper(),
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None,
                          "rendering_options": None},
        livemode=False, metadata={}, name=f"{first} {last}", next_invoice_sequence=1,
        preferred_locales=[], tax_exempt="exempt" if exempt else "none",
        address={"city": city, "country": country, "line1": f"{number} Main Street",
                 "line2": None, "postal_code": postal, "state": state},
    )  # fmt: skip
    if business and country in VAT_IDS:
        obj["tax_exempt"] = "reverse"
    store.put(obj)
    store.emit("customer.created", obj, at)
    method = _payment_method(ids, rng, at + 1, obj, currency, country)
    store.put(method)
    store.emit("payment_method.attached", method, at + 1)
    before = dict(obj["invoice_settings"])
    obj["invoice_settings"] = before | {"default_payment_method": method["id"]}
    store.emit("customer.updated", obj, at + 1, {"invoice_settings": before})
    if business and country in VAT_IDS:
        add_tax_id(store, ids, obj, at + 2, VAT_IDS[country])
    return Customer(obj, currency, country, state, method, business, exempt)


def add_tax_id(store: Store, ids: Ids, customer: Object, at: int, value: str) -> Object:
    tax_id = blank(
        "tax_id", id=ids.new("txi"), country=customer["address"]["country"], created=at,
        customer=customer["id"], livemode=False, type="eu_vat", value=value,
        owner={"type": "customer", "customer": customer["id"]},
        verification={"status": "verified", "verified_address": None, "verified_name": None},
    )  # fmt: skip
    store.put(tax_id)
    store.emit("customer.tax_id.created", tax_id, at)
    return tax_id


def _payment_method(
    ids: Ids, rng: Random, at: int, customer: Object, currency: str, country: str
) -> Object:
    draw = rng.random()
    kind = "card"
    if currency == "eur" and draw < 0.18:
        kind = "sepa_debit"
    elif currency == "usd" and country == "US" and draw < 0.12:
        kind = "us_bank_account"
    elif currency == "usd" and draw > 0.985:
        kind = "crypto"
    elif currency in ("usd", "eur") and draw > 0.95:
        kind = "klarna"
    method = blank(
        "payment_method", id=ids.new("pm"), allow_redisplay="unspecified", created=at,
        customer=customer["id"], livemode=False, metadata={}, type=kind,
        billing_details={"address": customer["address"], "email": customer["email"],
                         "name": customer["name"], "phone": None, "tax_id": None},
    )  # fmt: skip
    details: Object = {}
    if kind == "card":
        details = card_details(rng, ids, country)
    elif kind == "sepa_debit":
        details = {"bank_code": "37040044", "branch_code": "", "country": country,
                   "fingerprint": ids.new("fp", 16)[3:], "generated_from": None, "last4": "3000"}  # fmt: skip
    elif kind == "us_bank_account":
        details = {"account_holder_type": "individual", "account_type": "checking",
                   "bank_name": "STRIPE TEST BANK", "financial_connections_account": None,
                   "fingerprint": ids.new("fp", 16)[3:], "last4": "6789", "networks": None,
                   "routing_number": "110000000", "status_details": None}  # fmt: skip
    method[kind] = details
    return {name: value for name, value in method.items() if value is not None or name in KEPT_NULL}


KEPT_NULL = ("customer", "customer_account")


def card_details(rng: Random, ids: Ids, country: str) -> Object:
    brand, last4 = rng.choice(BRANDS)
    wallet = rng.choices((None, "apple_pay", "google_pay"), (75, 15, 10))[0]
    return {
        "brand": brand, "checks": {"address_line1_check": "pass",
                                   "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": country, "display_brand": brand, "exp_month": rng.randint(1, 12),
        "exp_year": 2029, "fingerprint": ids.new("fp", 16)[3:],
        "funding": rng.choice(("credit", "debit", "prepaid")), "generated_from": None,
        "last4": last4, "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated", "three_d_secure_usage": {"supported": True},
        "wallet": {"type": wallet, "dynamic_last4": None, wallet: {}} if wallet else None,
    }  # fmt: skip
