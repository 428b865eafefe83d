"""Churn and retention explained: the rates of a month, down to who moved and why they left."""

from __future__ import annotations

from datetime import date

from heirpay_pipelines.explain.reading import ExplainError, Published, Row, adds_up
from heirpay_pipelines.explain.tree import Node

KINDS = {
    "new": "mrr_new",
    "reactivation": "mrr_reactivation",
    "expansion": "mrr_expansion",
    "contraction": "mrr_contraction",
    "churn": "mrr_churned",
}
"""Movements and the column of finance.churn_monthly that sums their amounts."""
COUNTS = {
    "new": "customers_new",
    "reactivation": "customers_reactivated",
    "churn": "customers_churned",
}


def explain_churn(published: Published, month: date, currency: str | None, limit: int) -> Node:
    """The rates of finance.churn_monthly and the movements that they are made of.

    Raises ExplainError when the month has none, and for movements that do not add up to it.
    """
    figures = published.rows("churn_figures", month=month, currency=currency)
    if not figures:
        raise ExplainError(f"finance.churn_monthly has nothing for {month:%Y-%m}.")
    root = Node(f"Churn and retention, {month:%Y-%m}")
    for row in figures:
        node = root.add(
            f"{row['customers_start']} {row['currency']} customers at the start"
            f" + {row['customers_new']} new + {row['customers_reactivated']} reactivated"
            f" - {row['customers_churned']} churned = {row['customers_end']}"
        )
        _rates(published, node, row)
        moved = published.rows("churn_movements", month=month, currency=row["currency"])
        for kind in KINDS:
            _movements(published, node, row, kind, moved, limit)
    root.add(f"Follow one: heirpay explain mrr --customer cus_... --month {month:%Y-%m}")
    return root


def _rates(published: Published, node: Node, row: Row) -> None:
    code = row["currency"]
    churned, start = row["customers_churned"], row["customers_start"]
    named = {
        name: published.figure(row[f"mrr_{name}"], code)
        for name in ("start", "new", "expansion", "contraction", "churned", "end")
    }
    lost = f"contraction {named['contraction']} + churn {named['churned']}"
    of_start = f"÷ {named['start']} at the start"
    lost_of_start = f"{published.figure(row['mrr_lost_of_start'], code)} lost"
    gained = f"{published.figure(row['mrr_gained_of_start'], code)} gained"
    rates = {
        "customer_churn_rate": f"{churned} churned ÷ ({start} + {row['customers_new']} new)",
        "customer_churn_rate_plain": f"{row['customers_lost']} of the start left ÷ {start}",
        "gross_mrr_churn_rate": f"{lost_of_start} of the customers of the start {of_start}",
        "net_mrr_churn_rate": f"({lost_of_start} - {gained} of the same) {of_start}",
        "gross_revenue_retention": "1 - gross_mrr_churn_rate",
        "net_revenue_retention": "1 - net_mrr_churn_rate",
        "quick_ratio": f"(new {named['new']} + expansion {named['expansion']}) ÷ ({lost})",
        "arpa": f"MRR {named['end']} ÷ {row['customers_end']} customers at the end",
        "ltv": "arpa ÷ customer_churn_rate, not rounded in between",
    }
    for name, rule in rates.items():
        node.add(f"{name} {_stated(published, name, row)}", rule)


def _stated(published: Published, name: str, row: Row) -> str:
    if row[name] is None:
        return "none: nothing to divide by"
    if name in ("arpa", "ltv"):
        return published.figure(row[name], row["currency"])
    return f"{row[name]:f}"


def _movements(
    published: Published, node: Node, figures: Row, kind: str, moved: list[Row], limit: int
) -> None:
    code = figures["currency"]
    own = [row for row in moved if row["movement"] == kind]
    whole = f"the customers of {kind} in {code}"
    amounts = [published.major(abs(row["mrr_change"]), code) for row in own]
    adds_up(whole, amounts, figures[KINDS[kind]], published.unit(code))
    if kind in COUNTS and len(own) != figures[COUNTS[kind]]:
        raise ExplainError(f"The published rows disagree: {whole} are {len(own)} in movements.")
    branch = node.add(
        f"{kind} {published.figure(figures[KINDS[kind]], code)} of {len(own)} movements"
    )
    for row in own[:limit]:
        branch.add(
            f"{row['occurred_on']} {row['customer_id']}"
            f" {published.money(row['mrr_before'], code)} to"
            f" {published.money(row['mrr_after'], code)}",
            _reason(row) if kind == "churn" else None,
        )
    if len(own) > limit:
        branch.add(f"and {len(own) - limit} more", "--limit shows more")


def _reason(row: Row) -> str:
    """Why a customer left: what ended, on whose wish, and the bill that stood unpaid."""
    parts = [row["churn_kind"] or "voluntary", row["subscription_id"]]
    if row["cancellation_reason"]:
        parts.append(row["cancellation_reason"])
    if row["unpaid_invoice_id"]:
        parts.append(f"{row['unpaid_invoice_id']} was unpaid")
    return ", ".join(part for part in parts if part)
