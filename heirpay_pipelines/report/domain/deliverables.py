"""`deliverables_completed`: what this night really delivered."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report.context import ReportContext

# The tables of the public contract, each a deliverable.
CONTRACT_TABLES = (
    "finance.mrr_monthly", "finance.mrr_movements", "finance.churn_monthly",
    "finance.cohort_retention", "finance.daily_revenue", "finance.payment_method_daily",
    "finance.payment_failures", "finance.tax_transactions", "finance.tax_summary",
    "finance.payout_reconciliation", "finance.balance_reconciliation",
    "finance.reconciliation_breaks", "finance.disputes", "finance.risk_daily",
    "compliance.control_results", "operations.audit_log", "operations.incidents",
    "operations.run_history",
)  # fmt: skip


def deliverables_completed(context: ReportContext, files: list[str]) -> list[dict[str, Any]]:
    """Every table of the contract and every file of this report, complete or not."""
    fact = context.fact("published_tables")
    found = {row["name"]: row for row in fact.rows}
    tables = [
        {
            "deliverable": name,
            "kind": "table",
            **_state(found.get(name)),
            "query": f'heirpay query "select * from {name} limit 100"',
        }
        for name in CONTRACT_TABLES
    ]
    written = [
        {
            "deliverable": name,
            "kind": "file",
            "status": "complete",
            "complete": True,
            "reason": None,
            "rows": None,
            "query": None,
        }
        for name in files
    ]
    return tables + written


def _state(table: dict[str, Any] | None) -> dict[str, Any]:
    """A table without a row is delivered, but shows nothing: it counts neither way."""
    if table is None:
        reason = "the table is not published"
        return {"status": "missing", "complete": False, "reason": reason, "rows": None}
    if not table["rows"]:
        reason = "the table is published and empty: nothing of its kind was there"
        return {"status": "not_applicable", "complete": False, "reason": reason, "rows": 0}
    return {"status": "complete", "complete": True, "reason": None, "rows": table["rows"]}
