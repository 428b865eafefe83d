"""Which object each list of the API serves, and by what it can be filtered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """One list: `/v1/<path>` serves objects of type `object_type`.

    `filters` are the query parameters that compare with a field of the same name, `custom` those
    that need more; `default` is applied when the parameter is absent.
    """

    path: str
    object_type: str
    filters: tuple[str, ...] = ()
    custom: tuple[tuple[str, Callable[[Object, str], bool]], ...] = ()
    default: Callable[[Object], bool] | None = None


def _subscription_status(subscription: Object, wanted: str) -> bool:
    if wanted == "ended":
        return subscription["status"] in ("canceled", "incomplete_expired")
    return wanted == "all" or subscription["status"] == wanted


def _subscription_of_invoice(invoice: Object, wanted: str) -> bool:
    parent = (invoice.get("parent") or {}).get("subscription_details") or {}
    return bool(parent.get("subscription") == wanted)


def _owner_customer(tax_id: Object, wanted: str) -> bool:
    return bool(tax_id.get("customer") == wanted)


ROUTES = (
    Route("accounts", "account"),
    Route("application_fees", "application_fee", ("charge",)),
    Route("balance_transactions", "balance_transaction", ("currency", "source", "type")),
    Route("billing/meters", "billing.meter", ("status",)),
    Route("charges", "charge", ("customer", "payment_intent", "transfer_group")),
    Route("coupons", "coupon"),
    Route("credit_notes", "credit_note", ("customer", "invoice")),
    Route("customers", "customer", ("email",)),
    Route("disputes", "dispute", ("charge", "payment_intent")),
    Route("events", "event", ("type",)),
    Route("invoice_payments", "invoice_payment", ("invoice", "status")),
    Route(
        "invoices",
        "invoice",
        ("customer", "status", "collection_method"),
        (("subscription", _subscription_of_invoice),),
    ),
    Route("invoiceitems", "invoiceitem", ("customer", "invoice")),
    Route("payment_intents", "payment_intent", ("customer",)),
    Route("payment_methods", "payment_method", ("customer", "type")),
    Route("payouts", "payout", ("status", "destination")),
    Route("prices", "price", ("active", "currency", "product", "type")),
    Route("products", "product", ("active",)),
    Route("promotion_codes", "promotion_code", ("active", "code")),
    Route("radar/early_fraud_warnings", "radar.early_fraud_warning", ("charge", "payment_intent")),
    Route("refunds", "refund", ("charge", "payment_intent")),
    Route("reviews", "review"),
    Route("subscription_items", "subscription_item", ("subscription",)),
    Route("subscription_schedules", "subscription_schedule", ("customer",)),
    Route(
        "subscriptions",
        "subscription",
        ("customer", "collection_method"),
        (("status", _subscription_status),),
        default=lambda subscription: subscription["status"] != "canceled",
    ),
    Route("tax_ids", "tax_id"),
    Route("tax_rates", "tax_rate", ("active", "inclusive")),
    Route("topups", "topup", ("status",)),
    Route("transfers", "transfer", ("destination", "transfer_group")),
    Route("webhook_endpoints", "webhook_endpoint"),
)
BY_PATH = {route.path: route for route in ROUTES}

# Lists under an object: (parent path, name) → (object type, field that names the parent).
CHILDREN = {
    ("customers", "tax_ids"): ("tax_id", "customer"),
    ("customers", "balance_transactions"): ("customer_balance_transaction", "customer"),
    ("customers", "payment_methods"): ("payment_method", "customer"),
    ("charges", "refunds"): ("refund", "charge"),
}
# Lists that are kept inside the object, and under which path they continue.
NESTED = {
    ("invoices", "lines"): "lines",
    ("credit_notes", "lines"): "lines",
    ("transfers", "reversals"): "reversals",
    ("application_fees", "refunds"): "refunds",
    ("subscriptions", "items"): "items",
}
# Fields that an answer holds only when they are expanded (the SDK's classes call them includable).
INCLUDABLE = {
    "price": ("tiers", "currency_options"),
    "product": (),
    "coupon": ("applies_to", "currency_options"),
    "customer": ("tax_ids", "subscriptions", "sources", "cash_balance", "invoice_credit_balance"),
    "charge": ("refunds",),
    "invoice": ("payments",),
}
# What an includable list is made of when it is not kept inside the object.
INCLUDED_LISTS = {
    ("customer", "tax_ids"): ("tax_id", "customer"),
    ("customer", "subscriptions"): ("subscription", "customer"),
    ("charge", "refunds"): ("refund", "charge"),
    ("invoice", "payments"): ("invoice_payment", "invoice"),
}
# A reference is an id; its prefix says what it refers to.
PREFIXES = {
    "acct_": "account", "fee_": "application_fee", "txn_": "balance_transaction",
    "mtr_": "billing.meter", "ch_": "charge", "py_": "charge", "cn_": "credit_note",
    "cus_": "customer", "di_": "discount", "dp_": "dispute", "du_": "dispute", "in_": "invoice",
    "inpay_": "invoice_payment", "ii_": "invoiceitem", "pi_": "payment_intent",
    "pm_": "payment_method", "po_": "payout", "price_": "price", "prod_": "product",
    "promo_": "promotion_code", "issfr_": "radar.early_fraud_warning", "re_": "refund",
    "pyr_": "refund", "prv_": "review", "si_": "subscription_item",
    "sub_sched_": "subscription_schedule", "sub_": "subscription", "txi_": "tax_id",
    "txr_": "tax_rate", "tu_": "topup", "tr_": "transfer", "trr_": "transfer_reversal",
}  # fmt: skip


def type_of(reference: str, store_types: Callable[[str, str], Object | None]) -> Object | None:
    """The object that an id refers to, or None when the account does not hold it."""
    for prefix in sorted(PREFIXES, key=len, reverse=True):
        if reference.startswith(prefix):
            return store_types(PREFIXES[prefix], reference)
    return store_types("coupon", reference)
