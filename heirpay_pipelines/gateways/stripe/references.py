"""Which field of which object names which resource.

Stripe's lists leave out what was deleted, what is on a test clock and what came late, while other
objects go on naming it. A path is that of Stripe's API reference, older shapes beside newer ones;
`[*]` walks through a list. A field holds an id, or the object itself where Stripe or an expansion
puts it in place. Fields whose id tells by its prefix what it refers to are in BY_PREFIX. What a
guest paid with is not here: the charge itself says all of it, and each would be a request.
"""

from __future__ import annotations

from dataclasses import dataclass

from heirpay_pipelines.gateways.stripe.lister import Object

_DISCOUNTED = {
    "discounts[*].source.coupon": "coupon",
    "discounts[*].coupon": "coupon",
    "discounts[*].promotion_code": "promotion_code",
    "discount.source.coupon": "coupon",
    "discount.coupon": "coupon",
    "discount.promotion_code": "promotion_code",
}
_LINES = {
    "lines.data[*].pricing.price_details.price": "price",
    "lines.data[*].pricing.price_details.product": "product",
    "lines.data[*].price": "price",
    "lines.data[*].discounts[*].source.coupon": "coupon",
    "lines.data[*].taxes[*].tax_rate_details.tax_rate": "tax_rate",
    "lines.data[*].tax_rates[*]": "tax_rate",
}

NAMES: dict[str, dict[str, str]] = {
    "application_fee": {
        "balance_transaction": "balance_transaction",
        "refunds.data[*].balance_transaction": "balance_transaction",
    },
    "charge": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "invoice": "invoice",
        "review": "review",
        "transfer": "transfer",
        "application_fee": "application_fee",
    },
    "coupon": {"applies_to.products[*]": "product"},
    "credit_note": {
        "customer": "customer",
        "invoice": "invoice",
        "refund": "refund",
        "refunds[*].refund": "refund",
        "lines.data[*].taxes[*].tax_rate_details.tax_rate": "tax_rate",
        "lines.data[*].tax_rates[*]": "tax_rate",
    },
    "customer": {
        "invoice_settings.default_payment_method": "payment_method",
        **_DISCOUNTED,
    },
    "customer_balance_transaction": {"customer": "customer", "invoice": "invoice"},
    "dispute": {
        "charge": "charge",
        "payment_intent": "payment_intent",
        "balance_transactions[*]": "balance_transaction",
    },
    "invoice": {
        "customer": "customer",
        "charge": "charge",
        "payment_intent": "payment_intent",
        "subscription": "subscription",
        "parent.subscription_details.subscription": "subscription",
        "lines.data[*].parent.subscription_item_details.subscription": "subscription",
        "default_payment_method": "payment_method",
        "default_tax_rates[*]": "tax_rate",
        "total_taxes[*].tax_rate_details.tax_rate": "tax_rate",
        "total_tax_amounts[*].tax_rate": "tax_rate",
        "shipping_cost.taxes[*].rate": "tax_rate",
        "from_invoice.invoice": "invoice",
        **_LINES,
        **_DISCOUNTED,
    },
    "invoice_payment": {
        "invoice": "invoice",
        "payment.charge": "charge",
        "payment.payment_intent": "payment_intent",
    },
    "payment_intent": {
        "customer": "customer",
        "invoice": "invoice",
        "latest_charge": "charge",
    },
    "payment_method": {"customer": "customer"},
    "payout": {
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "original_payout": "payout",
        "reversed_by": "payout",
    },
    "payout_composition": {"balance_transactions[*]": "balance_transaction"},
    "price": {"product": "product"},
    "product": {"default_price": "price"},
    "promotion_code": {
        "coupon": "coupon",
        "promotion.coupon": "coupon",
        "customer": "customer",
    },
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "refund": {
        "charge": "charge",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "review": {"charge": "charge", "payment_intent": "payment_intent"},
    "subscription": {
        "customer": "customer",
        "latest_invoice": "invoice",
        "schedule": "subscription_schedule",
        "default_payment_method": "payment_method",
        "default_tax_rates[*]": "tax_rate",
        "items.data[*].price": "price",
        "items.data[*].price.product": "product",
        "items.data[*].tax_rates[*]": "tax_rate",
        "items.data[*].discounts[*].source.coupon": "coupon",
        **_DISCOUNTED,
    },
    "subscription_schedule": {
        "customer": "customer",
        "subscription": "subscription",
        "phases[*].items[*].price": "price",
        "phases[*].discounts[*].coupon": "coupon",
        "phases[*].discounts[*].promotion_code": "promotion_code",
        "phases[*].default_tax_rates[*]": "tax_rate",
    },
    "tax_id": {"customer": "customer"},
    "topup": {"balance_transaction": "balance_transaction"},
    "transfer": {
        "balance_transaction": "balance_transaction",
        "reversals.data[*].balance_transaction": "balance_transaction",
        "source_transaction": "charge",
    },
}
BY_PREFIX: dict[str, tuple[str, ...]] = {"balance_transaction": ("source",)}
PREFIXES = {
    "ch_": "charge", "py_": "charge", "re_": "refund", "pyr_": "refund", "du_": "dispute",
    "dp_": "dispute", "po_": "payout", "tr_": "transfer", "fee_": "application_fee",
    "tu_": "topup",
}  # fmt: skip

# Instants of an object that are never in the future: one after the night's instant says that the
# version is later than it.
INSTANTS: dict[str, tuple[str, ...]] = {
    "credit_note": ("voided_at",),
    "invoice": (
        "status_transitions.finalized_at",
        "status_transitions.paid_at",
        "status_transitions.marked_uncollectible_at",
        "status_transitions.voided_at",
    ),
    "invoice_payment": ("status_transitions.paid_at", "status_transitions.canceled_at"),
    "payment_intent": ("canceled_at",),
    "subscription": ("canceled_at", "ended_at"),
    "subscription_schedule": ("canceled_at", "completed_at", "released_at"),
}


@dataclass(frozen=True)
class Missing:
    """An object that `holder` (`holder_id`) names and that was never landed. `embedded` is what the
    holder carries of it, if it carries the object itself."""

    object_name: str
    id: str
    holder: str
    holder_id: str
    embedded: Object | None = None
