"""Every Stripe resource that is pulled, and how.

Paths, expansions and events are those of Stripe's API reference for the version that the SDK pins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Follow = Literal["events", "created", "always"]
Needed = Literal["always", "named", "never"]


@dataclass(frozen=True)
class Resource:
    """One list of the API.

    `follow` says how a nightly pull learns of changes: from the event log, by listing what was
    `created` since (objects that never change), or by fetching it each time. `windowed` lists take
    a `created` range, so a long one can be pulled in parallel. `expand` are the fields that only
    an expanded answer holds; an event never holds them, so such an object is fetched again.
    `children` are fields whose entries are landed as objects of their own, too; they have events
    of their own, and `children_figures` rest on them. `deletable` objects leave their list when
    they are deleted. `why_listed` is said in the coverage statement where one might expect a
    report.

    `figures` are the published tables that rest on it; `needed` says when publication is refused
    without it: always, when an object that was landed names one of them, or never: then what
    rests on it is empty, not wrong.
    """

    object_name: str
    path: str
    follow: Follow = "events"
    windowed: bool = True
    expand: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] = ()
    children_figures: str = ""
    deletable: bool = False
    why_listed: str | None = None
    figures: str = ""
    needed: Needed = "never"

    def needed_for(self, is_named: bool) -> str | None:
        """What cannot be published without it; None when nothing is wrong without it."""
        if self.needed == "always" or (self.needed == "named" and is_named):
            return self.figures
        return None


RESOURCES = (
    Resource(
        "account", "account", "always", windowed=False,
        figures="country and currency of the account (tax registrations, the networks' programmes)",
    ),
    # Connected accounts; their changes are told to them, not in the platform's event log.
    Resource("account", "accounts", "created", figures="names of connected accounts"),
    Resource(
        "balance", "balance", "always", windowed=False,
        figures="Stripe's own balance, which balance_reconciliation is compared with",
    ),
    Resource(
        "balance_transaction",
        "balance_transactions",
        "created",
        why_listed="listed: Stripe's reports lack the parts of fees, exchange rates, the balance"
        " concerned and payouts that are not automatic, and what came from a report could not be"
        " tied to it (docs/decisions/0004-reconciliation.md)",
        figures="daily_revenue, balance_reconciliation, payout_reconciliation, journal_entries",
        needed="always",
    ),
    Resource(
        "charge", "charges", needed="always",
        figures="daily_revenue, payment_method_daily, payment_failures, risk_daily",
    ),
    Resource(
        "payment_intent", "payment_intents", needed="always",
        figures="payment_failures, daily_revenue_by_flow, tax_transactions of payments",
    ),
    Resource(
        "payment_method", "payment_methods", windowed=False,
        figures="saved payment methods in dunning",
    ),
    Resource(
        "refund", "refunds", needed="always",
        figures="revenue_recognition, reconciliation_breaks",
    ),
    Resource(
        "dispute", "disputes", needed="always", figures="disputes, risk_daily, risk_programmes"
    ),
    Resource(
        "radar.early_fraud_warning", "radar/early_fraud_warnings",
        figures="early fraud warnings and fraud ratios (early_fraud_warnings, risk_daily,"
        " payment_risk)",
    ),
    Resource("review", "reviews", figures="manual reviews in payment_risk"),
    Resource("payout", "payouts", needed="always", figures="payout_reconciliation"),
    Resource(
        "transfer", "transfers", needed="named",
        figures="revenue_recognition and revenue by flow of a Connect platform",
    ),
    Resource(
        "application_fee", "application_fees", needed="named",
        figures="revenue_recognition of a Connect platform",
    ),
    Resource("topup", "topups", figures="the objects behind top-ups of the balance"),
    Resource(
        "customer", "customers",
        expand=("tax_ids", "discount.source.coupon"), children=("tax_ids",), deletable=True,
        children_figures="checks of customers' tax ids (tax_warnings), sales to consumers of the"
        " European Union in tax_registrations, which are null then",
        figures="mrr_monthly, mrr_movements (discounts of customers), tax ids", needed="named",
    ),
    Resource("product", "products", deletable=True, figures="names in revenue_by_product"),
    # A price of several currencies states the others only when it is asked to; their tiers are
    # fetched by currency (`complete_tiers`).
    Resource(
        "price", "prices", expand=("tiers", "currency_options"), deletable=True,
        figures="mrr_monthly, mrr_movements", needed="named",
    ),
    Resource(
        "coupon", "coupons", expand=("applies_to", "currency_options"), deletable=True,
        figures="mrr_monthly, mrr_movements", needed="named",
    ),
    Resource("promotion_code", "promotion_codes", figures="codes of discounts"),
    Resource(
        "tax_rate", "tax_rates", needed="named",
        figures="rates in tax_transactions, tax_summary; mrr_monthly of inclusive prices",
    ),
    Resource(
        "subscription",
        "subscriptions",
        expand=("discounts.source.coupon", "items.data.discounts"),
        params=(("status", "all"),),
        figures="mrr_monthly, mrr_movements, churn_monthly, cohort_retention",
        needed="always",
    ),
    Resource("subscription_schedule", "subscription_schedules", figures="scheduled changes"),
    Resource(
        "invoice", "invoices",
        expand=(
            "discounts.source.coupon", "lines.data.discounts", "amount_paid_off_stripe",
            "shipping_cost.taxes",
        ),
        deletable=True, needed="always",
        figures="revenue_recognition, tax_transactions, tax_summary",
    ),
    # Only `invoice_payment.paid` is told by an event: new ones are listed as well.
    Resource(
        "invoice_payment", "invoice_payments", "created", needed="always",
        figures="revenue_recognition, reconciliation_breaks",
    ),
    Resource(
        "credit_note", "credit_notes", expand=("shipping_cost.taxes",), needed="always",
        figures="revenue_recognition, tax_transactions",
    ),
    # One-off payments through Checkout carry their tax here and nowhere else.
    Resource(
        "checkout.session", "checkout/sessions", expand=("total_details.breakdown",),
        figures="tax of payments through Checkout in tax_transactions; revenue of one-off payments,"
        " which is null then",
    ),
    Resource(
        "event", "events", "created",
        figures="the day on which a change happened: without it, the night that saw it",
    ),
)  # fmt: skip
BY_OBJECT = {resource.object_name: resource for resource in RESOURCES}
BY_PATH = {resource.path: resource for resource in RESOURCES}

# Landed too, though no list of their own serves them.
DERIVED = (
    "balance_since",
    "customer_balance_transaction",
    "payout_composition",
    "quarantine",
    "tax.association",
    "tax.transaction",
    "tax_id",
    "unreadable_object",
)
