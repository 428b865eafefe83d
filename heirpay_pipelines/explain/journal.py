"""The journal explained: a month by account and day, a day by account down to entries, an entry
down to its transaction."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

from heirpay_pipelines.explain.reading import DIGITS, ExplainError, Published, Row, adds_up, exact
from heirpay_pipelines.explain.tree import Node

RULE = "the balance by its net, the fee by itself, the counterpart by the gross amount"


def explain_day(published: Published, day: date, limit: int) -> Node:
    """Every account's debits and credits of a day, with its newest entries.

    Raises ExplainError for a day without entries and for one whose debits are not its credits.
    """
    accounts = published.rows("journal_accounts", date=day)
    if not accounts:
        raise ExplainError(f"finance.journal_entries has no entry on {day}.")
    root = Node(f"Journal of {day}", RULE)
    for code in sorted({row["currency"] for row in accounts}):
        own = [row for row in accounts if row["currency"] == code]
        node = root.add(f"{code}: debits and credits are both {_balanced(published, own, code)}")
        for row in own:
            branch = node.add(
                f"{row['account']} {row['account_name']}:"
                f" debit {_money(published, row['debit'], code)},"
                f" credit {_money(published, row['credit'], code)}",
                f"{row['entries']} entries",
            )
            lines = published.rows(
                "journal_lines", entry=None, date=day, account=row["account"], currency=code
            )
            branch.add_newest([_line(published, line) for line in lines], limit)
    root.add("Follow one: heirpay explain journal --entry txn_...")
    return root


def explain_month(published: Published, month: date, account: str | None) -> Node:
    """Every account's debits and credits of a month by day, or those of one account, and what came
    after the month was closed.

    Raises ExplainError for a month or account without entries, and when days are not the month.
    """
    accounts = published.rows("journal_month", month=month, account=account)
    if not accounts:
        raise ExplainError(
            f"finance.journal_entries has nothing for {account or 'any account'} in {month:%Y-%m}."
        )
    root = Node(f"Journal of {month:%Y-%m}", RULE)
    for code in sorted({row["currency"] for row in accounts}):
        own = [row for row in accounts if row["currency"] == code]
        said = "" if account else f": debits and credits are both {_balanced(published, own, code)}"
        node = root.add(f"{code}{said}")
        for row in own:
            _days(published, node, row, month)
    if late := published.rows("journal_late", month=month, account=account):
        branch = root.add("of it known only after the month was closed", "posted on the day given")
        for line in late:
            branch.add(f"{line['posted_on']} {line['account']} {_line(published, line)}")
    root.add("Follow a day: heirpay explain journal --date 2026-10-31")
    return root


def _days(published: Published, node: Node, row: Row, month: date) -> None:
    code = row["currency"]
    branch = node.add(
        f"{row['account']} {row['account_name']}: debit {_money(published, row['debit'], code)},"
        f" credit {_money(published, row['credit'], code)}",
        f"{row['entries']} entries",
    )
    days = published.rows("journal_days", month=month, account=row["account"], currency=code)
    for side in ("debit", "credit"):
        adds_up(f"the days' {side}s of {row['account']}", (day[side] for day in days), row[side])
    for day in days:
        branch.add(
            f"{day['date']}: debit {_money(published, day['debit'], code)},"
            f" credit {_money(published, day['credit'], code)}",
            f"{day['entries']} entries",
        )


def explain_entry(published: Published, entry: str) -> Node:
    """One entry: its lines, and the balance transaction with its fees and source.

    Raises ExplainError for an unknown entry and for one that does not balance.
    """
    lines = published.rows("journal_lines", entry=entry, date=None, account=None, currency=None)
    if not lines:
        raise ExplainError(
            f"finance.journal_entries has no entry {entry}: an entry is named after its balance"
            " transaction (txn_...)."
        )
    code = lines[0]["currency"]
    root = Node(f"Entry {entry} of {lines[0]['date']}", RULE)
    node = root.add(f"debits and credits are both {_balanced(published, lines, code)}")
    for line in lines:
        node.add(f"{line['account']} {line['account_name']}: {_side(published, line)}")
    for row in published.rows("balance_transaction", entry=entry):
        _transaction(published, root, row)
    return root


def _transaction(published: Published, root: Node, row: Row) -> None:
    code = row["currency"]
    branch = root.add(
        f"{row['id']} {row['type']} of {row['created_at']} UTC: amount"
        f" {published.money(row['amount'], code)}, fee {published.money(row['fee'], code)},"
        f" net {published.money(row['net'], code)}",
        f"reporting category {row['reporting_category']} chooses the account",
    )
    for fee in published.rows("fees", entry=row["id"]):
        branch.add(f"{fee['type']} {published.money(fee['amount'], fee['currency'])}")
    branch.add(f"comes from {row['source_id'] or 'no object'}")
    if row["payout_id"]:
        branch.add(f"paid out by {row['payout_id']}")


def _balanced(published: Published, rows: list[Row], code: str) -> str:
    with localcontext(prec=DIGITS):
        debit = sum((row["debit"] for row in rows), Decimal(0))
        credit = sum((row["credit"] for row in rows), Decimal(0))
    if debit != credit:
        raise ExplainError(
            f"The published rows disagree: debits of {debit:f} {code}, credits of {credit:f}."
            " Run `heirpay run` to build them anew, and report this if it stays."
        )
    return _money(published, debit, code)


def _line(published: Published, row: Row) -> str:
    source = row["source_object"] or "no source"
    return f"{row['entry_id']} {row['category']} {source}: {_side(published, row)}"


def _side(published: Published, row: Row) -> str:
    side = "debit" if row["debit"] else "credit"
    return f"{side} {_money(published, row[side], row['currency'])}"


def _money(published: Published, major: Decimal, code: str) -> str:
    return exact(major, code, published.exponents[code])
