"""SWIFT MT940 and MT950 (statements) and MT942 (bookings of the running day).

A line that begins no field belongs to the field before it; a field that a statement needs and that
cannot be read is an error, never left out.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date

from heirpay_pipelines.bank.amounts import either_decimal
from heirpay_pipelines.bank.decoding import lines_of, text_of
from heirpay_pipelines.bank.mt940_details import NO_REFERENCE, understood
from heirpay_pipelines.bank.statement import (
    Line,
    Statement,
    StatementError,
    known_currency,
    minor_units,
    placed,
)

TAG = re.compile(r":([0-9]{2}[A-Z]?|NS):")
BLOCK = re.compile(r"\{[1-5]:.*\{4:(?=:)")
BALANCE = re.compile(r"([CD])([0-9]{6})([A-Za-z]{3})([0-9.,]{1,20})")
BOOKING = re.compile(
    r"([0-9]{6})([0-9]{4})?\s?(R?[CD]|E[CD])([A-Za-z])?([0-9.,]{1,22})"
    r"(?:\s?([A-Za-z][A-Za-z0-9 ]{3})(.*)|\s*)",
    re.DOTALL,
)
NUMBER = re.compile(r"\s*([0-9]{1,7})(?:/([0-9]{1,7}))?")
SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}
CUT = "ask the bank for the file again, it is cut off or damaged"


@dataclass
class Field:
    """One field: its tag, the line of the file that it begins on, its physical lines."""

    tag: str
    line: int
    lines: list[str]

    @property
    def text(self) -> str:
        return self.lines[0].strip()


@dataclass(frozen=True)
class Balance:
    amount: int
    currency: str
    on: date
    is_page: bool
    """An intermediate balance (`M`): the statement goes on on another page."""


@dataclass
class Booking:
    """A `:61:` with the `:86:` (or the bank's own `:NS:`) that follow it."""

    entry: Field
    details: list[str] = field(default_factory=list)


@dataclass
class Message:
    """The fields of one statement, or of one page of it."""

    line: int
    account: str = ""
    number: str = ""
    sequence: str = ""
    opening: Balance | None = None
    closing: Balance | None = None
    floor_currency: str = ""
    bookings: list[Booking] = field(default_factory=list)

    def is_empty(self) -> bool:
        return not (self.account or self.opening or self.closing or self.bookings)


def read(data: bytes) -> list[Statement]:
    """Statements of one file; pages of one statement are put together."""
    messages = [m for m in _messages(_fields(text_of(data))) if not m.is_empty()]
    if not messages:
        raise StatementError("the file holds no MT940 statement", remedy=CUT)
    pages = [(message, _statement(message)) for message in messages]
    found: list[Statement] = []
    last: Message | None = None
    for message, statement in pages:
        if last is not None and _is_next_page(last, message):
            found[-1] = _with_page(found[-1], statement, message)
        else:
            found.append(statement)
        last = message
    return found


def _fields(text: str) -> list[Field]:
    found: list[Field] = []
    for number, line in enumerate(lines_of(text), start=1):
        plain = line.strip("\x01\x02\x03").rstrip()
        block = BLOCK.match(plain)
        plain = plain[block.end() :] if block else plain
        tag = TAG.match(plain)
        if tag:
            found.append(Field(tag[1], number, [plain[tag.end() :]]))
        elif plain in ("-", "") or plain.startswith(("-}", "{")):
            if plain and found:
                found.append(Field("-", number, [""]))
        elif found and found[-1].tag != "-":
            found[-1].lines.append(plain)
    return found


def _messages(fields: list[Field]) -> list[Message]:
    found: list[Message] = []
    for item in fields:
        with placed(f"line {item.line}", CUT):
            _take(found, item)
    return found


def _take(found: list[Message], item: Field) -> None:
    tag = item.tag
    # Banks put several statements into one message: `:25:` or `:60:` after a closing balance.
    begins = tag == "20" or (
        tag in ("25", "25P", "60F", "60M") and (not found or found[-1].closing is not None)
    )
    if begins and not (found and found[-1].is_empty()):
        account = found[-1].account if found and tag in ("60F", "60M") else ""
        found.append(Message(item.line, account))
    if not found:
        if tag in ("61", "62F", "62M"):
            raise StatementError("a booking or balance stands before any account (:25:)")
        return
    now = found[-1]
    if tag in ("25", "25P"):
        now.account = item.text.rpartition("/")[2].strip()
    elif tag in ("28", "28C"):
        number = NUMBER.match(item.text)
        now.number, now.sequence = (number[1], number[2] or "") if number else ("", "")
    elif tag in ("60F", "60M"):
        if now.opening is not None or now.bookings:
            raise StatementError("a second opening balance (:60:) stands inside a statement")
        now.opening = _balance(item)
    elif tag in ("62F", "62M"):
        if now.closing is not None:
            raise StatementError("a second closing balance (:62:) stands in a statement")
        now.closing = _balance(item)
    elif tag == "34F":
        now.floor_currency = item.text[:3]
    elif tag == "61":
        if now.closing is not None:
            raise StatementError("a booking (:61:) stands after the closing balance (:62:)")
        now.bookings.append(Booking(item))
    elif tag in ("86", "NS") and now.bookings and now.closing is None:
        now.bookings[-1].details += item.lines


def _balance(item: Field) -> Balance:
    found = BALANCE.fullmatch(item.text.replace(" ", ""))
    if found is None:
        raise StatementError(f"a balance (:{item.tag}:) cannot be read")
    currency = known_currency(found[3])
    amount = minor_units(either_decimal(found[4]), currency)
    signed = amount if found[1] == "C" else -amount
    return Balance(signed, currency, _day(found[2]), item.tag.endswith("M"))


def _statement(message: Message) -> Statement:
    where = f"line {message.line}"
    opening, closing = message.opening, message.closing
    is_final = bool(opening or closing) or not message.floor_currency
    if closing is None and is_final:
        raise StatementError("a statement has no closing balance (:62:)", where, CUT)
    if not message.account:
        raise StatementError("a statement names no account (:25:)", where, CUT)
    if opening and closing and opening.currency != closing.currency:
        raise StatementError(
            f"the opening balance is in {opening.currency}, the closing one in {closing.currency}",
            where,
            "ask the bank for a statement of one currency",
        )
    currency = closing.currency if closing else known_currency(message.floor_currency)
    lines = tuple(_line(booking, currency) for booking in message.bookings)
    days = [line.booked_on for line in lines]
    first = opening.on if opening else min(days, default=closing.on if closing else None)
    return Statement(
        account=message.account,
        currency=currency,
        statement_id="/".join(n for n in (message.number, message.sequence) if n),
        lines=lines,
        opening=opening.amount if opening else None,
        closing=closing.amount if closing else None,
        first_on=first,
        last_on=closing.on if closing else max(days, default=None),
        is_final=is_final,
        is_numbered=bool(message.number.strip("0")),
    )


def _is_next_page(last: Message, message: Message) -> bool:
    return (
        last.closing is not None
        and last.closing.is_page
        and message.opening is not None
        and message.opening.is_page
        and last.account == message.account
        and last.number == message.number
    )


def _with_page(whole: Statement, page: Statement, message: Message) -> Statement:
    if (whole.closing, whole.currency) != (page.opening, page.currency):
        raise StatementError(
            "a page opens otherwise than the one before it closed: a page is missing",
            f"line {message.line}",
            "ask the bank for all pages of the statement",
        )
    lines = whole.lines + page.lines
    return replace(whole, lines=lines, closing=page.closing, last_on=page.last_on)


def _line(booking: Booking, currency: str) -> Line:
    with placed(f"line {booking.entry.line}", CUT):
        more_lines = booking.entry.lines[1:]
        found = BOOKING.fullmatch(booking.entry.text)
        if found is None and more_lines:  # a bank that breaks the field within its amount
            found = BOOKING.fullmatch(booking.entry.text + more_lines.pop(0).strip())
        if found is None:
            raise StatementError("a booking (:61:) cannot be read")
        if found[3] not in SIGNS:
            raise StatementError("a booking is expected (EC, ED), not booked")
        value_on = _day(found[1])
        amount = SIGNS[found[3]] * minor_units(either_decimal(found[5]), currency)
        customer, _, bank = (found[7] or "").partition("//")
        more, text = understood(booking.details) if booking.details else ([], "")
        references = [customer.strip(), bank.strip(), *more]
        supplement = " ".join(more_lines)
        return Line(
            booked_on=_entry_day(found[2], value_on) if found[2] else value_on,
            value_on=value_on,
            amount=amount,
            reference=" ".join(dict.fromkeys(r for r in references if r not in NO_REFERENCE)),
            description=" ".join(f"{text} {supplement}".split()),
        )


def _day(text: str) -> date:
    year = int(text[:2])
    day = _of(2000 + year if year < 80 else 1900 + year, text[2:])
    if day is None:
        raise StatementError("a date is no date of the form YYMMDD")
    return day


def _entry_day(text: str, value_on: date) -> date:
    """The booking's day, given without its year: the year that brings it nearest to the value
    date."""
    years = (value_on.year, value_on.year - 1, value_on.year + 1)
    days = [day for year in years if (day := _of(year, text)) is not None]
    if not days:
        raise StatementError("a date is no date of the form MMDD")
    return min(days, key=lambda day: abs(day - value_on))


def _of(year: int, text: str) -> date | None:
    month, day = int(text[:2]), int(text[2:])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    last = monthrange(year, month)[1]
    if day > last and not (month == 2 and day <= 30):
        return None
    return date(year, month, min(day, last))  # banks count interest to 30 February
