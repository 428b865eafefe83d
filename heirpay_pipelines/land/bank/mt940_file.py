"""SWIFT MT940, through the `mt-940` library: it parses leniently, so what it finds is checked."""

from __future__ import annotations

from datetime import date
from typing import Any

import mt940

from heirpay_pipelines.land.bank.statement import Line, Statement, StatementError, minor_units


def read(data: bytes) -> list[Statement]:
    """Statements of one file, one for each `:20:` message."""
    text = data.decode("utf-8", "replace")
    try:
        found = list(mt940.parse_statements(text))
    except Exception as error:  # noqa: BLE001 - the library raises what its regular expressions do
        raise StatementError(f"not readable as MT940 ({type(error).__name__})") from None
    # A line that the library cannot read is left out without a word.
    if sum(len(statement) for statement in found) != text.count("\n:61:") + text.startswith(":61:"):
        raise StatementError("a booking (:61:) of the file could not be read")
    statements = [_statement(statement) for statement in found if statement.data]
    if not statements:
        raise StatementError("the file holds no MT940 statement")
    return statements


def _statement(found: Any) -> Statement:
    opening = found.data.get("final_opening_balance") or found.data.get(
        "intermediate_opening_balance"
    )
    closing = found.data.get("final_closing_balance") or found.data.get(
        "intermediate_closing_balance"
    )
    if opening is None or closing is None:
        raise StatementError("a statement has no opening (:60:) or closing balance (:62:)")
    currency = str(opening.amount.currency).lower()
    account = str(found.data.get("account_identification") or "")
    return Statement(
        account=account.rpartition("/")[2],
        currency=currency,
        statement_id="/".join(
            str(found.data[name])
            for name in ("statement_number", "sequence_number")
            if found.data.get(name)
        ),
        lines=tuple(_line(entry.data, currency) for entry in found),
        opening=minor_units(opening.amount.amount, currency),
        closing=minor_units(closing.amount.amount, currency),
        first_on=_day(opening.date),
        last_on=_day(closing.date),
    )


def _line(entry: dict[str, Any], currency: str) -> Line:
    references = (entry.get("customer_reference"), entry.get("bank_reference"))
    texts = (entry.get("transaction_details"), entry.get("purpose"), entry.get("extra_details"))
    return Line(
        booked_on=_day(entry.get("entry_date") or entry["date"]),
        value_on=_day(entry["date"]),
        amount=minor_units(entry["amount"].amount, currency),
        reference=" ".join(str(r) for r in references if r and r != "NONREF"),
        description=" ".join(" ".join(str(t).split()) for t in texts if t),
    )


def _day(value: date) -> date:
    return date(value.year, value.month, value.day)
