"""The report's tables: which columns of a fact are shown, under which heading, in which form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from heirpay_pipelines.report import money
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.reading import Fact

Kind = Literal[
    "text",
    "words",
    "code",
    "money",
    "reporting",
    "change",
    "count",
    "percent",
    "day",
    "month",
    "status",
    "currency",
    "flag",
    "off",
    "tax",
    "command",
]
NUMBERS = ("money", "reporting", "change", "off", "count", "percent")


@dataclass(frozen=True)
class Column:
    """`money` and `change` are in the row's own currency, `reporting` in the reporting one; `off`
    is a difference that should be zero."""

    name: str
    label: str
    kind: Kind = "text"

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; `tone` is a status for colour, never without its words."""

    text: str
    kind: Kind
    tone: str = ""


def columns(*specs: str) -> tuple[Column, ...]:
    """`"mrr:MRR:money"` → Column; the kind may be left out. ValueError for one that is none."""
    made = []
    for spec in specs:
        name, label, *kind = spec.split(":")
        if kind and kind[0] not in get_args(Kind):
            raise ValueError(f"{spec}: {kind[0]} is no kind of column")
        made.append(Column(name, label, kind[0] if kind else "text"))  # type: ignore[arg-type]
    return tuple(made)


@cache
def tables() -> dict[str, tuple[Column, ...]]:
    """The columns that are shown, by fact."""
    text = files(__package__).joinpath("tables.yaml").read_text(encoding="utf-8")
    return {name: columns(*specs) for name, specs in yaml.safe_load(text).items()}


TONES = {
    "good": ("pass", "attested", "reconciled", "published", "complete", "won", "met", "approved"),
    "bad": ("fail", "failed", "critical", "high", "unreconciled", "refused", "lost", "unmet"),
    "warn": (
        "not_evaluated", "waived", "medium", "interrupted", "incomplete", "denied", "in_transit",
    ),
}  # fmt: skip


def tone_of(value: Any) -> str:
    """good, bad, warn or quiet: the colour beside a status word."""
    return next((tone for tone, words in TONES.items() if value in words), "quiet")


def tax_name(tax_type: Any) -> str:
    """`vat` → `VAT`, `sales_tax` → `sales tax`."""
    text = str(tax_type)
    return text.upper() if len(text) <= 4 else text.replace("_", " ")


def shown_columns(fact: Fact, reporting: str) -> tuple[Column, ...]:
    """The fact's columns that its rows really have; all of them where none are chosen."""
    chosen = tuple(
        replace(column, label=column.label.replace("{reporting}", reporting.upper()))
        for column in tables().get(fact.name, ())
    )
    present = fact.rows[0].keys() if fact.rows else {column.name for column in chosen}
    kept = tuple(column for column in chosen if column.name in present)
    return kept or tuple(Column(name, name.replace("_", " ").capitalize()) for name in present)


def cells(context: ReportContext, fact: Fact) -> list[list[Cell]]:
    """Every row of a fact as text for people."""
    chosen = shown_columns(fact, context.reporting)
    # Where the currency has a column of its own, the amounts need not repeat it.
    bare = any(column.kind == "currency" for column in chosen)
    return [[cell(context, row, column, bare=bare) for column in chosen] for row in fact.rows]


def cell(
    context: ReportContext, row: dict[str, Any], column: Column, *, bare: bool = False
) -> Cell:
    """One value as text for people, in the form of its column."""
    value = row[column.name]
    kind = column.kind
    if value is None or value == "":
        return Cell("–", kind)
    currency = row.get("currency")
    forms: dict[str, Callable[[], str]] = {
        "money": lambda: context.money.text(value, currency, bare=bare),
        "change": lambda: context.money.text(value, currency, sign=True, bare=bare),
        "off": lambda: context.money.text(value, currency, sign=True, bare=bare),
        "reporting": lambda: context.money.text(value, context.reporting, bare=True),
        "currency": lambda: str(value).upper(),
        "count": lambda: money.count(value),
        "percent": lambda: money.percent(value),
        "day": lambda: money.day(value),
        "month": lambda: money.month(value),
        "tax": lambda: tax_name(value),
        "flag": lambda: "yes" if value else "no",
        "words": lambda: str(value).replace("_", " "),
        "status": lambda: str(value).replace("_", " "),
    }
    text = forms[kind]() if kind in forms else str(value)
    tone = tone_of(value) if kind == "status" else ""
    if kind in ("flag", "off") and value:
        tone = "bad"
    return Cell(text, kind, tone)
