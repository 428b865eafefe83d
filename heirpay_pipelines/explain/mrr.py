"""MRR explained: a month's total by customer, a customer's down to price and invoice line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from heirpay_pipelines.explain.items import add_items
from heirpay_pipelines.explain.reading import ExplainError, Published, Row, adds_up, exact
from heirpay_pipelines.explain.tree import Node

COUNTED = (
    "active and past_due subscriptions count; trials, pauses, incomplete and ended ones do not"
)
LEDGER_DECIMALS = Decimal("0.000001")
"""The ledger keeps minor units to six decimals (dbt model int_customer_mrr_daily)."""


def explain_customer(published: Published, customer: str, month: date) -> Node:
    """A customer's MRR at the end of a month, in each currency, down to Stripe's objects.

    Raises ExplainError for a month without figures, a customer who never had MRR by then, and
    rows that do not add up.
    """
    _months(published, month)
    ledger = published.rows("customers", month=month, customer=customer)
    if not ledger:
        raise ExplainError(
            f"{customer} had no MRR by the end of {month:%Y-%m}: no such customer, or only trials,"
            " metered prices or payments outside subscriptions."
        )
    root = Node(f"MRR of {customer}, {month:%Y-%m}")
    movements = published.rows("movements", month=month, customer=customer)
    for row in ledger:
        node = root.add(
            f"{published.published(row['mrr'], row['currency'])} at the end of {row['as_of_date']}",
            COUNTED,
        )
        _figures(published, node, row)
        _movements(published, node, row["currency"], movements)
        _subscriptions(published, node, row, month)
    return root


def explain_total(published: Published, month: date, currency: str | None, limit: int) -> Node:
    """A month's MRR in each currency by customer, the largest `limit` of them line by line.

    Raises ExplainError as explain_customer does.
    """
    months = [row for row in _months(published, month) if currency in (None, row["currency"])]
    if not months:
        raise ExplainError(f"No MRR in {currency} is published for {month:%Y-%m}.")
    ledger = published.rows("customers", month=month, customer=None)
    movements = published.rows("movements", month=month, customer=None)
    root = Node(f"MRR, {month:%Y-%m}")
    for row in months:
        code = row["currency"]
        node = root.add(
            f"{row['mrr']:,f} {code} in finance.mrr_monthly, as of the end of {row['as_of_date']}",
            f"{exact(row['mrr_exact'], code, published.exponents[code])}, rounded half-even",
        )
        if row["mrr_estimated"]:
            node.add(
                f"{row['mrr_estimated']:,f} {code} of it estimated",
                "from invoice lines, for the time before a subscription was first seen",
            )
        _movements(published, node, code, movements)
        customers = [each for each in ledger if each["currency"] == code and each["mrr"]]
        adds_up(
            f"the customers of {month:%Y-%m} in {code}",
            (published.major(each["mrr"], code) for each in customers),
            row["mrr_exact"],
        )
        _customers(published, node, customers, limit)
    root.add(f"Follow one: heirpay explain mrr --customer cus_... --month {month:%Y-%m}")
    return root


def _months(published: Published, month: date) -> list[Row]:
    found = published.rows("months", month=month)
    if not found:
        (known,) = published.rows("month_range")
        if known["first_month"] is None:
            raise ExplainError("No MRR is published: no subscription ever counted.")
        raise ExplainError(
            f"No MRR is published for {month:%Y-%m}: "
            f"months are {known['first_month']:%Y-%m} to {known['last_month']:%Y-%m}."
        )
    return found


def _figures(published: Published, node: Node, row: Row) -> None:
    code = row["currency"]
    node.add(
        f"exactly {published.money(row['mrr'], code)}",
        f"intermediate.int_customer_mrr_daily, unchanged since {row['changed_on']}",
    )
    node.add(f"before any discount: {published.money(row['mrr_list'], code)}", "mrr_list")
    node.add(
        f"less the discounts of one bill, too: {published.money(row['mrr_net_all'], code)}",
        "mrr_net_all",
    )
    if row["mrr_estimated"]:
        node.add(f"of it estimated: {published.money(row['mrr_estimated'], code)}", "mrr_estimated")


def _movements(published: Published, node: Node, code: str, movements: list[Row]) -> None:
    own = [row for row in movements if row["currency"] == code]
    if not own:
        node.add("no movement in the month")
        return
    total = sum((row["mrr_change"] for row in own), Decimal(0))
    branch = node.add(
        f"moved by {published.money(total, code)} in the month",
        "each customer's MRR at a day's end less that at its start",
    )
    for row in own:
        when = row["occurred_on"] or f"{row['movements']} x"
        branch.add(f"{when} {row['movement']} {published.money(row['mrr_change'], code)}")


def _customers(published: Published, node: Node, customers: list[Row], limit: int) -> None:
    branch = node.add(f"{len(customers)} customers, which add up to it exactly")
    for each in customers[:limit]:
        branch.add(f"{each['customer_id']} {published.money(each['mrr'], each['currency'])}")
    if rest := customers[limit:]:
        total = published.money(sum(each["mrr"] for each in rest), rest[0]["currency"])
        branch.add(f"and {len(rest)} more: {total}", "--limit shows more")


def _subscriptions(published: Published, node: Node, row: Row, month: date) -> None:
    code = row["currency"]
    found = published.rows(
        "subscriptions",
        customer=row["customer_id"],
        currency=code,
        as_of_date=row["as_of_date"],
    )
    whole = f"the subscriptions of {row['customer_id']} in {code}"
    adds_up(whole, (each["mrr"] for each in found), row["mrr"], LEDGER_DECIMALS)
    for each in found:
        branch = node.add(f"{each['subscription_id']} {published.money(each['mrr'], code)}")
        branch.add(_standing(each))
        if each["mrr"] or each["mrr_list"]:
            items = add_items(published, branch, each["interval_id"], month, row["as_of_date"])
            whole = f"the items of {each['subscription_id']}"
            adds_up(whole, (item["mrr"] for item in items), each["mrr"])
        _history(published, branch, each["subscription_id"], code, month, row["as_of_date"])


def _standing(row: Row) -> str:
    if row["interval_id"] is None:
        return "nothing: the last bill that tells of it ran out before"
    counts = "counts" if row["is_counted"] else "does not count"
    ending = ", its end is planned (scheduled churn)" if row["is_ending"] else ""
    return f"{row['status']} since {row['starts_at']} UTC: {counts}{ending} ({row['basis']})"


def _history(
    published: Published, node: Node, subscription: str, code: str, month: date, until: date
) -> None:
    branch = node.add(
        "in the month", "observed: events and nightly lists; estimated: invoice lines"
    )
    rows = published.rows("history", subscription=subscription, month=month, as_of_date=until)
    branch.add_newest([_stretch(published, row, code) for row in rows])


def _stretch(published: Published, row: Row, code: str) -> str:
    source = "invoice lines"
    if row["event_id"]:
        source = f"{row['event_type'] or row['source']} {row['event_id']}"
    elif row["basis"] == "observed":
        source = f"listed {row['observed_at']}"
    worth = published.money(row["mrr"], code)
    return f"from {row['starts_at']} UTC {row['status']} {worth} ({row['basis']}: {source})"
