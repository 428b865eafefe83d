"""The report types that the embedded account runs, with the columns that Stripe documents.

Source: Stripe's report type references for the balance and the payout reconciliation reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heirpay_pipelines.sandbox.store import Store

HALF_DAY = 43_200
COMMON = ("interval_start", "interval_end", "currency", "timezone")
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
ITEMIZED = (
    "balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on",
    "currency", "gross", "fee", "net", "reporting_category", "source_id", "description",
    "customer_facing_amount", "customer_facing_currency", "automatic_payout_id",
    "automatic_payout_effective_at_utc", "automatic_payout_effective_at", "customer_id",
    "customer_email", "customer_name", "customer_description",
    *(f"customer_address_{part}" for part in ADDRESS), "charge_id", "payment_intent_id",
    "charge_created_utc", "charge_created", "invoice_id", "invoice_number", "subscription_id",
    "payment_method_type", "is_link", "card_brand", "card_funding", "card_country",
    "statement_descriptor", "dispute_reason", "connected_account_id", "connected_account_name",
    "connected_account_country", "trace_id", "trace_id_status",
)  # fmt: skip
PAYOUTS = (
    "payout_id", "effective_at_utc", "effective_at", "payout_expected_arrival_date", "currency",
    "gross", "fee", "net", "reporting_category", "balance_transaction_id", "description",
    "payout_status", "payout_type", "payout_reversed_at_utc", "payout_reversed_at",
    "payout_description", "payout_destination_id", "trace_id", "trace_id_status",
)  # fmt: skip
# Columns that take a key in brackets; they may be asked for several times.
KEYED = ("payment_metadata", "refund_metadata", "transfer_metadata")


@dataclass(frozen=True)
class ReportType:
    """One type of report. `columns` is empty where a run cannot choose them."""

    id: str
    name: str
    default_columns: tuple[str, ...]
    columns: tuple[str, ...]
    parameters: tuple[str, ...]


TYPES = (
    ReportType(
        "balance.summary.1",
        "Balance summary",
        ("category", "description", "net_amount", "currency"),
        ("category", "description", "net_amount", "currency"),
        (*COMMON, "columns"),
    ),
    ReportType(
        "balance_change_from_activity.itemized.3",
        "Itemized balance change from activity",
        ("balance_transaction_id", "created", "available_on", "currency", "gross", "fee", "net",
         "reporting_category", "description"),
        ITEMIZED,
        (*COMMON, "reporting_category", "columns"),
    ),
    ReportType(
        "payout_reconciliation.itemized.5",
        "Itemized payout reconciliation",
        ("automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id",
         "created", "available_on", "currency", "gross", "fee", "net", "reporting_category",
         "description"),
        ITEMIZED,
        (*COMMON, "reporting_category", "columns"),
    ),
    ReportType(
        "payouts.itemized.3",
        "Itemized payouts",
        ("payout_id", "effective_at", "payout_expected_arrival_date", "currency", "gross", "fee",
         "net", "reporting_category", "balance_transaction_id", "description", "payout_status"),
        PAYOUTS,
        (*COMMON, "reporting_category", "columns"),
    ),
)  # fmt: skip
BY_ID = {each.id: each for each in TYPES}


def available_end(store: Store) -> int:
    """Data is prepared at noon and at midnight UTC, and takes the half day that follows."""
    return store.now - store.now % HALF_DAY - HALF_DAY


def rendered(kind: ReportType, store: Store) -> dict[str, Any]:
    """The report type as the API answers it."""
    start = int(store.get("account", store.account_id)["created"])
    return {
        "id": kind.id,
        "object": "reporting.report_type",
        "data_available_end": max(available_end(store), start),
        "data_available_start": start - start % 86_400,
        "default_columns": list(kind.default_columns),
        "livemode": False,
        "name": kind.name,
        "updated": max(available_end(store), start),
        "version": int(kind.id.rpartition(".")[2]),
    }
