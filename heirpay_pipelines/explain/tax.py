"""A country's tax of a month explained: published groups, down to documents and their lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, localcontext

from heirpay_pipelines.explain.items import plain
from heirpay_pipelines.explain.reading import DIGITS, ExplainError, Published, Row, adds_up, exact
from heirpay_pipelines.explain.tree import Node

RULE = "liability rises when an invoice is finalised and falls on credit notes, voids and refunds"


def explain_tax(
    published: Published, country: str | None, month: date, currency: str | None, limit: int
) -> Node:
    """The rows of finance.tax_summary for a country and month, each with its newest lines, and what
    of finance.tax_position was collected and refunded. None is tax that names no country.

    Raises ExplainError when there is none, or when a group is not the sum of its lines.
    """
    name = country or "no country"
    groups = published.rows("tax_groups", month=month, country=country, currency=currency)
    position = published.rows("tax_position", month=month, country=country, currency=currency)
    if not groups and not position:
        raise ExplainError(
            f"finance.tax_summary has nothing for {name} in {month:%Y-%m}. Countries are two"
            " letters (DE); `heirpay query` lists what there is."
        )
    root = Node(f"Tax of {name}, {month:%Y-%m}", RULE)
    for code in sorted({row["currency"] for row in groups + position}):
        own = [row for row in groups if row["currency"] == code]
        total = _sum(row["tax_amount"] for row in own)
        node = root.add(f"{_money(published, total, code)} tax in finance.tax_summary")
        for row in own:
            _group(published, node, row, country, month, limit)
        for row in position:
            if row["currency"] == code:
                _position(published, node, row, country, month, limit)
    return root


def _position(
    published: Published, parent: Node, row: Row, country: str | None, month: date, limit: int
) -> None:
    code = row["currency"]
    open_tax = _money(published, row["tax_not_collected"], code)
    node = parent.add(
        "what customers paid and got back of it",
        f"{open_tax} of the month's tax in finance.tax_position was not collected",
    )
    found = published.rows("tax_collected", month=month, country=country, currency=code)
    for direction in ("collected", "refunded"):
        own = [each for each in found if each["direction"] == direction]
        whole = row[f"tax_{direction}"]
        adds_up(
            f"the {len(own)} documents {direction} in {code}",
            (published.major(each["amount"], code) for each in own),
            whole,
        )
        branch = node.add(f"{direction} {_money(published, whole, code)}")
        branch.add_newest(
            [
                f"{each['occurred_on']} {each['document_id']}"
                f" {each['customer_id'] or 'no customer'}: {published.money(each['amount'], code)}"
                for each in own
            ],
            limit,
        )


def _group(
    published: Published, node: Node, group: Row, country: str | None, month: date, limit: int
) -> None:
    code = group["currency"]
    keys = ("region", "tax_type", "rate", "taxability_reason", "is_inclusive", "currency")
    found = published.rows(
        "tax_lines", month=month, country=country, **{key: group[key] for key in keys}
    )
    for measure in ("tax_amount", "taxable_amount"):
        lines = f"{measure} of the {len(found)} lines of {country or 'no country'} in {code}"
        adds_up(lines, (row[measure] for row in found), group[measure])
    region = f"{group['region']} " if group["region"] else ""
    side = "inclusive" if group["is_inclusive"] else "exclusive"
    rate = "no rate" if group["rate"] is None else f"{plain(group['rate'])}%"
    branch = node.add(
        f"{_money(published, group['tax_amount'], code)} {region}{group['tax_type']} {rate}"
        f" {side} on {_money(published, group['taxable_amount'], code)}",
        f"{group['taxability_reason'] or 'no reason given'}; {group['documents']} documents",
    )
    branch.add_newest([tax_line(published, row, code) for row in found], limit)


def tax_line(published: Published, row: Row, code: str) -> str:
    """One tax line: when, what moved, document and line, customer, tax and base."""
    of = f" (supplied {row['supplied_on']})" if row["supplied_on"] != row["occurred_on"] else ""
    rate = f", {row['tax_rate_id']}" if row["tax_rate_id"] else ""
    return (
        f"{row['occurred_on']} {row['movement']} {row['document_id']} {row['line_id'] or ''}"
        f" {row['customer_id'] or 'no customer'}: {_money(published, row['tax_amount'], code)}"
        f" on {_money(published, row['taxable_amount'], code)}{of}{rate}"
    )


def _money(published: Published, major: Decimal, code: str) -> str:
    return exact(major, code, published.exponents[code])


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=DIGITS):
        return sum(amounts, Decimal(0))
