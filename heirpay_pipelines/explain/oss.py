"""A quarter of the One Stop Shop return explained: currencies and rates, down to tax lines."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from heirpay_pipelines.explain.items import plain
from heirpay_pipelines.explain.reading import DIGITS, ExplainError, Published, Row, adds_up, exact
from heirpay_pipelines.explain.tax import tax_line
from heirpay_pipelines.explain.tree import Node

RULE = "euros at the ECB's rate of the last day of the quarter of the supply"
MICRO, CENT = Decimal("0.000001"), Decimal("0.01")


def quarter_start(text: str) -> date:
    """`2026-Q3` as its first day; ValueError when it is no quarter."""
    year, _, quarter = text.upper().partition("-Q")
    if quarter not in ("1", "2", "3", "4"):
        raise ValueError(text)
    return date(int(year), int(quarter) * 3 - 2, 1)


def explain_oss(published: Published, quarter: date, country: str | None, limit: int) -> Node:
    """The rows of finance.tax_oss_return of a quarter, each with its currencies and newest lines.

    Raises ExplainError when there is none, or when a row is not the sum of its parts.
    """
    groups = published.rows("oss_groups", quarter=quarter, country=country)
    if not groups:
        raise ExplainError(
            f"finance.tax_oss_return has nothing for {country or 'any member state'} in"
            f" {_name(quarter)}; `heirpay query` lists what there is."
        )
    root = Node(f"One Stop Shop, {_name(quarter)}", RULE)
    for group in groups:
        corrects = group["supplied_quarter"] != quarter
        of = f", correction of {_name(group['supplied_quarter'])}" if corrects else ""
        rate = "no rate" if group["rate"] is None else f"{plain(group['rate'])}%"
        node = root.add(
            f"{group['member_state']} {rate}{of}: {exact(group['tax_amount'], 'eur', 2)} tax on"
            f" {exact(group['taxable_amount'], 'eur', 2)}"
        )
        _currencies(published, node, group, quarter, limit)
    return root


def _currencies(published: Published, node: Node, group: Row, quarter: date, limit: int) -> None:
    keys = {
        "quarter": quarter,
        "supplied_quarter": group["supplied_quarter"],
        "country": group["member_state"],
        "rate": group["rate"],
    }
    total = Decimal(0)
    for row in published.rows("oss_supplies", **keys):
        code = row["currency"]
        lines = published.rows("oss_lines", currency=code, **keys)
        adds_up(
            f"the {len(lines)} lines of {group['member_state']} in {code}",
            (line["tax_amount"] for line in lines),
            row["tax_amount"],
        )
        money = exact(row["tax_amount"], code, published.exponents[code])
        if row["units_per_eur"] is None:
            branch = node.add(f"{money}: the ECB publishes no rate; it is not in the return")
        else:
            euros = _euros(row["tax_amount"], row["units_per_eur"])
            total += euros
            rate = plain(row["units_per_eur"])
            day = f" of {row['rate_date']}" if row["rate_date"] else ""
            branch = node.add(f"{money} ÷ {rate}{day} = {exact(euros, 'eur', 2)}")
        branch.add_newest([tax_line(published, line, code) for line in lines], limit)
    adds_up("the currencies", [total], group["tax_amount"], CENT)


def _euros(amount: Decimal, rate: Decimal) -> Decimal:
    with localcontext(prec=DIGITS):
        return (amount / rate).quantize(MICRO, ROUND_HALF_EVEN)


def _name(quarter: date) -> str:
    return f"{quarter.year}-Q{(quarter.month + 2) // 3}"
