"""ISO 20022 camt.053 (any version): bank to customer statement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from heirpay_pipelines.land.bank.statement import Line, Statement, StatementError, minor_units

OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)


def read(data: bytes) -> list[Statement]:
    """Statements of one file. Entities and DTDs are refused."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise StatementError(f"not well-formed XML ({type(error).__name__}: {error})") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    statements = [_statement(stmt) for stmt in root.iter("Stmt")]
    if not statements:
        raise StatementError("the XML holds no statement (Stmt): it is no camt.053")
    return statements


def _statement(stmt: Element) -> Statement:
    entries = [entry for entry in stmt.findall("Ntry") if _is_booked(entry)]
    balances = {code: balance for balance in stmt.findall("Bal") if (code := _code(balance))}
    currency = (_text(stmt, "Acct/Ccy") or _currency_of(stmt)).lower()
    first, last = _text(stmt, "FrToDt/FrDtTm"), _text(stmt, "FrToDt/ToDtTm")
    return Statement(
        account=_text(stmt, "Acct/Id/IBAN") or _text(stmt, "Acct/Id/Othr/Id"),
        currency=currency,
        statement_id=_text(stmt, "Id"),
        lines=tuple(_line(entry, currency) for entry in entries),
        opening=_balance(balances, OPENING, currency),
        closing=_balance(balances, CLOSING, currency),
        first_on=_date(first) if first else None,
        last_on=_date(last) if last else None,
    )


def _line(entry: Element, currency: str) -> Line:
    amount = entry.find("Amt")
    if amount is None or amount.get("Ccy", "").lower() != currency:
        raise StatementError(f"an entry's amount is missing or not in {currency}")
    booked = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")
    value = _text(entry, "ValDt/Dt") or _text(entry, "ValDt/DtTm")
    references = [
        _text(entry, "AcctSvcrRef"),
        *(node.text or "" for node in entry.iter("EndToEndId")),
        *(node.text or "" for node in entry.iter("TxId")),
        *(node.text or "" for node in entry.iter("MsgId")),
    ]
    texts = [
        _text(entry, "AddtlNtryInf"),
        *(node.text or "" for node in entry.iter("Ustrd")),
        *(_text(party, "Nm") or _text(party, "Pty/Nm") for party in entry.iter("Dbtr")),
    ]
    return Line(
        booked_on=_date(booked),
        value_on=_date(value) if value else None,
        amount=_signed(entry, currency),
        reference=_joined(references),
        description=_joined(texts),
    )


def _is_booked(entry: Element) -> bool:
    """Pending entries are not in the balance. Older versions give the status as text."""
    return (_text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK") == "BOOK"


def _signed(node: Element, currency: str) -> int:
    try:
        amount = minor_units(Decimal(_text(node, "Amt")), currency)
    except InvalidOperation:
        raise StatementError(f"amount {_text(node, 'Amt')!r} is no number") from None
    direction = _text(node, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise StatementError("an amount is neither CRDT nor DBIT")
    return amount if direction == "CRDT" else -amount


def _balance(balances: dict[str, Element], codes: tuple[str, ...], currency: str) -> int | None:
    found = next((balances[code] for code in codes if code in balances), None)
    return None if found is None else _signed(found, currency)


def _code(balance: Element) -> str:
    return _text(balance, "Tp/CdOrPrtry/Cd")


def _currency_of(stmt: Element) -> str:
    amount = stmt.find("Bal/Amt")
    if amount is None:
        amount = stmt.find("Ntry/Amt")
    return "" if amount is None else amount.get("Ccy", "")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise StatementError(f"date {text!r} is no date") from None


def _text(node: Element, path: str) -> str:
    return (node.findtext(path) or "").strip()


def _joined(texts: list[str]) -> str:
    kept = [text.strip() for text in texts if text.strip() not in ("", "NOTPROVIDED")]
    return " ".join(dict.fromkeys(kept))
