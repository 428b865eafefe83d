"""One item's MRR explained: price, quantity, discounts, tax, interval, and its invoice lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

from heirpay_pipelines.explain.reading import DIGITS, Published, Row
from heirpay_pipelines.explain.tree import Node

PERIODS_PER_YEAR = {"year": 1, "month": 12, "week": 52, "day": 365}


def add_items(
    published: Published, node: Node, interval: str, month: date, as_of_date: date
) -> list[Row]:
    """Add the items of an interval below `node`, each with what made it; return their rows."""
    items = published.rows("items", interval=interval)
    for item in items:
        named = f" {item['product_name']}" if item["product_name"] else ""
        worth = published.money(item["mrr"], item["currency"])
        branch = node.add(
            f"{item['subscription_item_id']}{named} {worth}", formula(published, item)
        )
        if not item["is_priced"]:
            branch.add(f"{item['price_id']} has no amount in {item['currency']}: counted as 0")
            continue
        _price(published, branch, item)
        _discounts(published, branch, interval, item)
        _tax(published, branch, interval, item)
        _invoice_lines(published, branch, item, month, as_of_date)
    return items


def formula(published: Published, item: Row) -> str:
    """How the amount of one period became an amount per month, as one line of arithmetic."""
    interval, count = item["recurring_interval"], item["interval_count"]
    if not item["is_priced"]:
        return "not priced"
    amount = published.money(item["lasting_amount"], item["currency"]).split(" ")[0]
    taxed = ""
    if item["inclusive_percentage"]:
        taxed = f" ÷ (1 + {plain(item['inclusive_percentage'])}%)"
    if interval == "month":
        spread = f" ÷ {count} months" if count > 1 else ""
    else:
        years = f"{count} x 12" if count > 1 else "12"
        spread = f" x {PERIODS_PER_YEAR[interval]} ÷ {years}"
    if not spread and not taxed:
        return f"{amount} a month"
    return f"{amount} a period{spread}{taxed}"


def plain(number: Decimal) -> str:
    """A number without the zeros that follow its last digit."""
    with localcontext(prec=DIGITS):
        text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _price(published: Published, node: Node, item: Row) -> None:
    code = item["currency"]
    count = item["interval_count"]
    every = f"{count} {item['recurring_interval']}s" if count > 1 else item["recurring_interval"]
    quantity = f"quantity {plain(Decimal(item['quantity']))}"
    if item["transform_divide_by"]:
        quantity += (
            f", in packages of {item['transform_divide_by']} rounded {item['transform_round']}"
        )
    if item["billing_scheme"] == "tiered":
        priced = f"{item['tiers_mode']} tiers"
    else:
        priced = f"{published.money(item['unit_amount_decimal'], code)} each"
    product = f" of {item['product_id']}" if item["product_id"] else ""
    branch = node.add(
        f"{item['price_id']}{product}: {priced}, {quantity}, every {every}"
        f" = {published.money(item['list_amount'], code)}"
    )
    if item["billing_scheme"] == "tiered":
        for tier in published.rows("tiers", price=item["price_id"], currency=code):
            branch.add(_tier(published, tier, code))


def _tier(published: Published, tier: Row, code: str) -> str:
    upper = tier["up_to_quantity"]
    reach = f"{tier['over_quantity'] + 1} to {upper}" if upper else f"over {tier['over_quantity']}"
    flat = tier["flat_amount_decimal"]
    added = f" and {published.money(flat, code)} flat" if flat else ""
    return f"{reach}: {published.money(tier['unit_amount_decimal'], code)} each{added}"


def _discounts(published: Published, node: Node, interval: str, item: Row) -> None:
    code = item["currency"]
    found = published.rows("discounts", interval=interval, item=item["subscription_item_id"])
    if not found:
        return
    branch = node.add(
        f"discounted to {published.money(item['lasting_amount'], code)} a period",
        "percentages first, then fixed amounts, spread over the items in proportion",
    )
    for row in found:
        if row["percent_off"] is not None:
            less = f"{plain(row['percent_off'])}%"
        else:
            less = published.money(row["amount_off"], code)
        until = f" until {row['ends_at']}" if row["ends_at"] else ""
        code_of = f" by {row['promotion_code_id']}" if row["promotion_code_id"] else ""
        headline = ", in mrr_net_all only" if row["duration"] == "once" else ""
        branch.add(
            f"{row['discount_id']} ({row['coupon_id']}{code_of}): less {less},"
            f" {row['duration']}{until}{headline}"
        )


def _tax(published: Published, node: Node, interval: str, item: Row) -> None:
    if not item["inclusive_percentage"]:
        node.add("no tax in the price", f"tax_behavior {item['tax_behavior'] or 'unspecified'}")
        return
    for rule in published.rows("tax_rule", interval=interval, item=item["subscription_item_id"]):
        rates = f" ({rule['tax_rate_ids']})" if rule["tax_rate_ids"] else ""
        node.add(
            f"the price contains {plain(rule['percentage'])}% tax{rates}",
            f"as {rule['line_id']} of {rule['invoice_id']} applied it",
        )


def _invoice_lines(
    published: Published, node: Node, item: Row, month: date, as_of_date: date
) -> None:
    found = published.rows(
        "invoice_lines", item=item["subscription_item_id"], month=month, as_of_date=as_of_date
    )
    branch = node.add("billed for a time in the month" if found else "no bill touches the month")
    branch.add_newest([_invoice_line(published, row) for row in found])


def _invoice_line(published: Published, row: Row) -> str:
    code = row["currency"]
    less = row["discount_amount"]
    discount = f", less {published.money(less, code)} discount" if less else ""
    proration = ", a proration (moves no MRR)" if row["is_proration"] else ""
    return (
        f"{row['line_id']} of {row['invoice_id']} ({row['number'] or 'no number'},"
        f" {row['status']}): {row['price_id']} x {row['quantity']},"
        f" {row['period_starts_on']} to {row['period_ends_on']},"
        f" {published.money(row['amount'], code)}{discount}{proration}"
    )
