"""The cells of itemized reports: amounts in major units, instants in the run's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from heirpay_pipelines.sandbox.reporting.types import KEYED
from heirpay_pipelines.sandbox.store import Object, Store

# Currencies whose smallest unit is not a hundredth, as Stripe counts it in the API.
ZERO_DECIMAL = {
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
}  # fmt: skip
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}


def major_units(amount: int, currency: str) -> str:
    """12.34 for 1234 US cents, 1234 for as many yen."""
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def time_text(at: int, zone: ZoneInfo | None = None) -> str:
    return f"{datetime.fromtimestamp(at, zone or UTC):%Y-%m-%d %H:%M:%S}"


def date_text(at: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d}"


@dataclass(frozen=True)
class Line:
    """One balance transaction of a report; `payout` is the payout it is settled by, or is."""

    store: Store
    transaction: Object
    payout: Object | None
    zone: ZoneInfo

    def cell(self, column: str) -> str:
        """The text in a column; empty where it does not apply."""
        name, _, key = column.rstrip("]").partition("[")
        if name in KEYED:
            return _text(self._source_object(name).get("metadata", {}).get(key))
        zone = None if name.endswith("_utc") else self.zone
        if (at := self._instant(name.removesuffix("_utc"))) is not None:
            return time_text(at, zone)
        for known in (self._own, self._payout, self._payment, self._related):
            if (found := known(name)) is not None:
                return found
        return ""

    def _instant(self, name: str) -> int | None:
        found: dict[str, Any] = {
            "created": self.transaction["created"],
            "available_on": self.transaction["available_on"],
        }
        if name == "charge_created":
            found[name] = self._charge().get("created")
        if self.payout is not None:
            arrival = self.payout["arrival_date"]
            found["automatic_payout_effective_at"] = arrival
            found["payout_expected_arrival_date"] = arrival
            is_payout = self.transaction["type"] == "payout" and self.payout["automatic"]
            found["effective_at"] = arrival if is_payout else self.transaction["created"]
            if self.transaction["reporting_category"] == "payout_reversal":
                found["payout_reversed_at"] = self.transaction["created"]
        return found.get(name)

    def _own(self, name: str) -> str | None:
        own, currency = self.transaction, self.transaction["currency"]
        if name in ("gross", "fee", "net"):
            return major_units(own["amount" if name == "gross" else name], currency)
        if name in ("currency", "reporting_category", "description"):
            return _text(own[name])
        return {"balance_transaction_id": own["id"], "source_id": _text(own["source"])}.get(name)

    def _payout(self, name: str) -> str | None:
        payout = self.payout
        if payout is None:
            return None
        trace = payout["trace_id"] or {}
        return {
            "automatic_payout_id": payout["id"],
            "payout_id": payout["id"],
            "payout_status": payout["status"],
            "payout_type": payout["type"],
            "payout_description": _text(payout["description"]),
            "payout_destination_id": _text(payout["destination"]),
            "trace_id": _text(trace.get("value")),
            "trace_id_status": _text(trace.get("status")),
        }.get(name)

    def _payment(self, name: str) -> str | None:
        charge = self._charge()
        if not charge:
            return None
        details = charge["payment_method_details"] or {}
        kind = details.get("type")
        card = (details.get("card") if kind == "card" else None) or {}
        wallet = (card.get("wallet") or {}).get("type")
        facing = self._facing(charge)
        return {
            "charge_id": charge["id"],
            "payment_intent_id": _text(charge["payment_intent"]),
            "payment_method_type": _text(kind),
            "is_link": _text(kind == "link" or wallet == "link"),
            "card_brand": _text(card.get("brand")),
            "card_funding": _text(card.get("funding")),
            "card_country": _text(card.get("country")),
            "statement_descriptor": _text(charge["statement_descriptor_suffix"]),
            "customer_id": _text(charge["customer"]),
            "customer_facing_amount": major_units(facing["amount"], facing["currency"]),
            "customer_facing_currency": facing["currency"],
        }.get(name)

    def _related(self, name: str) -> str | None:
        if name.startswith("customer_"):
            customer = self.store.find("customer", _text(self._charge().get("customer"))) or {}
            part = name.removeprefix("customer_")
            if part.startswith("address_"):
                address = customer.get("address") or {}
                return _text(address.get(part.removeprefix("address_")))
            return _text(customer.get(part))
        if name in ("invoice_id", "invoice_number", "subscription_id"):
            invoice = self._invoice()
            details = (invoice.get("parent") or {}).get("subscription_details") or {}
            of_invoice = {"invoice_id": invoice.get("id"), "invoice_number": invoice.get("number")}
            return _text((of_invoice | {"subscription_id": details.get("subscription")})[name])
        if name == "dispute_reason":
            return _text(self._source("dispute").get("reason"))
        if name.startswith("connected_account_"):
            return self._connected(name.removeprefix("connected_account_"))
        return None

    def _connected(self, part: str) -> str:
        transfer = self._source("transfer") or self.store.find(
            "transfer", _text(self._source("transfer_reversal").get("transfer"))
        )
        fee = self._source("application_fee")
        id = _text((transfer or {}).get("destination") or fee.get("account"))
        account = self.store.find("account", id) or {}
        profile = account.get("business_profile") or {}
        return {"id": id, "name": _text(profile.get("name"))}.get(part, _text(account.get(part)))

    def _source(self, kind: str) -> Object:
        """The object that the transaction is of, when it is of this type."""
        return self.store.find(kind, _text(self.transaction["source"])) or {}

    def _source_object(self, column: str) -> Object:
        if column == "payment_metadata":
            charge = self._charge()
            intent = self.store.find("payment_intent", _text(charge.get("payment_intent"))) or {}
            return intent if intent.get("metadata") else charge
        return self._source(column.removesuffix("_metadata"))

    def _charge(self) -> Object:
        """The original charge of a charge, a refund or a dispute."""
        own = self._source("charge")
        if own:
            return own
        origin = self._source("refund") or self._source("dispute")
        return self.store.find("charge", _text(origin.get("charge"))) or {}

    def _facing(self, charge: Object) -> Object:
        return self._source("refund") or self._source("dispute") or charge

    def _invoice(self) -> Object:
        intent = _text(self._charge().get("payment_intent"))
        for paid in self.store.having("invoice_payment", "payment.payment_intent", intent):
            return self.store.find("invoice", paid["invoice"]) or {}
        return {}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
