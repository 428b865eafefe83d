"""`revenue_metrics` and `fraud_detection_metrics`."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report import figures
from heirpay_pipelines.report.as_json import rows_as_json
from heirpay_pipelines.report.context import ReportContext, ratio, source
from heirpay_pipelines.report.reading import Fact

REVENUE = (
    "mrr_now",
    "movements_of_month",
    "movements_largest",
    "churn",
    "revenue_by_flow",
    "deferred_revenue",
    "scheduled_churn",
    "scheduled_changes",
    "tax_by_jurisdiction",
    "tax_warnings",
    "payouts_by_state",
    "balance",
)
FRAUD = (
    "risk",
    "risk_programmes",
    "fraud_warnings",
    "disputes_summary",
    "disputes_open",
    "payment_failures",
    "recovery",
    "dunning",
    "risk_forecast",
    "risk_scores",
    "card_testing",
    "failure_anomalies",
)


def revenue_metrics(context: ReportContext, known: list[figures.Figure]) -> dict[str, Any]:
    """The key figures with their causes, and the tables that they are made of."""
    return {
        "key_figures": [figures.as_json(context, figure) for figure in known],
        **{name: fact_as_json(context, context.fact(name)) for name in REVENUE},
    }


def fraud_detection_metrics(context: ReportContext) -> dict[str, Any]:
    """Ratios against the networks' thresholds, warnings, disputes, failures and win rate."""
    disputes = context.fact("disputes_summary")
    won = sum(int(row["won"]) for row in disputes.rows)
    lost = sum(int(row["lost"]) for row in disputes.rows)
    rate = ratio(won, won + lost)
    return {
        "dispute_win_rate": None if rate is None else f"{rate:f}",
        "disputes_decided": won + lost,
        **{name: fact_as_json(context, context.fact(name)) for name in FRAUD},
    }


def fact_as_json(context: ReportContext, fact: Fact) -> dict[str, Any]:
    """A fact with its rows in exact text and where they come from."""
    return {
        "title": fact.title,
        "not_available": fact.missing,
        "rows": rows_as_json(context, fact.rows),
        **source(fact),
    }
