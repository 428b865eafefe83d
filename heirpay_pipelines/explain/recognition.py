"""Recognised and deferred revenue explained: a month down to lines, a document month by month."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from heirpay_pipelines.explain.reading import ExplainError, Published, Row, adds_up
from heirpay_pipelines.explain.tree import Node

RULE = (
    "a line's amount after discounts and without tax, by the days of its service period;"
    " days before the billing count in the month of billing"
)
MEASURES = ("billed", "recognised", "deferred_end")


def explain_recognition(
    published: Published, month: date, currency: str | None, limit: int
) -> Node:
    """A month of finance.revenue_recognition, down to the lines of its documents.

    Raises ExplainError when the month has none, and for lines that do not add up to it.
    """
    figures = published.rows("recognition_figures", month=month, currency=currency)
    if not figures:
        raise ExplainError(f"finance.revenue_recognition has nothing for {month:%Y-%m}.")
    root = Node(f"Recognised and deferred revenue, {month:%Y-%m}", RULE)
    for row in figures:
        code = row["currency"]
        node = root.add(
            f"deferred {published.figure(row['deferred_start'], code)}"
            f" + billed {published.figure(row['billed'], code)}"
            f" - recognised {published.figure(row['recognised'], code)}"
            f" = deferred {published.figure(row['deferred_end'], code)}"
        )
        entries = published.rows("recognition_entries", month=month, currency=code)
        for measure in MEASURES:
            _measure(published, node, row, measure, entries, limit)
    root.add("Follow one: heirpay explain recognition --document in_...")
    return root


def explain_document(published: Published, document: str) -> Node:
    """One invoice, credit note or refund: each line, and what each month recognises of it.

    Raises ExplainError for a document that bills nothing, and for months that do not add up.
    """
    rows = published.rows("recognition_document", document=document)
    if not rows:
        raise ExplainError(
            f"{document} bills no revenue: no invoice (in_...), credit note (cn_...) or refund"
            " (re_...) of it was finalised by then."
        )
    root = Node(f"Revenue of {document}", RULE)
    for _, found in groupby(rows, key=lambda row: str(row["entry_id"])):
        months = list(found)
        entry, code = months[0], months[0]["currency"]
        branch = root.add(_named(published, entry, code))
        for row in months:
            branch.add(f"{row['month']:%Y-%m} {published.money(row['recognised'], code)}")
        served = sum(row["recognised"] for row in months)
        if left := entry["amount"] - served:
            branch.add(f"still deferred {published.money(left, code)}")
    return root


def _measure(
    published: Published, node: Node, figures: Row, measure: str, entries: list[Row], limit: int
) -> None:
    code = figures["currency"]
    own = sorted(
        (row for row in entries if row[measure]),
        key=lambda row: (-abs(row[measure]), row["document_id"], row["line_id"]),
    )
    amounts = (published.major(row[measure], code) for row in own)
    adds_up(f"the lines of {measure} in {code}", amounts, figures[measure])
    branch = node.add(f"{measure} {published.figure(figures[measure], code)} of {len(own)} lines")
    for row in own[:limit]:
        branch.add(
            f"{published.money(row[measure], code)} of {_named(published, row, code)}",
        )
    if rest := own[limit:]:
        total = published.money(sum(row[measure] for row in rest), code)
        branch.add(f"and {len(rest)} more: {total}", "--limit shows more")


def _named(published: Published, row: Row, code: str) -> str:
    until = row["served_until"] - timedelta(days=1)
    days = (row["served_until"] - row["served_from"]).days
    line = "" if row["line_id"] == row["document_id"] else f"{row['line_id']} of "
    voided = ", voided" if row["entry"] == "voided" else ""
    return (
        f"{line}{row['document_id']} ({row['document_type']}{voided}, {row['kind']}):"
        f" {published.money(row['amount'], code)} on {row['booked_on']}"
        f" for {row['served_from']} to {until} ({days} days)"
    )
