"""Usage MRR explained: metered items, the billed periods each is the mean of, their invoices."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import groupby

from heirpay_pipelines.explain.reading import DIGITS, ExplainError, Published, Row, adds_up
from heirpay_pipelines.explain.tree import Node

RULE = "metered items: the mean of the last three full invoiced periods of each, not part of MRR"
KEPT = Decimal("0.000000000001")
"""A mean keeps minor units to twelve decimals (dbt model usage_mrr_monthly)."""


def explain_usage(published: Published, month: date, currency: str | None) -> Node:
    """The rows of finance.usage_mrr_monthly for a month, item by item, down to invoices.

    Raises ExplainError when there is none, or when the items do not add up to the figure.
    """
    figures = published.rows("usage_figures", month=month, currency=currency)
    if not figures:
        raise ExplainError(
            f"finance.usage_mrr_monthly has nothing for {month:%Y-%m}: no metered price was billed"
            " by then."
        )
    root = Node(f"Usage MRR, {month:%Y-%m}", RULE)
    for figure in figures:
        _currency(published, root, figure, month)
    return root


def _currency(published: Published, root: Node, figure: Row, month: date) -> None:
    code = figure["currency"]
    node = root.add(f"{figure['usage_mrr']:,f} {code} in finance.usage_mrr_monthly")
    rows = published.rows("usage_periods", month=month, currency=code)
    items = groupby(rows, key=lambda row: str(row["subscription_item_id"]))
    means = [_item(published, node, code, list(periods)) for _, periods in items]
    adds_up(
        f"the metered items of {month:%Y-%m} in {code}",
        (published.major(mean, code) for mean in means),
        figure["usage_mrr"],
        published.unit(code),
    )


def _item(published: Published, node: Node, code: str, periods: list[Row]) -> Decimal:
    """One metered item with its counted periods; returns its mean in minor units a month."""
    with localcontext(prec=DIGITS):
        whole = sum((row["monthly_amount"] for row in periods), Decimal(0))
        mean = (whole / len(periods)).quantize(KEPT, ROUND_HALF_EVEN)
    first = periods[0]
    branch = node.add(
        f"{first['customer_id']} {first['subscription_id']} {first['subscription_item_id']}"
        f" {published.money(mean, code)}",
        f"mean of {len(periods)}",
    )
    for row in periods:
        branch.add(
            f"{row['starts_on']} to {row['ends_on']}: {published.money(row['amount'], code)} billed"
            f" by {row['invoice_ids']}",
            f"{published.money(row['monthly_amount'], code)} a month",
        )
    return mean
