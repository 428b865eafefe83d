"""Every Stripe resource that is pulled, and how.

Paths, expansions and events are those of Stripe's API reference for the version that the SDK pins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Follow = Literal["events", "created", "always"]


@dataclass(frozen=True)
class Resource:
    """One list of the API.

    `follow` says how a nightly pull learns of changes: from the event log, by listing what was
    `created` since (objects that never change), or by fetching it each time. `windowed` lists take
    a `created` range, so a long one can be pulled in parallel. `expand` are the fields that only
    an expanded answer holds; an event never holds them, so such an object is fetched again.
    `children` are fields whose entries are landed as objects of their own, too; they have events
    of their own. `deletable` objects leave their list when they are deleted. `why_listed` is said
    in the coverage statement where one might expect a report.
    """

    object_name: str
    path: str
    follow: Follow = "events"
    windowed: bool = True
    expand: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] = ()
    deletable: bool = False
    why_listed: str | None = None


RESOURCES = (
    Resource("account", "account", "always", windowed=False),
    # Connected accounts; their changes are told to them, not in the platform's event log.
    Resource("account", "accounts", "created"),
    Resource("balance", "balance", "always", windowed=False),
    Resource(
        "balance_transaction",
        "balance_transactions",
        "created",
        why_listed="listed: Stripe's reports lack the parts of fees, exchange rates, the balance"
        " concerned and payouts that are not automatic, and what came from a report could not be"
        " tied to it (docs/decisions/0004-reconciliation.md)",
    ),
    Resource("charge", "charges"),
    Resource("payment_intent", "payment_intents"),
    Resource("payment_method", "payment_methods", windowed=False),
    Resource("refund", "refunds"),
    Resource("dispute", "disputes"),
    Resource("radar.early_fraud_warning", "radar/early_fraud_warnings"),
    Resource("review", "reviews"),
    Resource("payout", "payouts"),
    Resource("transfer", "transfers"),
    Resource("application_fee", "application_fees"),
    Resource("topup", "topups"),
    Resource("customer", "customers", expand=("tax_ids",), children=("tax_ids",), deletable=True),
    Resource("product", "products", deletable=True),
    # A price of several currencies states the others only when it is asked to; their tiers are
    # fetched by currency (`complete_tiers`).
    Resource("price", "prices", expand=("tiers", "currency_options"), deletable=True),
    Resource("coupon", "coupons", expand=("applies_to", "currency_options"), deletable=True),
    Resource("promotion_code", "promotion_codes"),
    Resource("tax_rate", "tax_rates"),
    Resource(
        "subscription",
        "subscriptions",
        expand=("discounts", "items.data.discounts"),
        params=(("status", "all"),),
    ),
    Resource("subscription_schedule", "subscription_schedules"),
    Resource("invoice", "invoices", expand=("discounts", "lines.data.discounts"), deletable=True),
    # Only `invoice_payment.paid` is told by an event: new ones are listed as well.
    Resource("invoice_payment", "invoice_payments", "created"),
    Resource("credit_note", "credit_notes"),
    Resource("event", "events", "created"),
)
BY_OBJECT = {resource.object_name: resource for resource in RESOURCES}

# Landed too, though no list of their own serves them.
DERIVED = (
    "balance_since",
    "customer_balance_transaction",
    "payout_composition",
    "quarantine",
    "tax.association",
    "tax.transaction",
    "tax_id",
)
