"""OFX 1 (SGML) and 2 (XML): bank and credit card statements.

Read by a scan of its tags, in time that grows with the file: banks' SGML is rarely what a parser
built from the specification accepts (other languages, longer bank ids, no list of bookings).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from html import unescape

from heirpay_pipelines.bank.amounts import either_decimal
from heirpay_pipelines.bank.decoding import text_of
from heirpay_pipelines.bank.statement import (
    Line,
    Statement,
    StatementError,
    known_currency,
    minor_units,
    placed,
)

TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._]{0,63})\s{0,100}(/?)>([^<]*)")
# Nested elements that the reader looks into, or whose own fields are not those of the one around.
AGGREGATES = frozenset((
    "OFX", "STMTTRNRS", "CCSTMTTRNRS", "STMTRS", "CCSTMTRS", "INVSTMTRS", "BANKACCTFROM",
    "CCACCTFROM", "BANKACCTTO", "CCACCTTO", "EXTDBANKACCTTO", "BANKTRANLIST", "STMTTRN",
    "STMTTRNP", "BANKTRANLISTP", "LEDGERBAL", "AVAILBAL", "BALLIST", "BAL", "STATUS", "SONRS",
    "FI", "PAYEE", "EXTDPAYEE", "CURRENCY", "ORIGCURRENCY", "IMAGEDATA",
))  # fmt: skip
STATEMENTS = ("STMTRS", "CCSTMTRS")
WHEN = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:T?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?)?"
    r"[0-9:.,]{0,12}\s{0,3}(?:\[\s?([+-]?[0-9]{1,2})(?:[.:]([0-9]{1,2}))?(?::[^\]]{0,40})?\]|Z)?"
)
CUT = "ask the bank for the file again, it is cut off or damaged"


@dataclass
class Node:
    """An aggregate: its fields by name (the first of each), the aggregates in it, its line."""

    name: str
    line: int
    fields: dict[str, str] = field(default_factory=dict)
    inside: list[Node] = field(default_factory=list)

    def first(self, *names: str) -> Node | None:
        return next((node for node in self.inside if node.name in names), None)

    def every(self, *names: str) -> Iterator[Node]:
        """Aggregates of these names at any depth, in the order of the file."""
        waiting = self.inside[::-1]
        while waiting:
            node = waiting.pop()
            if node.name in names:
                yield node
            else:
                waiting.extend(node.inside[::-1])


def read(data: bytes) -> list[Statement]:
    """Statements of one file. OFX states no opening balance, so none is verified."""
    text = text_of(data)
    upper = text.upper()
    if "<!DOCTYPE" in upper or "<!ENTITY" in upper:
        raise StatementError(
            "the file declares a document type or entities",
            remedy="ask the bank for the file without them",
        )
    if "</OFX>" not in upper:
        raise StatementError("</OFX> is missing at the end", where="last line", remedy=CUT)
    root = _tree(_without_cdata(text))
    found = list(root.every(*STATEMENTS))
    if not found:
        raise _no_statement(root)
    return [_statement(node) for node in found]


def _tree(text: str) -> Node:
    root = Node("", 1)
    open_nodes = [root]
    line, seen_to = 1, 0
    for match in TAG.finditer(text):
        line += text.count("\n", seen_to, match.start())
        seen_to = match.start()
        closes, name, value = match[1], match[2].upper(), match[4].strip()
        if name not in AGGREGATES:
            if not closes and value:
                open_nodes[-1].fields.setdefault(name, unescape(value))
        elif not closes:
            node = Node(name, line)
            open_nodes[-1].inside.append(node)
            if not match[3]:
                open_nodes.append(node)
        elif open_nodes[-1].name == name:
            open_nodes.pop()
        else:
            raise StatementError(f"</{name}> closes what is not open", f"line {line}", CUT)
    if len(open_nodes) > 1:
        raise StatementError(f"<{open_nodes[-1].name}> is not closed", "last line", CUT)
    return root


def _without_cdata(text: str) -> str:
    """CDATA sections as plain text, comments gone. `find` keeps it linear."""
    kept: list[str] = []
    place = 0
    while (start := text.find("<!", place)) >= 0:
        opener, closer = ("<![CDATA[", "]]>") if text.startswith("<![", start) else ("<!--", "-->")
        end = text.find(closer, start + len(opener))
        if not text.startswith(opener, start) or end < 0:
            line = text.count("\n", 0, start) + 1
            raise StatementError("a declaration is not closed", f"line {line}", CUT)
        inner = text[start + len(opener) : end] if opener == "<![CDATA[" else ""
        kept += [text[place:start], inner.replace("&", "&amp;").replace("<", "&lt;")]
        place = end + len(closer)
    return "".join([*kept, text[place:]])


def _no_statement(root: Node) -> StatementError:
    if next(root.every("INVSTMTRS"), None) is not None:
        return StatementError(
            "holds an investment account's statement", remedy="export the bank account's"
        )
    refused = [s for s in root.every("STATUS") if s.fields.get("SEVERITY", "").upper() == "ERROR"]
    if refused:
        return StatementError(
            "the bank answered with an error and no statement",
            f"line {refused[0].line}",
            "export the statement again",
        )
    return StatementError("the file holds no statement (STMTRS)", remedy=CUT)


def _statement(node: Node) -> Statement:
    with placed(f"line {node.line}", CUT):
        currency = known_currency(node.fields.get("CURDEF") or _only_symbol(node))
        holder = node.first("BANKACCTFROM", "CCACCTFROM")
        account = holder.fields.get("ACCTID", "") if holder else ""
        span = node.first("BANKTRANLIST")
        ledger = node.first("LEDGERBAL")
        closing = None
        if ledger is not None and ledger.fields.get("BALAMT"):
            closing = minor_units(either_decimal(ledger.fields["BALAMT"]), currency)
        lines = tuple(_line(entry, currency) for entry in span.every("STMTTRN")) if span else ()
        days = [line.booked_on for line in lines]
        as_of = _optional_day(ledger, "DTASOF")
        first = _optional_day(span, "DTSTART") or min(days, default=as_of)
        last = _optional_day(span, "DTEND") or max(days, default=as_of)
        return Statement(
            account=account,
            currency=currency,
            statement_id=f"{account}/{last.isoformat() if last else ''}",
            lines=lines,
            closing=closing,
            first_on=first,
            last_on=last,
            # A balance of the day of the download may hold bookings that are not listed.
            closes_period=as_of is None or last is None or as_of <= last,
        )


def _only_symbol(node: Node) -> str:
    """The currency that all amounts of a statement name that names none itself."""
    symbols = {of.fields.get("CURSYM", "") for of in node.every("CURRENCY")}
    return symbols.pop() if len(symbols) == 1 else ""


def _line(entry: Node, currency: str) -> Line:
    of = entry.fields
    with placed(f"line {entry.line}", "correct the booking (STMTTRN) with the bank"):
        other = entry.first("CURRENCY")
        if other and other.fields.get("CURSYM", currency).lower() != currency:
            raise StatementError(f"an amount is not in {currency}, the statement's currency")
        posted = of.get("DTPOSTED") or of.get("DTUSER") or ""
        payee = entry.first("PAYEE")
        names = (of.get("NAME"), payee.fields.get("NAME") if payee else None, of.get("EXTDNAME"))
        references = (of.get("REFNUM"), of.get("CHECKNUM"), of.get("FITID"), of.get("SRVRTID"))
        booked_on = _day(posted)
        utc_day = _utc_day(posted)
        return Line(
            booked_on=booked_on,
            value_on=_day(of["DTAVAIL"]) if of.get("DTAVAIL") else booked_on,
            amount=minor_units(either_decimal(of.get("TRNAMT", "")), currency),
            reference=_joined(references),
            description=_joined((*names, of.get("MEMO"))),
            utc_day=utc_day if utc_day != booked_on else None,
        )


def _day(text: str) -> date:
    """The day as it is written: the bank's own, whatever its distance from UTC."""
    found = WHEN.fullmatch(text.strip())
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise StatementError("a date is no date of the form YYYYMMDD")


def _optional_day(node: Node | None, name: str) -> date | None:
    return _day(node.fields[name]) if node and node.fields.get(name) else None


def _utc_day(text: str) -> date | None:
    """UTC's day of the instant, which release 0.1.0 landed."""
    found = WHEN.fullmatch(text.strip())
    if found is None or found[7] is None:
        return None
    hours, minutes = int(found[7]), int(found[8] or 0)
    ahead = timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes)
    try:
        # a distance of more than a day is an error of the file's, too
        clock = [int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6)]
        return datetime(*clock, tzinfo=timezone(ahead)).astimezone(UTC).date()  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None


def _joined(texts: tuple[str | None, ...]) -> str:
    plain = [" ".join(text.split()) for text in texts if text]
    return " ".join(dict.fromkeys(text for text in plain if text))
