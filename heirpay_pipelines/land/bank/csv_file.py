"""CSV exports: no two banks write the same, so a mapping says which column is what."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from heirpay_pipelines.land.bank.statement import Line, Statement, StatementError, minor_units

MAPPING_FILE = "mapping.yaml"


class Columns(BaseModel):
    """Names of the file's columns. Either `amount` (signed) or `credit` and `debit`."""

    model_config = ConfigDict(extra="forbid")
    account: str | None = None
    booking_date: str
    value_date: str | None = None
    amount: str | None = None
    credit: str | None = None
    debit: str | None = None
    currency: str | None = None
    reference: str | None = None
    description: str | None = None
    balance: str | None = None


class Mapping(BaseModel):
    """How the CSV files whose name matches `files` are read."""

    model_config = ConfigDict(extra="forbid")
    files: str
    columns: Columns
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"
    decimal: str = "."
    date_format: str = "%Y-%m-%d"
    account: str | None = None
    currency: str | None = None
    newest_first: bool = False


DEFAULT = Mapping(
    files="*",
    columns=Columns(
        account="Account",
        booking_date="Booking date",
        value_date="Value date",
        amount="Amount",
        currency="Currency",
        reference="Reference",
        description="Description",
        balance="Balance",
    ),
)


def mapping_for(path: Path) -> Mapping:
    """The first mapping of `mapping.yaml` beside the file that fits its name, else the default."""
    mapping_file = path.parent / MAPPING_FILE
    if not mapping_file.is_file():
        return DEFAULT
    try:
        entries = yaml.safe_load(mapping_file.read_text()) or []
        mappings = [Mapping.model_validate(entry) for entry in entries]
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise StatementError(f"{MAPPING_FILE} is wrong: {error}") from None
    return next((m for m in mappings if fnmatch(path.name, m.files)), DEFAULT)


def read(data: bytes, mapping: Mapping) -> list[Statement]:
    """One statement for each account and currency of the file. Where it has a running balance,
    each step of it is verified."""
    try:
        text = data.decode(mapping.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise StatementError(f"not readable as {mapping.encoding}: {error}") from None
    rows = list(csv.DictReader(io.StringIO(text), delimiter=mapping.delimiter, strict=True))
    if not rows:
        raise StatementError("the file holds no booking")
    wanted = [name for name in mapping.columns.model_dump().values() if name]
    absent = [name for name in wanted if name not in rows[0]]
    if absent:
        raise StatementError(
            f"columns {', '.join(absent)} are missing; describe the file in {MAPPING_FILE}"
        )
    if mapping.newest_first:
        rows.reverse()
    accounts: dict[tuple[str, str], _Account] = {}
    for number, row in enumerate(rows, start=2):
        try:
            _add(accounts, row, mapping)
        except StatementError as error:
            raise StatementError(f"line {number}: {error}") from None
    return [_statement(*key, account) for key, account in accounts.items()]


@dataclass
class _Account:
    """What was read of one account so far. Balances are None where the file states none."""

    opening: int | None
    closing: int | None
    lines: list[Line] = field(default_factory=list)


def _statement(number: str, currency: str, account: _Account) -> Statement:
    days = [line.booked_on for line in account.lines]
    return Statement(
        account=number,
        currency=currency,
        statement_id=f"{min(days)}/{max(days)}",
        lines=tuple(account.lines),
        opening=account.opening,
        closing=account.closing,
        first_on=min(days),
        last_on=max(days),
    )


def _add(accounts: dict[tuple[str, str], _Account], row: dict[str, str], mapping: Mapping) -> None:
    names = mapping.columns
    number = mapping.account or _value(row, names.account)
    currency = (mapping.currency or _value(row, names.currency)).lower()
    amount = _amount(row, mapping, currency)
    value = _value(row, names.value_date)
    line = Line(
        booked_on=_date(_value(row, names.booking_date), mapping),
        value_on=_date(value, mapping) if value else None,
        amount=amount,
        reference=_value(row, names.reference),
        description=_value(row, names.description),
    )
    balance = _value(row, names.balance)
    after = minor_units(_number(balance, mapping), currency) if balance else None
    opening = None if after is None else after - amount
    account = accounts.setdefault((number, currency), _Account(opening, opening))
    if after is not None and account.closing is not None and account.closing + amount != after:
        raise StatementError(
            f"the balance says {after}, but {account.closing} before it and {amount} make"
            f" {account.closing + amount} (minor units of {currency})"
        )
    account.closing = after
    account.lines.append(line)


def _amount(row: dict[str, str], mapping: Mapping, currency: str) -> int:
    names = mapping.columns
    if names.amount:
        return minor_units(_number(_value(row, names.amount), mapping), currency)
    credit, debit = _value(row, names.credit), _value(row, names.debit)
    amount = _number(credit, mapping) if credit else Decimal(0)
    amount -= abs(_number(debit, mapping)) if debit else Decimal(0)
    return minor_units(amount, currency)


def _number(text: str, mapping: Mapping) -> Decimal:
    grouping = "," if mapping.decimal == "." else "."
    plain = text.replace(grouping, "").replace(" ", "").replace("\u00a0", "")
    try:
        return Decimal(plain.replace(mapping.decimal, "."))
    except InvalidOperation:
        raise StatementError(f"{text!r} is no amount") from None


def _date(text: str, mapping: Mapping) -> date:
    try:
        return datetime.strptime(text, mapping.date_format).date()  # noqa: DTZ007 - a date
    except ValueError:
        raise StatementError(f"{text!r} is no date of the form {mapping.date_format}") from None


def _value(row: dict[str, str], column: str | None) -> str:
    return (row.get(column) or "").strip() if column else ""
