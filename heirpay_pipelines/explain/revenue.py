"""A day's revenue explained: the figures of finance.daily_revenue down to balance transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from heirpay_pipelines.explain.reading import ExplainError, Published, Row, adds_up
from heirpay_pipelines.explain.tree import Node

RULE = "as the balance sees it, by reporting category: refunds, disputes and fees are negative"
FIGURES = ("gross_volume", "refunds", "disputes", "dispute_reversals", "fees", "other")


def explain_revenue(published: Published, day: date, currency: str | None, limit: int) -> Node:
    """A day of finance.daily_revenue in each currency, down to balance transactions.

    Raises ExplainError when the day has none, and for transactions that do not add up to it.
    """
    figures = published.rows("revenue_figures", date=day, currency=currency)
    if not figures:
        raise ExplainError(f"finance.daily_revenue has nothing for {day}.")
    root = Node(f"Revenue of {day}", RULE)
    for row in figures:
        code = row["currency"]
        node = root.add(
            f"net volume {published.figure(row['net_volume'], code)} = {' + '.join(FIGURES)}"
        )
        found = published.rows("revenue_transactions", date=day, currency=code)
        for figure in FIGURES:
            _figure(published, node, row, figure, found, limit)
    root.add("Follow one: heirpay explain journal --entry txn_...")
    return root


def _figure(
    published: Published, node: Node, figures: Row, figure: str, found: list[Row], limit: int
) -> None:
    code = figures["currency"]
    own = [(row, _part(figure)(row)) for row in found]
    own = [(row, part) for row, part in own if part]
    amounts = (published.major(part, code) for _, part in own)
    adds_up(f"the transactions of {figure} in {code}", amounts, figures[figure])
    if not own:
        return
    branch = node.add(
        f"{figure} {published.figure(figures[figure], code)} of {len(own)} transactions"
    )
    for row, part in own[:limit]:
        source = row["source_id"] or "no source"
        branch.add(f"{row['ledger_id']} {row['category']} {source}: {published.money(part, code)}")
    if rest := own[limit:]:
        total = published.money(sum(part for _, part in rest), code)
        branch.add(f"and {len(rest)} more: {total}", "--limit shows more")


def _part(figure: str) -> Callable[[Row], int]:
    """What a transaction adds to a figure; each one's own fee is part of the fees."""

    def part(row: Row) -> int:
        amount = int(row["amount"]) if row["figure"] == figure else 0
        return amount - int(row["fee"]) if figure == "fees" else amount

    return part
