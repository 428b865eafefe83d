"""What a velocity rule would have done: precision, recall, money saved and lost, exactly.

What an attempt was is `fraud_label` of finance.payment_risk: *fraud* or *suspected* is bad,
*genuine* is good; a failure without any sign (*unknown*) counts for neither. Disputes come up to
120 days after a payment: the newest weeks look better than they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import duckdb

from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.risk.rules import RiskError, VelocityRule

FLAGGED = """
with measured as (
    select *, {measure} as measured from finance.payment_risk where {condition}
),
flagged as (
    select * from measured
    where measured >= $threshold and occurred_on between $since and $until
)
"""
SPAN = """
select
    coalesce(cast($since as date), min(occurred_on)),
    coalesce(cast($until as date), max(occurred_on)),
    (select max(as_of) from operations.run_history where is_published)
from finance.payment_risk
"""
COUNTS = """
select
    count(*) as flagged,
    count(*) filter (where fraud_label in ('fraud', 'suspected')) as bad,
    count(*) filter (where fraud_label = 'genuine') as good,
    count(*) filter (where fraud_label = 'unknown') as unknown
from flagged
"""
ALL_BAD = """
select count(*) from finance.payment_risk
where fraud_label in ('fraud', 'suspected') and occurred_on between $since and $until
"""
MONEY = """
select
    currency,
    coalesce(sum(amount_kept) filter (where fraud_label in ('fraud', 'suspected')), 0) as saved,
    coalesce(sum(amount_kept) filter (where fraud_label = 'genuine'), 0) as lost
from flagged where status = 'succeeded'
group by currency order by currency
"""
FEES = """
select disputes.settlement_currency, sum(disputes.dispute_fees) as fees
from finance.disputes as disputes
inner join flagged on disputes.charge_id = flagged.charge_id
where disputes.dispute_fees <> 0 and flagged.fraud_label in ('fraud', 'suspected')
group by disputes.settlement_currency order by disputes.settlement_currency
"""


@dataclass(frozen=True)
class Money:
    """What blocking would have saved (kept of bad payments) and lost (kept of good ones), in major
    units of `currency`."""

    currency: str
    saved: Decimal
    lost: Decimal


@dataclass(frozen=True)
class Backtest:
    """One rule on the days `since` to `until`, both included."""

    rule: str
    since: date
    until: date
    as_of: str
    flagged: int
    bad: int
    good: int
    unknown: int
    all_bad: int
    money: tuple[Money, ...]
    dispute_fees_saved: tuple[tuple[str, Decimal], ...]
    """By settlement currency."""

    @property
    def precision(self) -> Decimal | None:
        """Bad by bad and good among the flagged; None when it flags neither."""
        return _ratio(self.bad, self.bad + self.good)

    @property
    def recall(self) -> Decimal | None:
        """Flagged bad by all bad attempts of the time; None when there were none."""
        return _ratio(self.bad, self.all_bad)

    def as_json(self) -> dict[str, Any]:
        """Exact text throughout."""
        return {
            "rule": self.rule,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "as_of": self.as_of,
            "flagged": self.flagged,
            "bad": self.bad,
            "good": self.good,
            "unknown": self.unknown,
            "all_bad": self.all_bad,
            "precision": _text(self.precision),
            "recall": _text(self.recall),
            "money": [
                {"currency": m.currency, "saved": f"{m.saved:f}", "lost": f"{m.lost:f}"}
                for m in self.money
            ],
            "dispute_fees_saved": [
                {"currency": currency, "amount": f"{fees:f}"}
                for currency, fees in self.dispute_fees_saved
            ],
        }


def backtest(
    home: Home,
    rule: VelocityRule,
    since: date | None = None,
    until: date | None = None,
    *,
    warehouse: duckdb.DuckDBPyConnection | None = None,
) -> Backtest:
    """Run a rule over the published history, or over the build that a night looks at; all of it
    without `since` and `until`.

    Raises WarehouseError without a published warehouse, RiskError when it is an older one.
    """
    with opened(home, warehouse) as source:
        first, last, as_of = _rows(source, SPAN, {"since": since, "until": until})[0]
        if first is None or last is None:
            raise RiskError("the published warehouse has no payments to test rules on")
        span = {"since": first, "until": last}
        cte, parameters = flagged(rule, first, last)
        counts = _rows(source, cte + COUNTS, parameters)[0]
        hits, bad, good, unknown = counts
        return Backtest(
            rule=rule.name,
            since=first,
            until=last,
            as_of=str(as_of),
            flagged=hits,
            bad=bad,
            good=good,
            unknown=unknown,
            all_bad=_rows(source, ALL_BAD, span)[0][0],
            money=tuple(Money(*row) for row in _rows(source, cte + MONEY, parameters)),
            dispute_fees_saved=tuple(_rows(source, cte + FEES, parameters)),
        )


@contextmanager
def opened(
    home: Home, warehouse: duckdb.DuckDBPyConnection | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection that is given, or the published warehouse."""
    if warehouse is not None:
        yield warehouse
        return
    with connect(home.warehouse, home.key, read_only=True) as own:
        yield own


def flagged(rule: VelocityRule, since: date, until: date) -> tuple[str, dict[str, Any]]:
    """A CTE `flagged` with the attempts that fire the rule, and its parameters."""
    condition, parameters = rule.condition()
    cte = FLAGGED.format(measure=rule.measured(), condition=condition)
    return cte, {**parameters, "threshold": rule.threshold, "since": since, "until": until}


def _rows(
    warehouse: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    try:
        return warehouse.execute(sql, parameters).fetchall()
    except duckdb.CatalogException as error:
        what = str(error).splitlines()[0]
        raise RiskError(f"the published warehouse is an older one ({what}): run it anew") from None


def _ratio(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
