"""BAI2: cash management balance reporting, version 2.

Read record by record; the file's own control totals are compared, so that a cut or changed file
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from heirpay_pipelines.bank.bai2_codes import direction_of, is_banks_own
from heirpay_pipelines.bank.decoding import lines_of, text_of
from heirpay_pipelines.bank.statement import (
    Line,
    Statement,
    StatementError,
    known_currency,
    minor_units,
    placed,
    shown,
)

OPENING_LEDGER, CLOSING_LEDGER = "010", "015"
UPDATE, DELETION, CORRECTION, TEST = "1", "2", "3", "4"
INTERIM = ("1", "3")  # as-of modifiers: interim of the previous day, interim of the same day
RECORD = re.compile(r"(01|02|03|16|49|88|98|99),")
AMOUNT = re.compile(r"[+-]?[0-9]{1,18}")
FUNDS_TYPES = ("", "0", "1", "2", "V", "S", "D", "Z")
ISO_DECIMALS = {"isk": 0, "ugx": 0, "mga": 2}
"""Currencies whose decimals in Stripe's amounts are not those of ISO 4217, which banks imply."""
CUT = "ask the bank for the file again, it is cut off or damaged"


@dataclass
class Record:
    """One logical record: its code, its line in the file, and its physical lines' contents."""

    code: str
    line: int
    parts: list[str]

    def fields(self) -> list[str]:
        """All fields; `/` ends a physical line as a comma ends a field."""
        return [field.strip() for part in self.parts for field in _ended(part).split(",")]

    def place(self) -> str:
        return f"line {self.line}"


@dataclass
class Total:
    """What a trailer must say: the sum of amounts, the physical records, the parts in it."""

    amount: int = 0
    records: int = 0
    logical: int = 0
    parts: int = 0

    def add(self, other: Total) -> None:
        self.amount += other.amount
        self.records += other.records
        self.logical += other.logical
        self.parts += 1


@dataclass
class Account:
    """An account (03) with its bookings, until its trailer (49)."""

    number: str
    currency: str
    balances: dict[str, int]
    lines: list[Line] = field(default_factory=list)
    own: dict[int, int] = field(default_factory=dict)
    """Of bookings with a code of the bank's own: their place in `lines` and the stated amount."""


def read(data: bytes) -> list[Statement]:
    """Statements of one file, one for each account (03) of each group. Test groups are left out;
    a file of nothing else is refused."""
    reader = _Reader()
    for record in _records(lines_of(text_of(data))):
        reader.take(record)
    return reader.finish()


def _records(lines: list[str]) -> Iterator[Record]:
    record: Record | None = None
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        found = RECORD.match(text.lstrip())
        if found and found[1] != "88":
            if record:
                yield record
            record = Record(found[1], number, [text.strip()[3:]])
        elif record is None:
            raise StatementError("the file does not begin with record 01", f"line {number}", CUT)
        elif found:
            record.parts.append(text.strip()[3:])
        elif record.code == "16":  # a bank that breaks a text without an 88
            record.parts[-1] += " " + text.strip()
        else:
            raise StatementError("a line is no record of BAI2", f"line {number}", CUT)
    if record:
        yield record


class _Reader:
    """Takes the records in order; knows what is open and what its trailer has to say."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.tests = 0
        self.file: Total | None = None
        self.group: Total | None = None
        self.total: Total | None = None
        self.account: Account | None = None
        self.header: list[str] = []

    def take(self, record: Record) -> None:
        with placed(record.place(), CUT):
            getattr(self, f"_take_{record.code}")(record, record.fields())

    def finish(self) -> list[Statement]:
        if self.file is not None:
            raise StatementError("the file's trailer (99) is missing", "last line", CUT)
        if not self.statements and self.tests:
            raise StatementError(
                "the file is a test (group status 4): nothing of it is money",
                remedy="ask the bank for the file of the day",
            )
        if not self.statements:
            raise StatementError("the file holds no account (record 03)", remedy=CUT)
        return self.statements

    def _take_01(self, record: Record, _: list[str]) -> None:
        if self.file is not None:
            raise StatementError("a file begins inside another (01 before 99)")
        self.file = Total(records=len(record.parts), logical=1)

    def _take_02(self, record: Record, fields: list[str]) -> None:
        if self.file is None or self.group is not None:
            raise StatementError("a group (02) begins before the one before it ended (98)")
        self.header = [*fields, *[""] * 7][:7]
        status = self.header[2]
        if status == DELETION:
            raise StatementError(
                "a group takes back what the bank sent before (group status 2)",
                remedy="remove the file that it takes back, then ask the bank for the right one",
            )
        if status not in (UPDATE, CORRECTION, TEST):
            raise StatementError("a group's status is none of 1 to 4")
        self.group = Total(records=len(record.parts), logical=1)

    def _take_03(self, record: Record, fields: list[str]) -> None:
        if self.group is None or self.account is not None:
            raise StatementError("an account (03) begins before the one before it ended (49)")
        currency = known_currency((fields[1:2] or [""])[0] or self.header[5] or "USD")
        summaries, total = _summaries(fields[2:])
        balances = {code: _minor(amount, currency) for code, amount in summaries.items()}
        self.account = Account(fields[0], currency, balances)
        self.total = Total(total, len(record.parts), 1)

    def _take_16(self, record: Record, _: list[str]) -> None:
        if self.account is None or self.total is None:
            raise StatementError("a booking (16) stands outside an account (03)")
        code, amount, line = _booking(record, self.account.currency, _day(self.header[3]))
        self.total.add(Total(amount, len(record.parts), 1))
        if is_banks_own(code):
            stated = _minor(amount, self.account.currency)
            self.account.own[len(self.account.lines)] = stated
        self.account.lines.append(line)

    def _take_49(self, record: Record, fields: list[str]) -> None:
        if self.account is None or self.total is None or self.group is None:
            raise StatementError("a trailer (49) ends no account")
        self.total.records += len(record.parts)
        self.total.logical += 1
        _compare(self.total, fields, None)
        if self.header[2] == TEST:
            self.tests += 1
        else:
            self.statements.append(_statement(self.account, self.header))
        self.group.add(self.total)
        self.account = self.total = None

    def _take_98(self, record: Record, fields: list[str]) -> None:
        if self.group is None or self.account is not None or self.file is None:
            raise StatementError("a trailer (98) ends no group, or an account in it is not ended")
        self.group.records += len(record.parts)
        self.group.logical += 1
        _compare(self.group, fields, "accounts")
        self.file.add(self.group)
        self.group = None

    def _take_99(self, record: Record, fields: list[str]) -> None:
        if self.file is None or self.group is not None:
            raise StatementError("a trailer (99) ends no file, or a group in it is not ended")
        self.file.records += len(record.parts)
        self.file.logical += 1
        _compare(self.file, fields, "groups")
        self.file = None


def _compare(total: Total, fields: list[str], parts: str | None) -> None:
    """A trailer's own totals. Banks count continuations (88) as records, or do not."""
    stated = [_whole(text) if text else None for text in fields] + [None] * 3
    if stated[0] is not None and stated[0] != total.amount:
        raise StatementError(
            f"a control total says {shown(stated[0])}, the amounts before it are"
            f" {shown(total.amount)}"
        )
    if parts and stated[1] is not None and stated[1] != total.parts:
        raise StatementError(f"a trailer says {stated[1]} {parts}, there are {total.parts}")
    records = stated[2 if parts else 1]
    if records is not None and records not in (total.records, total.logical):
        raise StatementError(f"a trailer says {records} records, there are {total.records}")


def _summaries(fields: list[str]) -> tuple[dict[str, int], int]:
    """An account's balances and totals by code, and the sum of all their amounts."""
    found: dict[str, int] = {}
    total = 0
    place = 0
    while place < len(fields):
        code, amount = fields[place], (fields[place + 1 : place + 2] or [""])[0]
        if not code:
            place += 1  # an empty field, as banks leave them at a line's end
            continue
        place += 2
        value = _whole(amount) if amount else 0
        total += value
        if amount:
            found.setdefault(code, value)
        place += 1  # the count of items
        place += _funds(fields, place)
    return found, total


def _funds(fields: list[str], place: int) -> int:
    """How many fields the funds type at `place` takes, with what it brings."""
    kind = (fields[place : place + 1] or [""])[0].upper()
    if kind not in FUNDS_TYPES:
        return 0  # a bank that leaves it out before a line's end
    if kind == "V":
        return 3
    if kind == "S":
        return 4
    if kind == "D":
        return 2 + 2 * _whole((fields[place + 1 : place + 2] or ["0"])[0] or "0")
    return 1


def _booking(record: Record, currency: str, as_of: date) -> tuple[str, int, Line]:
    """Code, amount as the record states it, and the line."""
    fields = _Fields(record.parts)
    code, amount_text, funds = fields.next(), fields.next(), fields.next().upper()
    if not re.fullmatch(r"[0-9]{3}", code):
        raise StatementError("a booking's code is not three digits")
    amount = _whole(amount_text) if amount_text else 0
    value_on = as_of
    if funds == "V":
        stated = fields.next()
        fields.next()
        value_on = _day(stated) if stated else as_of
    elif funds == "S":
        for _ in range(3):
            fields.next()
    elif funds == "D":
        for _ in range(2 * min(_whole(fields.next() or "0"), 99)):
            fields.next()
    elif funds not in FUNDS_TYPES:
        raise StatementError("a booking's funds type is not known")
    bank_reference, customer_reference = fields.next(), fields.next()
    direction = direction_of(code)
    if direction is None and amount and not is_banks_own(code):
        raise StatementError(
            f"type code {code} does not say whether it is a credit or a debit",
            remedy="ask the bank for a code of its own (9xx) or of the detail codes",
        )
    line = Line(
        booked_on=as_of,
        value_on=value_on,
        amount=(direction or 0) * _minor(amount, currency),
        reference=" ".join(r for r in (bank_reference, customer_reference) if r),
        description=" ".join(fields.rest().split()),
    )
    return code, amount, line


class _Fields:
    """The fields of a booking one by one over its physical lines; what follows them is text."""

    def __init__(self, parts: list[str]) -> None:
        self.parts = parts
        self.part, self.place = 0, 0

    def next(self) -> str:
        while self.part < len(self.parts):
            text = self.parts[self.part]
            if self.place > len(text):
                self.part, self.place = self.part + 1, 0
                continue
            end = text.find(",", self.place)
            if end < 0:
                found = _ended(text)[self.place :]
                self.part, self.place = self.part + 1, 0
                return found.strip()
            found = text[self.place : end]
            self.place = end + 1
            if _ended(text) == text[: self.place]:  # `,/` ends the line: nothing stands between
                self.part, self.place = self.part + 1, 0
            return found.strip()
        return ""

    def rest(self) -> str:
        if self.part >= len(self.parts):
            return ""
        first = self.parts[self.part][self.place :]
        return " ".join(_ended(part) for part in (first, *self.parts[self.part + 1 :]))


def _statement(account: Account, header: list[str]) -> Statement:
    as_of = _day(header[3])
    opening = account.balances.get(OPENING_LEDGER)
    closing = account.balances.get(CLOSING_LEDGER)
    made = Statement(
        account=account.number,
        currency=account.currency,
        statement_id=f"{as_of.isoformat()}/{account.number}",
        lines=tuple(account.lines),
        opening=opening,
        closing=closing,
        first_on=as_of,
        last_on=as_of,
        is_final=header[6] not in INTERIM,
    )
    if made.is_balanced is not False or not account.own:
        return made
    # What a code of the bank's own means the balances show: as its sign says, or no money.
    for amounts in (account.own, dict.fromkeys(account.own, 0)):
        lines = tuple(
            replace(line, amount=amounts.get(place, line.amount))
            for place, line in enumerate(account.lines)
        )
        other = replace(made, lines=lines)
        if other.is_balanced:
            return other
    return made


def _ended(text: str) -> str:
    return text.removesuffix("/")


def _whole(text: str) -> int:
    if not AMOUNT.fullmatch(text):
        raise StatementError("an amount or a count is no whole number (BAI2 implies the decimals)")
    return int(text)


def _minor(amount: int, currency: str) -> int:
    decimals = ISO_DECIMALS.get(currency)
    return amount if decimals is None else minor_units(Decimal(amount).scaleb(-decimals), currency)


def _day(text: str) -> date:
    found = re.fullmatch(r"(?:20)?([0-9]{2})([0-9]{2})([0-9]{2})", text)
    try:
        if found:
            return date(2000 + int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise StatementError("a date is no date of the form YYMMDD")
