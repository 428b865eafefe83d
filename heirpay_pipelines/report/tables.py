"""The report's tables: which columns of a fact are shown, under which heading, in which form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from heirpay_pipelines.report import money
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.reading import Fact

Kind = Literal[
    "text",
    "words",
    "code",
    "money",
    "reporting",
    "change",
    "count",
    "percent",
    "day",
    "month",
    "status",
    "currency",
    "flag",
    "off",
    "tax",
    "command",
]
NUMBERS = ("money", "reporting", "change", "off", "count", "percent")
RATES = ("_rate", "ratio", "_retention", "_threshold")


@dataclass(frozen=True)
class Column:
    """`money` and `change` are in the row's own currency, `reporting` in the reporting one; `off`
    is a difference that should be zero."""

    name: str
    label: str
    kind: Kind = "text"

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; `tone` is a status for colour, never without its words."""

    text: str
    kind: Kind
    tone: str = ""


def columns(*specs: str) -> tuple[Column, ...]:
    """`"mrr:MRR:money"` → Column; the kind may be left out."""
    made = []
    for spec in specs:
        name, label, *kind = spec.split(":")
        made.append(Column(name, label, kind[0] if kind else "text"))  # type: ignore[arg-type]
    return tuple(made)


TABLES: dict[str, tuple[Column, ...]] = {
    "mrr_now": columns(
        "currency:Currency:currency",
        "mrr:MRR:money",
        "change:Since the day before:change",
        "mrr_reporting:In {reporting}:reporting",
        "active_customers:Customers:count",
        "arpa:Per customer:money",
    ),
    "mrr_by_month": columns(
        "month:Month:month",
        "currency:Currency:currency",
        "mrr:MRR:money",
        "mrr_reporting:In {reporting}:reporting",
        "active_customers:Customers:count",
    ),
    "movements_by_month": columns(
        "month:Month:month",
        "movement:Movement:words",
        "movements:Number:count",
        "mrr_change_reporting:Change, {reporting}:reporting",
    ),
    "movements_largest": columns(
        "occurred_on:Day:day",
        "customer_id:Customer:code",
        "movement:Movement:words",
        "mrr_before:MRR before:money",
        "mrr_after:After:money",
        "mrr_change:Change:change",
        "explain:Follow it to its invoices:command",
    ),
    "churn": columns(
        "month:Month:month",
        "currency:Currency:currency",
        "customers_start:At start:count",
        "customers_new:New:count",
        "customers_churned:Left:count",
        "customer_churn_rate:Customer churn:percent",
        "gross_revenue_retention:Gross retention:percent",
        "net_revenue_retention:Net retention:percent",
    ),
    "revenue_days": columns(
        "date:Day:day",
        "currency:Currency:currency",
        "gross_volume:Gross:money",
        "refunds:Refunds:money",
        "disputes:Disputes:money",
        "fees:Fees:money",
        "net_volume:Net:money",
    ),
    "revenue_by_flow": columns(
        "payment_flow:Payment flow:words",
        "currency:Currency:currency",
        "volume:Volume:money",
        "payments_succeeded:Succeeded:count",
        "payments_failed:Failed:count",
    ),
    "deferred_revenue": columns(
        "currency:Currency:currency",
        "deferred_start:Deferred at start:money",
        "billed:Billed:money",
        "recognised:Recognised:money",
        "deferred_end:Deferred at end:money",
    ),
    "tax_by_jurisdiction": columns(
        "country:Country:code",
        "region:Region:code",
        "tax_type:Tax:tax",
        "currency:Currency:currency",
        "taxable_amount:Taxable:money",
        "tax_amount:Tax:money",
        "tax_amount_reporting:In {reporting}:reporting",
        "documents:Documents:count",
    ),
    "balance": columns(
        "date:Day:day",
        "currency:Currency:currency",
        "closing_balance:Computed balance:money",
        "stripe_closing_balance:Stripe's balance:money",
        "difference:Difference:off",
    ),
    "payouts_by_state": columns(
        "status:State:status",
        "currency:Currency:currency",
        "payouts:Payouts:count",
        "payout_amount:Amount:money",
        "difference:Unexplained:change",
    ),
    "payouts_by_week": columns(
        "week:Week of:day",
        "status:State:status",
        "payouts:Payouts:count",
    ),
    "breaks": columns(
        "severity:Severity:status",
        "kind:Kind:words",
        "amount:Amount:money",
        "age_days:Days open:count",
        "detail:What is wrong",
        "action:What to do",
        "object_id:Object:code",
    ),
    "breaks_by_kind": columns(
        "kind:Kind:words",
        "currency:Currency:currency",
        "breaks:Breaks:count",
        "amount:Amount:money",
        "new_breaks:New:count",
        "oldest_days:Oldest, days:count",
    ),
    "controls_by_framework": columns(
        "framework:Framework",
        "status:Result:status",
        "controls:Controls:count",
    ),
    "disputes_open": columns(
        "evidence_due_on:Evidence due:day",
        "days_left:Days left:count",
        "dispute_id:Dispute:code",
        "amount:Amount:money",
        "reason:Reason:words",
        "status:Status:words",
        "customer_id:Customer:code",
    ),
    "disputes_summary": columns(
        "reason:Reason:words",
        "currency:Currency:currency",
        "disputes:Disputes:count",
        "amount:Amount:money",
        "won:Won:count",
        "lost:Lost:count",
    ),
    "payment_failures": columns(
        "decline_kind:Kind of decline:words",
        "currency:Currency:currency",
        "failures:Failures:count",
        "amount:Amount:money",
        "recovered:Recovered:count",
        "at_risk:Still at risk:money",
    ),
    "tax_warnings": columns(
        "seen_on:Seen:day",
        "kind:Kind:words",
        "detail:What may be wrong",
        "amount:Amount:money",
        "object_id:Object:code",
    ),
    "recovery": columns(
        "month:Month:month",
        "currency:Currency:currency",
        "payments_failed:Failed:count",
        "amount_failed:Amount:money",
        "amount_recovered:Came back:money",
        "amount_by_automatic_retry:by retry:money",
        "amount_by_new_payment_method:by new method:money",
        "amount_by_manual:by hand:money",
        "amount_at_risk:At risk:money",
        "amount_recovery_rate:Recovery:percent",
    ),
    "dunning": columns(
        "invoice_id:Invoice:code",
        "amount_remaining:Open:money",
        "days_past_due:Days past due:count",
        "attempts:Attempts:count",
        "last_decline_code:Last decline:words",
        "next_attempt_at:Next attempt:day",
        "recommended_action:What to do:words",
        "customer_id:Customer:code",
    ),
    "risk_forecast": columns(
        "programme:Programme:words",
        "network:Network:words",
        "cases:Cases:count",
        "cases_threshold:Threshold:count",
        "ratio:Ratio:percent",
        "ratio_threshold:Threshold:percent",
        "cases_in_28_days:Cases in 28 days:count",
        "crosses_on:Crossed on:day",
    ),
    "risk_scores": columns(
        "score:Radar’s score",
        "attempts:Attempts:count",
        "blocked:Blocked:count",
        "fraud:Fraud:count",
        "suspected:Suspected:count",
        "genuine:Genuine:count",
    ),
    "card_testing": columns(
        "started_on:Day:day",
        "currency:Currency:currency",
        "attempts:Attempts:count",
        "cards:Cards:count",
        "failed:Failed:count",
        "succeeded:Succeeded:count",
        "amount_not_refunded:Not refunded:money",
    ),
    "failure_anomalies": columns(
        "date:Week to:day",
        "dimension:Of:words",
        "value:Which",
        "failures:Failed:count",
        "attempts:Payments:count",
        "failure_rate:Rate:percent",
        "usual_rate:Usual:percent",
        "card_testing_failures:Card testing:count",
    ),
    "risk": columns(
        "date:Day:day",
        "currency:Currency:currency",
        "volume:Volume:money",
        "month_payments:Payments:count",
        "month_cases:Cases:count",
        "dispute_ratio:Disputes:percent",
        "fraud_ratio:Fraud:percent",
        "dispute_and_fraud_ratio:Together:percent",
        "ratio_threshold:Threshold:percent",
    ),
    "risk_programmes": columns(
        "programme:Programme:words",
        "network:Network:words",
        "region:Region:words",
        "cases:Cases:count",
        "cases_threshold:Threshold:count",
        "ratio:Ratio:percent",
        "ratio_threshold:Threshold:percent",
        "forecast_cases:Cases forecast:count",
        "is_exceeded:Exceeded:flag",
        "is_forecast_exceeded:Forecast to be:flag",
    ),
    "restatements": columns(
        "restated_on:Restated on:day",
        "month:Month:month",
        "figure:Figure:words",
        "currency:Currency:currency",
        "published_before:Before:money",
        "published_now:Now:money",
        "difference:Difference:change",
        "caused_by:Caused by",
    ),
    "coverage": columns(
        "endpoint:Endpoint:code",
        "status:State:status",
        "mode:Read by:words",
        "rows:Rows:count",
        "requests:Requests:count",
        "reason:Reason",
    ),
    "run_history": columns(
        "as_of:As of:day",
        "outcome:Outcome:status",
        "requests:Requests:count",
        "reason:Reason",
        "run_id:Run:code",
    ),
    "scheduled_churn": columns(
        "currency:Currency:currency",
        "subscriptions:Subscriptions:count",
        "mrr:MRR that ends:money",
        "next_end:Next end:day",
    ),
}

TONES = {
    "good": ("pass", "attested", "reconciled", "published", "complete", "won", "met", "approved"),
    "bad": ("fail", "failed", "critical", "high", "unreconciled", "refused", "lost", "unmet"),
    "warn": (
        "not_evaluated", "waived", "medium", "interrupted", "incomplete", "denied", "in_transit",
    ),
}  # fmt: skip


def tone_of(value: Any) -> str:
    """good, bad, warn or quiet: the colour beside a status word."""
    return next((tone for tone, words in TONES.items() if value in words), "quiet")


def tax_name(tax_type: Any) -> str:
    """`vat` → `VAT`, `sales_tax` → `sales tax`."""
    text = str(tax_type)
    return text.upper() if len(text) <= 4 else text.replace("_", " ")


def shown_columns(fact: Fact, reporting: str) -> tuple[Column, ...]:
    """The fact's columns that its rows really have; all of them where none are chosen."""
    chosen = tuple(
        replace(column, label=column.label.replace("{reporting}", reporting.upper()))
        for column in TABLES.get(fact.name, ())
    )
    present = fact.rows[0].keys() if fact.rows else {column.name for column in chosen}
    kept = tuple(column for column in chosen if column.name in present)
    return kept or tuple(Column(name, name.replace("_", " ").capitalize()) for name in present)


def cells(context: ReportContext, fact: Fact) -> list[list[Cell]]:
    """Every row of a fact as text for people."""
    chosen = shown_columns(fact, context.reporting)
    # Where the currency has a column of its own, the amounts need not repeat it.
    bare = any(column.kind == "currency" for column in chosen)
    return [[cell(context, row, column, bare=bare) for column in chosen] for row in fact.rows]


def cell(
    context: ReportContext, row: dict[str, Any], column: Column, *, bare: bool = False
) -> Cell:
    """One value as text for people, in the form of its column."""
    value = row[column.name]
    kind = column.kind
    if value is None or value == "":
        return Cell("–", kind)
    currency = row.get("currency")
    forms: dict[str, Callable[[], str]] = {
        "money": lambda: context.money.text(value, currency, bare=bare),
        "change": lambda: context.money.text(value, currency, sign=True, bare=bare),
        "off": lambda: context.money.text(value, currency, sign=True, bare=bare),
        "reporting": lambda: context.money.text(value, context.reporting, bare=True),
        "currency": lambda: str(value).upper(),
        "count": lambda: money.count(value),
        "percent": lambda: money.percent(value),
        "day": lambda: money.day(value),
        "month": lambda: money.month(value),
        "tax": lambda: tax_name(value),
        "flag": lambda: "yes" if value else "no",
        "words": lambda: str(value).replace("_", " "),
        "status": lambda: str(value).replace("_", " "),
    }
    text = forms[kind]() if kind in forms else str(value)
    tone = tone_of(value) if kind == "status" else ""
    if kind in ("flag", "off") and value:
        tone = "bad"
    return Cell(text, kind, tone)


def rows_as_json(context: ReportContext, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for programs: decimals as exact text, dates and instants as ISO 8601."""
    return [
        {name: _plain(context, name, value, row.get("currency")) for name, value in row.items()}
        for row in rows
    ]


def _plain(context: ReportContext, name: str, value: Any, currency: str | None) -> Any:
    if isinstance(value, Decimal):
        if name.endswith(RATES):
            return f"{value:f}"
        own = context.reporting if name.endswith("_reporting") else currency
        return context.money.plain(value, own) if own else f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
