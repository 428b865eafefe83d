"""OFX 1 and 2, through `ofxtools`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from ofxtools.Parser import OFXTree

from heirpay_pipelines.land.bank.statement import Line, Statement, StatementError, minor_units


def read(data: bytes) -> list[Statement]:
    """Statements of one file. OFX states no opening balance, so none is verified."""
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper():
        raise StatementError("the file declares a document type or entities: refused")
    tree = OFXTree()
    try:
        tree.parse(BytesIO(data))
        file = tree.convert()
        found = list(file.statements)
    except Exception as error:  # noqa: BLE001 - the library raises many kinds on damaged input
        raise StatementError(f"not readable as OFX ({type(error).__name__}: {error})") from None
    if not found:
        raise StatementError("the file holds no statement")
    return [_statement(statement) for statement in found]


def _statement(found: Any) -> Statement:
    currency = str(found.curdef).lower()
    transactions = list(found.transactions or [])
    span, ledger = found.banktranlist, found.ledgerbal
    account = found.account.acctid
    return Statement(
        account=str(account),
        currency=currency,
        statement_id=f"{account}/{span.dtend.date().isoformat()}",
        lines=tuple(_line(entry, currency) for entry in transactions),
        closing=None if ledger is None else minor_units(ledger.balamt, currency),
        first_on=span.dtstart.date(),
        last_on=span.dtend.date(),
    )


def _line(entry: Any, currency: str) -> Line:
    references = (entry.refnum, entry.checknum, entry.fitid)
    texts = (entry.name, entry.memo)
    return Line(
        booked_on=entry.dtposted.date(),
        value_on=entry.dtavail.date() if entry.dtavail else entry.dtposted.date(),
        amount=minor_units(entry.trnamt, currency),
        reference=" ".join(dict.fromkeys(str(r) for r in references if r)),
        description=" ".join(str(t) for t in texts if t),
    )
