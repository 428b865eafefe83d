"""A mapping for a CSV that nobody described: its separator, decimal sign, dates and header, and
the columns by their words. What could be read in two ways is asked for, never guessed."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any

import yaml

from heirpay_pipelines.bank.csv_cells import Row, rows_of
from heirpay_pipelines.bank.csv_file import read
from heirpay_pipelines.bank.csv_mapping import Mapping
from heirpay_pipelines.bank.csv_numbers import Numbers, proven_by, stripped
from heirpay_pipelines.bank.decoding import lines_of, text_of
from heirpay_pipelines.bank.statement import StatementError, known_currency, verify

DELIMITERS = (";", ",", "\t", "|")
HEAD_LINES, SAMPLE_ROWS = 40, 500
DATE_FORMATS = (
    "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y/%m/%d",
    "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d %b %Y", "%d-%b-%Y", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S",
)  # fmt: skip
MONEY = ("amount", "credit", "debit", "balance")
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}(?![A-Z0-9])")


@dataclass(frozen=True)
class Proposal:
    """`mapping` is what to save in mapping.yaml, None where too little is understood; `asked` are
    the settings to add by hand first."""

    mapping: dict[str, Any] | None
    asked: tuple[str, ...] = ()


@dataclass
class _Draft:
    mapping: dict[str, Any]
    asked: list[str] = field(default_factory=list)


def propose(name: str, data: bytes) -> Proposal:
    """A mapping for the file, and what has to be asked for."""
    try:
        return _propose(name, data)
    except (StatementError, csv.Error) as error:
        return Proposal(None, (str(error),))


def _propose(name: str, data: bytes) -> Proposal:
    lines = lines_of(text_of(data))
    while lines and not lines[-1].strip():
        lines.pop()
    found = _header(lines)
    if found is None:
        return Proposal(None, ("no line names a date and an amount: is it a statement?",))
    delimiter, first, columns, header = found
    rows = list(rows_of(lines[first:], delimiter, first + 1))[1:]
    draft = _Draft({"files": glob.escape(name), "delimiter": delimiter, "skip_first": first})
    body, last = _without_footer(rows, columns)
    draft.mapping["skip_last"] = len(lines) - last if body else 0
    draft.mapping["columns"] = {key: header[place] for key, place in columns.items()}
    _add_dates(draft, body, columns)
    _add_numbers(draft, body, columns)
    _add_words(draft, body, columns)
    _add_holder(draft, lines[:first], body, columns)
    kept = {key: value for key, value in draft.mapping.items() if value not in (0, None, [])}
    return _checked(Proposal(kept, tuple(draft.asked)), data)


def _checked(proposal: Proposal, data: bytes) -> Proposal:
    """A proposal that asks for nothing makes the file accepted; else it says what is left."""
    if proposal.asked or proposal.mapping is None:
        return proposal
    try:
        for statement in read(data, Mapping.model_validate(proposal.mapping)):
            verify(statement)
    except StatementError as error:
        return Proposal(proposal.mapping, (str(error),))
    return proposal


def _header(lines: list[str]) -> tuple[str, int, dict[str, int], list[str]] | None:
    """Separator, place of the header's line, its columns by key, its cells: the line that names
    most of what a statement has."""
    best: tuple[int, str, int, dict[str, int], list[str]] | None = None
    for place, line in enumerate(lines[:HEAD_LINES]):
        for delimiter in DELIMITERS:
            if delimiter not in line:
                continue
            try:
                cells = next(iter(rows_of([line], delimiter, place + 1)))[1]
            except (StatementError, StopIteration):
                continue
            columns = _columns(cells)
            is_header = "booking_date" in columns and ({"amount", "credit", "debit"} & set(columns))
            if is_header and (best is None or len(columns) > best[0]):
                best = (len(columns), delimiter, place, columns, cells)
    return best[1:] if best else None


def _columns(cells: list[str]) -> dict[str, int]:
    """The places of the columns whose words are known. The first word that fits names it."""
    found: dict[str, int] = {}
    plain = [_plain(cell) for cell in cells]
    for key, words in _words().items():
        for word in words:
            if word in plain and plain.index(word) not in found.values():
                found[key] = plain.index(word)
                break
    if "amount" in found or ("credit" in found) != ("debit" in found):
        found.pop("credit", None)
        found.pop("debit", None)
    if "value_date" in found and "booking_date" not in found:
        found["booking_date"] = found.pop("value_date")
    return found


def _without_footer(rows: list[Row], columns: dict[str, int]) -> tuple[list[Row], int]:
    """The rows up to the last that has a date and an amount, and the line on which it stands."""
    money = [columns[key] for key in ("amount", "credit", "debit") if key in columns]
    for count in range(len(rows), 0, -1):
        line, row = rows[count - 1]
        dated = _cell(row, columns["booking_date"])
        if any(c.isdecimal() for c in dated) and any(_cell(row, place) for place in money):
            return rows[:count], line
    return [], 0


def _add_dates(draft: _Draft, rows: list[Row], columns: dict[str, int]) -> None:
    texts = {
        _cell(row, columns[key])
        for _, row in rows[:SAMPLE_ROWS]
        for key in ("booking_date", "value_date")
        if key in columns
    } - {""}
    fitting = [
        form for form in DATE_FORMATS if texts and all(_is_date(text, form) for text in texts)
    ]
    if not fitting:
        draft.asked.append("date_format: the dates are of no known form")
    elif len(fitting) > 1 and _differ(texts, fitting):
        draft.asked.append(f"date_format: could be {' or '.join(fitting)}")
    else:
        draft.mapping["date_format"] = fitting[0]


def _add_numbers(draft: _Draft, rows: list[Row], columns: dict[str, int]) -> None:
    texts = [_cell(row, columns[key]) for _, row in rows for key in MONEY if key in columns]
    proven = proven_by(texts)
    if len(proven) == 1:
        draft.mapping["decimal"] = proven.pop()
    elif proven:
        draft.asked.append("decimal: some amounts have a comma as decimal sign, some a point")
    elif any("," in text or "." in text for text in texts):
        draft.asked.append('decimal: "1,234" and "1.234" can be read in two ways')
    else:
        draft.mapping["decimal"] = "."
    if "decimal" in draft.mapping:
        numbers = Numbers(draft.mapping["decimal"], None)
        for text in filter(None, texts):
            try:
                numbers.read(text, _currency_beside(text), 2)
            except StatementError as error:
                draft.asked.append(f"{error}")
                break


def _add_words(draft: _Draft, rows: list[Row], columns: dict[str, int]) -> None:
    """Credit and debit, and what counts as booked, from the words that stand in their columns."""
    if "direction" in columns and "amount" in columns:
        stated = _values(rows, columns["direction"])
        credit = [v for v in stated if _plain(v) in _values_of("credit_values")]
        debit = [v for v in stated if _plain(v) in _values_of("debit_values")]
        signed = any(_is_negative(_cell(row, columns["amount"])) for _, row in rows)
        if signed or not stated:
            draft.mapping["columns"].pop("direction")
        elif len(credit) + len(debit) == len(stated):
            draft.mapping["credit_values"] = credit or sorted(_values_of("credit_values"))[:1]
            draft.mapping["debit_values"] = debit or sorted(_values_of("debit_values"))[:1]
        else:
            draft.asked.append("credit_values and debit_values: which words mean which")
    if "status" in columns:
        stated = _values(rows, columns["status"])
        booked = [v for v in stated if _plain(v) in _values_of("booked_values")]
        if not stated:
            draft.mapping["columns"].pop("status")
        elif booked and all(
            _plain(v) in _values_of("booked_values") | _values_of("pending_values") for v in stated
        ):
            draft.mapping["booked_values"] = booked
        else:
            draft.asked.append("booked_values: which words of the status mean booked")


def _add_holder(
    draft: _Draft, preamble: list[str], rows: list[Row], columns: dict[str, int]
) -> None:
    """The account and the currency, where no column states them: above the header, or beside the
    amounts."""
    said = _labelled(preamble, draft.mapping["delimiter"])
    if "account" not in columns:
        ibans = set(IBAN.findall(" ".join(preamble).replace(" ", "")))
        found = {said["account"]} if "account" in said else ibans
        if len(found) == 1:
            draft.mapping["account"] = found.pop()
        else:
            draft.asked.append("account: the account's number")
    if "currency" not in columns:
        beside = {
            _currency_beside(_cell(row, columns[key]))
            for _, row in rows[:SAMPLE_ROWS]
            for key in MONEY
            if key in columns and _cell(row, columns[key])
        } - {""}
        headed = {c for c in map(_currency_in, draft.mapping["columns"].values()) if c}
        stated = {c for c in [_currency_in(said.get("currency", ""))] if c}
        found = beside or headed or stated
        if len(found) == 1:
            draft.mapping["currency"] = found.pop()
        else:
            draft.asked.append("currency: the account's currency")


def _labelled(preamble: list[str], delimiter: str) -> dict[str, str]:
    """What lines above the header say of the account: `Konto;DE00`, `Currency: EUR`."""
    words = _words()
    found: dict[str, str] = {}
    for line in preamble:
        cells = [cell.strip(' "') for cell in re.split(rf"[{re.escape(delimiter)}:]", line)]
        filled = [cell for cell in cells if cell]
        for key in ("account", "currency"):
            if len(filled) >= 2 and _plain(filled[0]) in words[key]:
                found.setdefault(key, filled[1])
    return found


def _currency_beside(text: str) -> str:
    """The currency that an amount's sign or code states: € and £ do, $ does not."""
    for code in re.findall(r"[A-Za-z]{3}", text):
        currency = _currency_in(code)
        if currency:
            return currency
    return {"€": "eur", "₹": "inr"}.get(next((c for c in text if c in "€₹"), ""), "")


def _currency_in(text: str) -> str:
    codes = re.findall(
        r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text.upper() if len(text) == 3 else text
    )
    for code in codes:
        try:
            return known_currency(code)
        except StatementError:
            continue
    return ""


def _is_negative(text: str) -> bool:
    try:
        return stripped(text, None)[0] < 0
    except StatementError:
        return False


def _is_date(text: str, form: str) -> bool:
    try:
        return 1980 <= datetime.strptime(text, form).year <= 2100  # noqa: DTZ007 - a date
    except ValueError:
        return False


def _differ(texts: Iterable[str], forms: list[str]) -> bool:
    """Whether two forms read any of the dates as different days."""
    return any(
        len({datetime.strptime(text, form).date() for form in forms}) > 1  # noqa: DTZ007
        for text in texts
    )


def _values(rows: list[Row], place: int) -> list[str]:
    return sorted({_cell(row, place) for _, row in rows} - {""})[:20]


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _plain(text: str) -> str:
    """A column's or a value's words without currency in brackets, signs and case."""
    bare = re.sub(r"\([^)]*\)|[^\w ]", " ", text.replace("_", " ").casefold())
    return " ".join(bare.split())


def _vocabulary() -> dict[str, Any]:
    content = files(__package__).joinpath("csv_words.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(content)
    return found


def _words() -> dict[str, list[str]]:
    columns: dict[str, list[str]] = _vocabulary()["columns"]
    return columns


def _values_of(name: str) -> set[str]:
    return {_plain(value) for value in _vocabulary()["values"][name]}
