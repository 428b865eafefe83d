"""Which object each list of the API serves, and by what it can be filtered.

The parameters are those of the SDK's `…ListParams` for the API version that it pins; a test holds
them against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from heirpay_pipelines.sandbox.store import values_at

Object = dict[str, Any]
Test = Callable[[Object, str], bool]


@dataclass(frozen=True)
class Route:
    """One list: `/v1/<path>` serves objects of type `object_type`.

    `equal` are parameters that compare with the field of the same name, `at` those that compare
    with the field at a dotted path, `ranges` those that take gt, gte, lt and lte, `lists` those
    that take several values of a field, `custom` those that need more. `default` holds when a
    parameter of its name is absent. `created` says whether the list takes a `created` range.
    """

    path: str
    object_type: str
    equal: tuple[str, ...] = ()
    at: dict[str, str] = field(default_factory=dict)
    ranges: tuple[str, ...] = ()
    lists: dict[str, str] = field(default_factory=dict)
    custom: dict[str, Test] = field(default_factory=dict)
    default: dict[str, str] = field(default_factory=dict)
    created: bool = True

    def fields(self) -> dict[str, str]:
        """Parameter → dotted path of the field that it is equal to."""
        return {name: name for name in self.equal} | self.at


def _subscription_status(subscription: Object, wanted: str) -> bool:
    status = subscription["status"]
    if wanted == "ended":
        return status in ("canceled", "incomplete_expired")
    if wanted == "not canceled":
        return bool(status != "canceled")
    return wanted == "all" or status == wanted


def _delivered(event: Object, wanted: str) -> bool:
    return bool((event["pending_webhooks"] == 0) == (wanted == "true"))


def _event_type(event: Object, wanted: str) -> bool:
    return fnmatchcase(event["type"], wanted)


def _pending(item: Object, wanted: str) -> bool:
    return (item["invoice"] is None) == (wanted == "true")


def _scheduled(schedule: Object, wanted: str) -> bool:
    return bool((schedule["status"] == "not_started") == (wanted == "true"))


def _value_list_contains(value_list: Object, wanted: str) -> bool:
    return any(item["value"] == wanted for item in value_list["list_items"]["data"])


def _period(name: str) -> tuple[str, str]:
    return name, f"items.data.{name}"


CUSTOMER = ("customer", "customer_account")
ITEM_PRICE = "items.data.price.id"
ROUTES = (
    Route("accounts", "account"),
    Route("application_fees", "application_fee", ("charge",)),
    Route("balance_transactions", "balance_transaction", ("currency", "source", "type")),
    Route("billing/meters", "billing.meter", ("status",), created=False),
    Route("charges", "charge", ("customer", "payment_intent", "transfer_group")),
    Route("checkout/sessions", "checkout.session",
          (*CUSTOMER, "payment_intent", "payment_link", "status", "subscription"),
          at={"customer_details[email]": "customer_details.email"}),
    Route("coupons", "coupon"),
    Route("credit_notes", "credit_note", (*CUSTOMER, "invoice")),
    Route("customers", "customer", ("email", "test_clock")),
    Route("disputes", "dispute", ("charge", "payment_intent")),
    Route("events", "event", lists={"types": "type"},
          custom={"type": _event_type, "delivery_success": _delivered}),
    Route("invoice_payments", "invoice_payment", ("invoice", "status"),
          at={f"payment[{name}]": f"payment.{name}"
              for name in ("type", "payment_intent", "payment_record")}),
    Route("invoices", "invoice", (*CUSTOMER, "status", "collection_method"),
          at={"subscription": "parent.subscription_details.subscription"}, ranges=("due_date",)),
    Route("invoiceitems", "invoiceitem", (*CUSTOMER, "invoice"), custom={"pending": _pending}),
    Route("payment_intents", "payment_intent", CUSTOMER),
    Route("payment_methods", "payment_method", (*CUSTOMER, "type", "allow_redisplay"),
          created=False),
    Route("payouts", "payout", ("status", "destination"), ranges=("arrival_date",)),
    Route("prices", "price", ("active", "currency", "product", "type"),
          at={f"recurring[{name}]": f"recurring.{name}"
              for name in ("interval", "meter", "usage_type")},
          lists={"lookup_keys": "lookup_key"}),
    Route("products", "product", ("active", "shippable", "type", "url"), lists={"ids": "id"}),
    Route("promotion_codes", "promotion_code", (*CUSTOMER, "active", "code"),
          at={"coupon": "promotion.coupon"}),
    Route("radar/early_fraud_warnings", "radar.early_fraud_warning", ("charge", "payment_intent")),
    Route("radar/value_list_items", "radar.value_list_item", ("value_list", "value")),
    Route("radar/value_lists", "radar.value_list", ("alias",),
          custom={"contains": _value_list_contains}),
    Route("refunds", "refund", ("charge", "payment_intent")),
    Route("reviews", "review"),
    Route("subscription_schedules", "subscription_schedule", CUSTOMER,
          ranges=("canceled_at", "completed_at", "released_at"), custom={"scheduled": _scheduled}),
    Route("subscriptions", "subscription", (*CUSTOMER, "collection_method", "test_clock"),
          at={"price": ITEM_PRICE, "plan": ITEM_PRICE,
              "automatic_tax[enabled]": "automatic_tax.enabled"},
          ranges=("current_period_end", "current_period_start"),
          custom={"status": _subscription_status}, default={"status": "not canceled"}),
    Route("tax_ids", "tax_id",
          at={f"owner[{name}]": f"owner.{name}"
              for name in ("type", "customer", "customer_account", "account")},
          default={"owner[type]": "self"}, created=False),
    Route("tax_rates", "tax_rate", ("active", "inclusive")),
    Route("topups", "topup", ("status",), ranges=("amount",)),
    Route("transfers", "transfer", ("destination", "transfer_group")),
    Route("webhook_endpoints", "webhook_endpoint", created=False),
)  # fmt: skip
BY_PATH = {route.path: route for route in ROUTES}
# Where a ranged field is not at the top of the object.
RANGE_PATHS = dict(_period(name) for name in ("current_period_end", "current_period_start"))

# Lists under an object whose entries are objects of their own: (parent path, name) → their list,
# and the field that names the parent.
CHILDREN = {
    ("customers", "tax_ids"): (Route("tax_ids", "tax_id", created=False), "customer"),
    ("customers", "balance_transactions"): (
        Route("balance_transactions", "customer_balance_transaction", ("invoice",)), "customer"),
    ("customers", "payment_methods"): (
        Route("payment_methods", "payment_method", ("type", "allow_redisplay"), created=False),
        "customer"),
    ("charges", "refunds"): (Route("refunds", "refund", created=False), "charge"),
}  # fmt: skip
# Served one by one: no list has them.
RETRIEVED = {"tax/transactions": "tax.transaction"}
# Lists that are kept inside the object, and under which path they continue.
NESTED = {
    ("invoices", "lines"): "lines",
    ("credit_notes", "lines"): "lines",
    ("transfers", "reversals"): "reversals",
    ("application_fees", "refunds"): "refunds",
    ("tax/transactions", "line_items"): "line_items",
}
# Fields that an answer holds only when they are expanded (the SDK's classes call them includable).
INCLUDABLE = {
    "price": ("tiers", "currency_options"),
    "coupon": ("applies_to", "currency_options"),
    "customer": ("tax_ids", "subscriptions", "sources", "cash_balance", "invoice_credit_balance"),
    "charge": ("refunds",),
    "invoice": ("payments", "amount_paid_off_stripe"),
    "tax.transaction": ("line_items",),
    # Of parts without a type: of a session's totals, and of what shipping cost.
    "": ("breakdown", "taxes"),
}
# What an includable list is made of when it is not kept inside the object.
INCLUDED_LISTS = {
    ("customer", "tax_ids"): ("tax_id", "customer"),
    ("customer", "subscriptions"): ("subscription", "customer"),
    ("charge", "refunds"): ("refund", "charge"),
    ("invoice", "payments"): ("invoice_payment", "invoice"),
}
# A reference is an id; its prefix says what it refers to. (A coupon's id is anything.)
PREFIXES = {
    "acct_": "account", "fee_": "application_fee", "txn_": "balance_transaction",
    "mtr_": "billing.meter", "ch_": "charge", "py_": "charge", "cn_": "credit_note",
    "cs_": "checkout.session", "cus_": "customer", "di_": "discount", "dp_": "dispute",
    "du_": "dispute", "in_": "invoice",
    "inpay_": "invoice_payment", "ii_": "invoiceitem", "pi_": "payment_intent",
    "pm_": "payment_method", "po_": "payout", "price_": "price", "prod_": "product",
    "promo_": "promotion_code", "issfr_": "radar.early_fraud_warning", "re_": "refund",
    "pyr_": "refund", "prv_": "review", "fr_": "fee_refund",
    "cbtxn_": "customer_balance_transaction",
    "sub_sched_": "subscription_schedule", "sub_": "subscription", "txi_": "tax_id",
    "txr_": "tax_rate", "tu_": "topup", "tr_": "transfer", "trr_": "transfer_reversal",
    "file_": "file", "frr_": "reporting.report_run", "we_": "webhook_endpoint",
}  # fmt: skip
_LONGEST_FIRST = sorted(PREFIXES, key=len, reverse=True)


def type_of(name: str, reference: str) -> str | None:
    """The type of object that the field `name` refers to with an id; None for a mere text."""
    if name in ("id", "coupon"):
        return "coupon" if name == "coupon" else None
    for prefix in _LONGEST_FIRST:
        if reference.startswith(prefix):
            return PREFIXES[prefix]
    return None


def in_range(obj: Object, name: str, test: Callable[[int], bool]) -> bool:
    """Whether a time or amount of an object passes; null never does."""
    return any(test(int(text)) for text in values_at(obj, RANGE_PATHS.get(name, name)))
