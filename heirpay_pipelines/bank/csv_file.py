"""CSV exports: no two banks write the same, so a mapping says which column is what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from heirpay_pipelines.bank.csv_cells import Row, rows_of
from heirpay_pipelines.bank.csv_mapping import DEFAULT, MAPPING_FILE, OPTIONAL_BY_DEFAULT, Mapping
from heirpay_pipelines.bank.csv_numbers import Numbers, proven_by
from heirpay_pipelines.bank.decoding import lines_of, text_of
from heirpay_pipelines.bank.statement import (
    Line,
    Statement,
    StatementError,
    known_currency,
    minor_units,
    shown,
)
from heirpay_pipelines.currencies import exponents

MONEY = ("amount", "credit", "debit", "balance")
DESCRIBE = f"describe the file in {MAPPING_FILE}; `heirpay bank check FILE` proposes a mapping"


def read(data: bytes, mapping: Mapping) -> list[Statement]:
    """One statement for each account and currency of the file. Where it has a running balance,
    each step of it is verified."""
    _require_whole(mapping)
    lines = lines_of(text_of(data, mapping.encoding))
    while lines and not lines[-1].strip():
        lines.pop()
    delimiter, skipped = mapping.delimiter, mapping.skip_first
    if lines and lines[0].lower().startswith("sep=") and not skipped:  # written for a spreadsheet
        skipped = 1
        if "delimiter" not in mapping.model_fields_set and len(lines[0].strip()) == 5:
            delimiter = lines[0].strip()[4]
    body = lines[skipped : len(lines) - mapping.skip_last]
    rows = list(rows_of(body, delimiter, skipped + 1))
    if not rows:
        raise StatementError("the file holds no booking", remedy=DESCRIBE)
    table = _Table(rows[0][1], mapping, rows[1:])
    orders = (rows[1:], rows[:0:-1])
    if mapping.newest_first:
        return table.statements(orders[1])
    try:
        return table.statements(orders[0])
    except _BalanceError:
        if mapping.newest_first is not None:
            raise
        first = orders[1]
    # Banks list the newest first, too: a running balance shows which way it runs.
    try:
        return table.statements(first)
    except StatementError:
        return table.statements(orders[0])


def _require_whole(mapping: Mapping) -> None:
    """What a mapping has to name; each part may be right and the whole still say too little."""
    names = mapping.columns
    faults = {
        "names no amount: neither `columns.amount` nor `columns.credit` and `columns.debit`": not (
            names.amount or names.credit or names.debit
        ),
        "names an amount twice: `columns.amount`, and `columns.credit` or `columns.debit`": (
            names.amount and (names.credit or names.debit)
        ),
        "names one of `columns.credit` and `columns.debit` only": (
            bool(names.credit) != bool(names.debit)
        ),
        "names no account: neither `account` nor `columns.account`": not (
            mapping.account or names.account
        ),
        "names no currency: neither `currency` nor `columns.currency`": not (
            mapping.currency or names.currency
        ),
        "has `columns.direction` without `credit_values` and `debit_values`": (
            names.direction and not (mapping.credit_values and mapping.debit_values)
        ),
        "has `columns.direction` without `columns.amount`": names.direction and not names.amount,
        "has `columns.status` without `booked_values`": names.status and not mapping.booked_values,
        "has the same sign as `decimal` and `grouping`": (
            mapping.grouping is not None and mapping.grouping == (mapping.decimal or ".")
        ),
    }
    for fault, is_so in faults.items():
        if is_so:
            raise StatementError(f"the mapping {fault}", MAPPING_FILE, "complete it")


class _BalanceError(StatementError):
    """A running balance does not follow from the one before it."""


@dataclass
class _Account:
    """What was read of one account so far. `closing` is None until the file states a balance;
    `since` are the amounts of its lines after that."""

    opening: int | None = None
    closing: int | None = None
    since: int = 0
    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line, after: int | None, currency: str) -> None:
        self.lines.append(line)
        self.since += line.amount
        if after is None:
            return
        if self.closing is None:
            self.opening = after - self.since
        elif self.closing + self.since != after:
            raise _BalanceError(
                f"the balance says {shown(after)}, but {shown(self.closing)} before it and"
                f" {shown(self.since)} make {shown(self.closing + self.since)}"
                f" (minor units of {currency})",
                remedy="ask the bank for the file again, a line is missing or was changed",
            )
        self.closing, self.since = after, 0


class _Table:
    """A header and the rows under it, read as a mapping says."""

    def __init__(self, header: list[str], mapping: Mapping, rows: list[Row]) -> None:
        self.mapping = mapping
        self.width = len(header)
        self.columns = _columns(header, mapping)
        self.rows = rows
        texts = (self._cell(row, name) for _, row in rows for name in MONEY)
        signs = proven_by(texts) if mapping.decimal is None else set()
        proven = next(iter(signs)) if len(signs) == 1 else None
        self.numbers = Numbers(mapping.decimal, mapping.grouping, proven)

    def statements(self, rows: Iterable[Row]) -> list[Statement]:
        accounts: dict[tuple[str, str], _Account] = {}
        for number, row in rows:
            try:
                self._require_width(row)
                if self._is_booked(row):
                    self._add(accounts, row)
            except StatementError as error:
                raise error.at(f"line {number}", DESCRIBE) from None
        if not accounts:
            raise StatementError("the file holds no booking", remedy=DESCRIBE)
        return [_statement(*key, account) for key, account in accounts.items()]

    def _require_width(self, row: list[str]) -> None:
        if len(row) > self.width and any(row[self.width :]):
            raise StatementError(
                f"has {len(row)} cells under a header of {self.width}",
                remedy=f"check `delimiter`, `skip_first` and `skip_last` in {MAPPING_FILE}",
            )
        if len(row) < self.width and len(row) <= max(self.columns.values()):
            raise StatementError(
                f"has {len(row)} cells under a header of {self.width}",
                remedy=f"check `delimiter`, `skip_first` and `skip_last` in {MAPPING_FILE}",
            )

    def _is_booked(self, row: list[str]) -> bool:
        if not self.mapping.columns.status:
            return True
        return _is_one_of(self._cell(row, "status"), self.mapping.booked_values)

    def _add(self, accounts: dict[tuple[str, str], _Account], row: list[str]) -> None:
        mapping = self.mapping
        number = mapping.account or self._cell(row, "account")
        try:
            currency = known_currency(mapping.currency or self._cell(row, "currency"))
        except StatementError as error:
            raise error.at("", DESCRIBE) from None
        if not number:
            raise StatementError("names no account")
        value = self._cell(row, "value_date")
        line = Line(
            booked_on=self._day(row, "booking_date"),
            value_on=self._day(row, "value_date") if value else None,
            amount=self._amount(row, currency),
            reference=self._cell(row, "reference"),
            description=" ".join(self._cell(row, "description").split()),
        )
        balance = self._cell(row, "balance")
        after = self._money(row, "balance", currency) if balance else None
        accounts.setdefault((number, currency), _Account()).add(line, after, currency)

    def _amount(self, row: list[str], currency: str) -> int:
        amount = self._unturned(row, currency)
        return -amount if self.mapping.inverted else amount

    def _unturned(self, row: list[str], currency: str) -> int:
        names = self.mapping.columns
        if names.amount:
            amount = self._money(row, "amount", currency)
            return self._directed(row, amount) if names.direction else amount
        credit, debit = (
            self._money(row, name, currency) if self._cell(row, name) else None
            for name in ("credit", "debit")
        )
        if (credit is None and debit is None) or (credit and debit):
            raise StatementError(
                "has both a credit and a debit, or neither", remedy="correct the line"
            )
        return (credit or 0) - abs(debit or 0)

    def _directed(self, row: list[str], amount: int) -> int:
        stated = self._cell(row, "direction")
        if _is_one_of(stated, self.mapping.debit_values):
            return -abs(amount)
        if not _is_one_of(stated, self.mapping.credit_values):
            raise StatementError(
                f"column {self.mapping.columns.direction}: neither a credit nor a debit",
                remedy="add its word to `credit_values` or `debit_values`",
            )
        if amount < 0:
            raise StatementError(
                "is a credit with a minus",
                remedy="leave `columns.direction` away if the amounts carry signs",
            )
        return amount

    def _money(self, row: list[str], name: str, currency: str) -> int:
        try:
            amount = self.numbers.read(self._cell(row, name), currency, exponents()[currency])
            return minor_units(amount, currency)
        except StatementError as error:
            what = f"column {getattr(self.mapping.columns, name)}: {error.what}"
            remedy = error.remedy or f"name the `decimal` sign in {MAPPING_FILE}"
            raise StatementError(what, error.where, remedy) from None

    def _day(self, row: list[str], name: str) -> date:
        try:
            cell = self._cell(row, name)
            return datetime.strptime(cell, self.mapping.date_format).date()  # noqa: DTZ007 - a date
        except (ValueError, OverflowError):
            raise StatementError(
                f"column {getattr(self.mapping.columns, name)}: no date of the form"
                f" {self.mapping.date_format}",
                remedy=f"name the file's `date_format` in {MAPPING_FILE}",
            ) from None

    def _cell(self, row: list[str], name: str) -> str:
        place = self.columns.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""


def _columns(header: list[str], mapping: Mapping) -> dict[str, int]:
    """Where each column that the mapping names stands."""
    plain = [_plain(cell) for cell in header]
    wanted = {key: name for key, name in mapping.columns.model_dump().items() if name}
    if mapping is DEFAULT:
        wanted = {
            key: name
            for key, name in wanted.items()
            if _plain(name) in plain or key not in OPTIONAL_BY_DEFAULT
        }
    absent = [name for name in wanted.values() if _plain(name) not in plain]
    if absent:
        raise StatementError(f"columns {', '.join(absent)} are missing", "header", DESCRIBE)
    doubled = [name for name in wanted.values() if plain.count(_plain(name)) > 1]
    if doubled:
        raise StatementError(f"column {doubled[0]} stands twice", "header", DESCRIBE)
    return {key: plain.index(_plain(name)) for key, name in wanted.items()}


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _is_one_of(cell: str, values: list[str]) -> bool:
    return _plain(cell) in [_plain(value) for value in values]


def _statement(number: str, currency: str, account: _Account) -> Statement:
    days = [line.booked_on for line in account.lines]
    closing = None if account.closing is None else account.closing + account.since
    return Statement(
        account=number,
        currency=currency,
        statement_id=f"{min(days)}/{max(days)}",
        lines=tuple(account.lines),
        opening=account.opening,
        closing=closing,
        first_on=min(days),
        last_on=max(days),
    )
