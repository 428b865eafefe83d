"""What every part of the report needs: the facts, the calendar, how money is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

from heirpay_pipelines.home import Home, payment_id
from heirpay_pipelines.report.money import Money
from heirpay_pipelines.report.reading import Fact, Reader
from heirpay_pipelines.report.run_facts import Calendar, RunFacts
from heirpay_pipelines.settings import Settings

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Total:
    """A sum in the reporting currency. `without` names currencies that have no exchange rate:
    their amounts are not in it, and the report says so."""

    amount: Decimal
    without: tuple[str, ...] = ()


class ReportContext:
    """One report being written."""

    def __init__(self, settings: Settings, run: RunFacts, reader: Reader) -> None:
        self.settings = settings
        """For the hand-offs alone, which say how the product is set up."""
        self.home: Home = settings
        self.run = run
        self.reader = reader
        self.calendar = Calendar.at(run.as_of, settings.zone)
        self.reporting = settings.reporting_currency
        exponents = reader.fact("currencies").rows
        self.money = Money({row["currency"]: row["exponent"] for row in exponents})
        self._rates = {
            row["currency"]: (row["reporting_units_per_eur"], row["units_per_eur"])
            for row in reader.fact("rates").rows
        }

    def fact(self, name: str) -> Fact:
        return self.reader.fact(name)

    def total(self, amounts: Iterable[tuple[str, Decimal | None]]) -> Total:
        """The sum of (currency, amount) in the reporting currency at the last day's ECB rate,
        rounded once."""
        without = set()
        sums: dict[str, Decimal] = {}
        for currency, amount in amounts:
            sums[currency] = sums.get(currency, Decimal(0)) + (amount or Decimal(0))
        with localcontext(EXACT):
            total = Decimal(0)
            for currency, amount in sums.items():
                if currency == self.reporting:
                    total += amount
                elif currency in self._rates:
                    per_reporting, per_unit = self._rates[currency]
                    total += amount * per_reporting / per_unit
                elif amount:
                    without.add(currency)
            return Total(self.money.rounded(total, self.reporting), tuple(sorted(without)))

    def identifier(self, operation: str, step: int, tool: str = "HEIRPAY") -> str:
        """The id of a step of this installation."""
        return payment_id(self.home.project, operation, tool, step)

    def audit_head(self) -> dict[str, Any]:
        """`sequence` and `hash` of the audit chain's head: as it is now where the caller knows it,
        else as published."""
        if self.run.audit_head:
            sequence, _, digest = self.run.audit_head.partition(":")
            return {"sequence": int(sequence), "hash": digest}
        row = self.fact("audit_head").one()
        return {name: row[name] for name in ("sequence", "hash")} if row else {}

    def amount(self, value: Decimal | None, currency: str | None) -> dict[str, str | None] | None:
        """An amount for report.json: exact decimal text beside its currency."""
        if value is None:
            return None
        return {"amount": self.money.plain(value, currency), "currency": currency}


def source(fact: Fact) -> dict[str, str]:
    """Where a figure's rows are: a command to paste and the Dagster asset."""
    return {"query": fact.command, "asset": fact.asset}


def sum_of(rows: Iterable[dict[str, Any]], name: str) -> Decimal:
    """The exact sum of a column, nulls left out."""
    return sum((row[name] for row in rows if row[name] is not None), Decimal(0))


def lacking(rows: Iterable[dict[str, Any]], name: str) -> tuple[str, ...]:
    """Currencies whose converted column is null: there is no rate for them."""
    return tuple(sorted({row["currency"] for row in rows if row[name] is None}))


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """part ÷ whole as a published rate of 6 decimals; None for nothing to divide by."""
    if not whole:
        return None
    with localcontext(EXACT):
        return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001"))
