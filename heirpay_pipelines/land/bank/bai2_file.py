"""BAI2, through the `bai2` library, which checks the file's own control totals."""

from __future__ import annotations

from datetime import date
from typing import Any

from bai2.bai2 import parse_from_string
from bai2.constants import FundsType

from heirpay_pipelines.land.bank.statement import Line, Statement, StatementError

OPENING_LEDGER, CLOSING_LEDGER = "010", "015"


def read(data: bytes) -> list[Statement]:
    """Statements of one file, one for each account (03) of each group. Amounts are minor units."""
    try:
        file = parse_from_string(data.decode("ascii"))
    except Exception as error:  # noqa: BLE001 - the library raises many kinds on damaged input
        raise StatementError(f"not readable as BAI2 ({type(error).__name__}: {error})") from None
    statements = [
        _statement(group, account) for group in file.children for account in group.children
    ]
    if not statements:
        raise StatementError("the file holds no account (record 03)")
    return statements


def _statement(group: Any, account: Any) -> Statement:
    header = account.header
    balances = {item.type_code.code: item.amount for item in header.summary_items if item.type_code}
    currency = str(header.currency or group.header.currency or "USD").lower()
    as_of: date = group.header.as_of_date
    return Statement(
        account=str(header.customer_account_number or ""),
        currency=currency,
        statement_id=f"{as_of.isoformat()}/{header.customer_account_number}",
        lines=tuple(_line(entry, as_of) for entry in account.children),
        opening=balances.get(OPENING_LEDGER),
        closing=balances.get(CLOSING_LEDGER),
        first_on=as_of,
        last_on=as_of,
    )


def _line(entry: Any, as_of: date) -> Line:
    sign = -1 if entry.type_code.transaction.value == "debit" else 1
    value_on = as_of
    if entry.funds_type is FundsType.value_dated and entry.availability.get("date"):
        value_on = entry.availability["date"]
    references = (entry.bank_reference, entry.customer_reference)
    return Line(
        booked_on=as_of,
        value_on=value_on,
        amount=sign * (entry.amount or 0),
        reference=" ".join(r for r in references if r),
        description=" ".join((entry.text or "").split()),
    )
