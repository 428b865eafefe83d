"""Customers: who and where they are, and which taxes they are charged."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.methods import new_method
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.company.vat_ids import REVERSE_CHARGE, eu_vat_id, gb_vat_id
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
FIRST = ("Ada", "Bela", "Chen", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ines", "Jonas", "Kira",
         "Luca", "Mina", "Noah", "Olga", "Pablo", "Quinn", "Rosa", "Sami", "Tess")  # fmt: skip
LAST = ("Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hughes", "Ito",
        "Jensen", "Keller", "Lopez", "Martin", "Novak", "Okafor", "Patel", "Rossi", "Silva",
        "Tanaka", "Weber")  # fmt: skip
# (share, country, state, city, postal code, billing currency)
PLACES = (
    (18, "US", "CA", "San Francisco", "94107", "usd"), (12, "US", "NY", "New York", "10001", "usd"),
    (10, "US", "TX", "Austin", "78701", "usd"), (8, "US", "OR", "Portland", "97201", "usd"),
    (14, "DE", None, "Berlin", "10115", "eur"), (8, "FR", None, "Paris", "75001", "eur"),
    (6, "ES", None, "Madrid", "28001", "eur"), (4, "IE", None, "Dublin", "D01", "eur"),
    (8, "GB", None, "London", "EC1A", "gbp"), (4, "JP", None, "Tokyo", "100-0001", "jpy"),
    (2, "KW", None, "Kuwait City", "13001", "kwd"), (3, "AU", "NSW", "Sydney", "2000", "usd"),
    (3, "CA", "ON", "Toronto", "M5H", "usd"), (3, "CA", "BC", "Vancouver", "V6B", "usd"),
)  # fmt: skip
# place: the catalogue's tax rates that add up there
TAXED = {
    "DE": ("DE",), "FR": ("FR",), "ES": ("ES",), "IE": ("IE",), "GB": ("GB",), "AU": ("AU",),
    "CA-ON": ("CA-ON",), "CA-BC": ("CA-BC-gst", "CA-BC-pst"), "US-CA": ("US-CA", "US-CA-county"),
    "US-NY": ("US-NY", "US-NY-city"), "US-TX": ("US-TX", "US-TX-city"),
}  # fmt: skip
NOT_COLLECTING = {"US-OR": "US-OR-none", "JP": "JP-none"}
"""Places where the company is not registered: lines carry a tax of nothing, and say so."""


@dataclass
class Customer:
    """One customer of the simulation: the Stripe object and what its behaviour needs."""

    obj: Object
    currency: str
    method: Object
    business: bool = False
    subscriptions: list[str] = field(default_factory=list)
    tax_ids: list[Object] = field(default_factory=list)
    rates: tuple[str, ...] | None = None
    """Tax rates of the catalogue to charge whatever the address says; None goes by the address."""

    @property
    def id(self) -> str:
        return str(self.obj["id"])

    @property
    def country(self) -> str:
        return str(self.obj["address"]["country"])

    @property
    def exempt(self) -> bool:
        return bool(self.obj["tax_exempt"] == "exempt")

    @property
    def reverse_charge(self) -> bool:
        return bool(self.obj["tax_exempt"] == "reverse")

    def taxes(self) -> list[tuple[str, str]]:
        """(tax rate of the catalogue, taxability reason) of each tax on what this customer buys."""
        if self.rates is not None:
            return [(rate, "standard_rated") for rate in self.rates]
        state = self.obj["address"]["state"]
        place = f"{self.country}-{state}" if self.country in ("US", "CA") else self.country
        if self.reverse_charge:
            return [(f"{self.country}-reverse", "reverse_charge")]
        if place in NOT_COLLECTING:
            return [(NOT_COLLECTING[place], "not_collecting")]
        rates = TAXED.get(place, ())
        if self.exempt and rates:
            return [(f"{rates[0]}-exempt", "customer_exempt")]
        return [(rate, "standard_rated") for rate in rates]


def create_customer(store: Store, ids: Ids, rng: Random, at: int) -> Customer:
    """A new customer somewhere, with a payment method and, for many businesses, a tax id."""
    weights = [place[0] for place in PLACES]
    _, country, state, city, postal, currency = rng.choices(PLACES, weights)[0]
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    business = rng.random() < 0.45
    exempt = "none"
    if business and country == "US" and rng.random() < 0.12:
        exempt = "exempt"
    elif business and country in REVERSE_CHARGE:
        exempt = "reverse"
    customer = customer_at(
        store, ids, rng, at, name=name, currency=currency, business=business, exempt=exempt,
        address={"city": city, "country": country, "line2": None, "postal_code": postal,
                 "line1": f"{rng.randrange(1, 200)} Main Street", "state": state},
    )  # fmt: skip
    if exempt == "reverse":
        add_tax_id(store, ids, customer, at + 2, "eu_vat", eu_vat_id(country, rng))
    elif business and country == "GB":
        add_tax_id(store, ids, customer, at + 2, "gb_vat", gb_vat_id(rng))
    return customer


def customer_at(
    store: Store, ids: Ids, rng: Random, at: int, *, name: str, currency: str, address: Object,
    business: bool = False, exempt: str = "none", kind: str | None = None,
) -> Customer:  # fmt: skip
    """A customer with this address and a payment method of `kind` (or of any that suits)."""
    id = ids.new("cus", 14)
    number = ids.used["cus"]
    local = name.lower().replace(" ", ".")
    obj = blank(
        "customer", id=id, address=address, balance=0, created=at, currency=currency,
        delinquent=False, description=f"{name.split()[-1]} Ltd" if business else None,
        email=f"{local}{number}@example.com", invoice_prefix=id[-8:].upper(),
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None,
                          "rendering_options": None},
        livemode=False, metadata={}, name=name, next_invoice_sequence=1, preferred_locales=[],
        tax_exempt=exempt,
    )  # fmt: skip
    keep(store, at, "customer.created", obj)
    customer = Customer(obj, currency, {}, business)
    use_method(store, at + 1, customer, new_method(ids, rng, at + 1, obj, currency, kind))
    return customer


def use_method(store: Store, at: int, customer: Customer, method: Object) -> None:
    """Attach a payment method and make it the default; the one before is detached."""
    if customer.method:
        change(store, at, "payment_method.detached", customer.method, customer=None)
    keep(store, at, "payment_method.attached", method)
    customer.method = method
    settings = customer.obj["invoice_settings"] | {"default_payment_method": method["id"]}
    change(store, at, "customer.updated", customer.obj, invoice_settings=settings)


def add_tax_id(
    store: Store, ids: Ids, customer: Customer, at: int, kind: str, value: str
) -> Object:
    tax_id = blank(
        "tax_id", id=ids.new("txi"), country=customer.country, created=at,
        customer=customer.id, livemode=False, type=kind, value=value,
        owner={"type": "customer", "customer": customer.id},
        verification={"status": "verified", "verified_address": None, "verified_name": None},
    )  # fmt: skip
    customer.tax_ids.append(tax_id)
    return keep(store, at, "customer.tax_id.created", tax_id)
