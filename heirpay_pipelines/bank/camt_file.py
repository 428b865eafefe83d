"""ISO 20022 cash management messages, any version: camt.053 (statements), camt.052 (reports of the
running day) and camt.054 (notifications of bookings)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from heirpay_pipelines.bank.amounts import iso_day, plain_decimal
from heirpay_pipelines.bank.decoding import text_of
from heirpay_pipelines.bank.statement import (
    Line,
    Statement,
    StatementError,
    known_currency,
    minor_units,
    placed,
)

KINDS = {"Stmt": "camt.053", "Rpt": "camt.052", "Ntfctn": "camt.054"}
OPENING, CLOSING, BEFORE, BETWEEN = "OPBD", "CLBD", "PRCD", "ITBD"
DECLARATION = re.compile(r"<\?xml[^>]{0,200}\?>")
REFERENCES = frozenset((
    "AcctSvcrRef", "EndToEndId", "TxId", "MsgId", "InstrId", "PmtInfId", "UETR", "MndtId", "ChqNb",
    "ClrSysRef", "Ref", "Nb", "NtryRef", "AcctOwnrTxId", "AcctSvcrTxId", "PrcgId",
))  # fmt: skip
TEXTS = frozenset(("AddtlNtryInf", "Ustrd", "AddtlRmtInf", "AddtlTxInf"))
NO_REFERENCE = frozenset(("", "NOTPROVIDED", "NONREF"))
PAYERS, PAYEES = ("Dbtr", "UltmtDbtr", "InitgPty"), ("Cdtr", "UltmtCdtr")
CUT = "ask the bank for the file again, it is cut off or damaged"


@dataclass(frozen=True)
class Balance:
    code: str
    on: date | None
    amount: int
    currency: str


def read(data: bytes) -> tuple[str, list[Statement]]:
    """The message's kind and the statements in it, one for each account and currency. Entities
    and document types are refused."""
    root = _parsed(data)
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    found = [(name, node) for name in KINDS for node in root.iter(name) if _is_message(node)]
    if not found:
        raise StatementError(
            "the XML holds no statement: it is no camt.053, camt.052 or camt.054",
            remedy="ask the bank for camt.053",
        )
    statements: list[Statement] = []
    for number, (name, node) in enumerate(found, start=1):
        with placed(f"{name} {number}", CUT):
            statements += _by_currency(node, is_final=name == "Stmt")
    return KINDS[found[0][0]], _with_pages(statements)


def _with_pages(statements: list[Statement]) -> list[Statement]:
    """Pages that repeat both balances of one statement, put together."""
    whole: list[Statement] = []
    for page in statements:
        last = whole[-1] if whole else None
        if (
            last is not None
            and last.is_balanced is False
            and replace(last, lines=(), first_on=None, last_on=None)
            == replace(page, lines=(), first_on=None, last_on=None)
        ):
            whole[-1] = replace(last, lines=last.lines + page.lines)
        else:
            whole.append(page)
    return whole


def _parsed(data: bytes) -> Element:
    """The document; what its declaration says of the encoding wrongly is overruled."""
    try:
        return _tree(data.lstrip())
    except (ParseError, LookupError, ValueError) as error:
        first = error
    try:
        text = text_of(data).lstrip()
        declared = DECLARATION.match(text)
        return _tree(text[declared.end() :].lstrip() if declared else text)
    except (ParseError, LookupError, ValueError):
        raise _malformed(first) from None


def _tree(content: bytes | str) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise StatementError(
            "the XML declares a document type or entities",
            remedy="ask the bank for the file without them",
        ) from None
    return root


def _malformed(error: Exception) -> StatementError:
    line, column = getattr(error, "position", (0, 0))
    where = f"line {line}, column {column + 1}" if line else "first line"
    return StatementError("the XML is not well-formed", where, CUT)


def _is_message(node: Element) -> bool:
    """`Rpt` and the like are names of other elements, too: a message has an account."""
    return node.find("Acct") is not None or node.find("Ntry") is not None


def _by_currency(node: Element, is_final: bool) -> Iterator[Statement]:
    own = _text(node, "Acct/Ccy")
    stated = known_currency(own) if own else ""
    balances: dict[str, list[Balance]] = defaultdict(list)
    for element in node.findall("Bal"):
        balance = _balance(element)
        balances[balance.currency].append(balance)
    entries: dict[str, list[tuple[int, Element]]] = defaultdict(list)
    for number, entry in enumerate(node.findall("Ntry"), start=1):
        if _is_booked(entry):
            entries[_currency_of(entry, f"entry {number}")].append((number, entry))
    opened = {currency for currency, of in balances.items() if _opening(of)}
    closed = {currency for currency, of in balances.items() if _closing(of)}
    if is_final and opened and closed and opened != closed:
        raise StatementError(
            f"opening balances are in {_listed(opened)}, closing ones in {_listed(closed)}",
            remedy="ask the bank for a statement whose balances are of one currency",
        )
    stray = sorted(set(entries) - (opened | closed | {stated})) if (opened | closed) else []
    if stray:
        raise StatementError(
            f"an entry is in {stray[0]}, the balances in {_listed(opened | closed)}",
            f"entry {entries[stray[0]][0][0]}",
            "ask the bank for amounts in the account's currency",
        )
    currencies = dict.fromkeys((*([stated] if stated else []), *sorted(opened | closed), *entries))
    held = [c for c in currencies if c in entries or c in opened or c in closed]
    for currency in held or list(currencies):
        yield _statement(node, currency, balances[currency], entries[currency], is_final)


def _statement(
    node: Element,
    currency: str,
    balances: list[Balance],
    entries: list[tuple[int, Element]],
    is_final: bool,
) -> Statement:
    opening, closing = _opening(balances), _closing(balances)
    first, last = _text(node, "FrToDt/FrDtTm"), _text(node, "FrToDt/ToDtTm")
    first_on = iso_day(first) if first else None
    last_on = iso_day(last) if last else None
    if first_on is None and opening and opening.on:
        first_on = opening.on + timedelta(days=1) if opening.code == BEFORE else opening.on
    last_on = last_on or (closing.on if closing else None)
    only = last_on if first_on == last_on else None
    lines = tuple(_line(entry, currency, only, f"entry {number}") for number, entry in entries)
    days = [line.booked_on for line in lines]
    return Statement(
        account=_text(node, "Acct/Id/IBAN") or _text(node, "Acct/Id/Othr/Id"),
        currency=currency,
        statement_id=_text(node, "Id"),
        lines=lines,
        opening=opening.amount if opening else None,
        closing=closing.amount if closing else None,
        first_on=first_on or min(days, default=last_on),
        last_on=last_on or max(days, default=first_on),
        is_final=is_final,
        is_numbered=bool(_text(node, "LglSeqNb") or _text(node, "ElctrncSeqNb")),
    )


def _opening(balances: list[Balance]) -> Balance | None:
    """The first day's opening balance; a page after the first opens with an interim one."""
    for code in (OPENING, BEFORE):
        of = [balance for balance in balances if balance.code == code]
        if of:
            return min(of, key=lambda balance: balance.on or date.max)
    between = [balance for balance in balances if balance.code == BETWEEN]
    closes = any(balance.code == CLOSING for balance in balances)
    return between[0] if between and (closes or len(between) > 1) else None


def _closing(balances: list[Balance]) -> Balance | None:
    of = [balance for balance in balances if balance.code == CLOSING]
    if of:
        return max(reversed(of), key=lambda balance: balance.on or date.min)
    between = [balance for balance in balances if balance.code == BETWEEN]
    return between[-1] if between else None


def _balance(element: Element) -> Balance:
    day = _text(element, "Dt/Dt") or _text(element, "Dt/DtTm")
    amount = element.find("Amt")
    currency = known_currency(amount.get("Ccy", "") if amount is not None else "")
    code = _text(element, "Tp/CdOrPrtry/Cd") or _text(element, "Tp/Cd")
    return Balance(code, iso_day(day) if day else None, _signed(element, currency), currency)


def _currency_of(entry: Element, where: str) -> str:
    amount = entry.find("Amt")
    with placed(where):
        return known_currency(amount.get("Ccy", "") if amount is not None else "")


def _line(entry: Element, currency: str, only: date | None, where: str) -> Line:
    value = _text(entry, "ValDt/Dt") or _text(entry, "ValDt/DtTm")
    booked = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm") or value
    with placed(where):
        booked_on = iso_day(booked) if booked else only
        if booked_on is None:
            raise StatementError("an entry has neither a booking date nor a value date")
        amount = _signed(entry, currency)
        references, texts = _words(entry, amount)
        return Line(
            booked_on=booked_on,
            value_on=iso_day(value) if value else None,
            amount=amount,
            reference=_joined(references),
            description=_joined(texts),
        )


def _words(entry: Element, amount: int) -> tuple[list[str], list[str]]:
    """Every reference of an entry, and its texts with the name of who is on the other side."""
    others: tuple[str, ...] = PAYERS if amount > 0 else PAYEES
    if _text(entry, "RvslInd").lower() in ("true", "1"):
        others = (*PAYERS, *PAYEES)
    references, texts = [], []
    for node in entry.iter():
        said = (node.text or "").strip()
        if node.tag in REFERENCES:
            references.append(said)
        elif node.tag in TEXTS:
            texts.append(said)
        elif node.tag in others:
            texts.append(
                _text(node, "Nm") or _text(node, "Pty/Nm") or _text(node, "Agt/FinInstnId/Nm")
            )
    return references, texts


def _is_booked(entry: Element) -> bool:
    """Pending entries are not in the balance. Older versions give the status as text."""
    return (_text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK") == "BOOK"


def _signed(node: Element, currency: str) -> int:
    amount = minor_units(plain_decimal(_text(node, "Amt")), currency)
    direction = _text(node, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise StatementError("an amount is neither CRDT nor DBIT")
    return amount if direction == "CRDT" else -amount


def _listed(currencies: set[str]) -> str:
    return ", ".join(sorted(currencies))


def _text(node: Element, path: str) -> str:
    return (node.findtext(path) or "").strip()


def _joined(texts: list[str]) -> str:
    kept = [" ".join(text.split()) for text in texts]
    return " ".join(dict.fromkeys(text for text in kept if text not in NO_REFERENCE))
