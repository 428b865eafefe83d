"""Reading the warehouse from checks and solutions: rows as dicts, money as exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

from heirpay_pipelines.incidents.facts import Night
from heirpay_pipelines.incidents.thresholds import thresholds


class NotBuiltError(Exception):
    """A table that a check or a solution reads is not there (yet): it cannot be made now."""


def rows(night: Night, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The result of a query; NotBuiltError when a table it reads is not built (yet)."""
    if night.warehouse is None:
        raise NotBuiltError("no warehouse is published yet")
    try:
        cursor = night.warehouse.execute(sql, parameters or {})
    except duckdb.CatalogException as error:
        raise NotBuiltError(str(error).splitlines()[0]) from None
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Named:
    """Objects that a control names: by the query that lists all of them (a column `id`), or, where
    there is none, by the ids of its evidence. A remark may follow an id."""

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def by_ids(cls, ids: Sequence[object]) -> Named:
        return cls("select unnest(cast($ids as varchar[])) as id", {"ids": [str(i) for i in ids]})

    @property
    def query(self) -> str:
        """Each id once, without a remark."""
        return (
            "select distinct regexp_extract(cast(id as varchar), '[^ ]+') as id"
            f" from ({self.sql}) as listed where trim(cast(id as varchar)) <> ''"
        )


# Objects with money of their own, by the prefix of Stripe's ids.
MONEY = """
with named as ({named}),
objects as (
    select id, amount, currency from staging.stg_stripe__charges
    union all by name select id, amount, currency from staging.stg_stripe__refunds
    union all by name select id, amount, currency from staging.stg_stripe__payouts
    union all by name select id, amount, currency from staging.stg_stripe__disputes
    union all by name select id, total as amount, currency from staging.stg_stripe__invoices
    union all by name select id, net as amount, currency
    from staging.stg_stripe__balance_transactions
)
select objects.currency, sum(abs(objects.amount)) as minor, max(currencies.exponent) as exponent
from objects
inner join intermediate.currencies as currencies on objects.currency = currencies.currency
where objects.id in (select id from named) {others}
group by objects.currency
order by objects.currency
"""
NO_BREAKS = """and objects.id not in (
    select break_id from finance.reconciliation_breaks
    union all select object_id from finance.reconciliation_breaks where object_id is not null
)"""


def money_of(
    night: Night, named: Named, *, without_breaks: bool = False
) -> tuple[Decimal, str | None]:
    """Money of all named objects, or of those that no open break is about: the sum in the currency
    in which most of it is.

    Nothing for objects without money and before the tables are built.
    """
    sql = MONEY.format(named=named.query, others=NO_BREAKS if without_breaks else "")
    try:
        found = rows(night, sql, named.parameters)
    except NotBuiltError:
        return Decimal(0), None
    sums = [(Decimal(r["minor"]).scaleb(-r["exponent"]), str(r["currency"])) for r in found]
    if not sums:
        return Decimal(0), None
    return max(sums, key=lambda item: in_reporting(night, *item) or Decimal(0))


def exact(night: Night, amount: Decimal, currency: str | None) -> Decimal:
    """`amount` with the decimals of its currency; more of them stay where they say something."""
    sql = "select exponent from intermediate.currencies where currency = $currency"
    try:
        found = rows(night, sql, {"currency": currency})
    except NotBuiltError:
        return amount
    if not found:
        return amount
    rounded = amount.quantize(Decimal(1).scaleb(-found[0]["exponent"]))
    return rounded if rounded == amount else amount


def as_of(night: Night) -> str:
    """The as-of instant as a DuckDB TIMESTAMP literal's text, UTC without zone."""
    return night.run.as_of.replace(tzinfo=None).isoformat(sep=" ")


def in_reporting(night: Night, amount: Decimal, currency: str | None) -> Decimal | None:
    """`amount` in the reporting currency at the newest rate; None when no rate is known."""
    return converted(night, amount, currency, night.home.reporting_currency)


RATE = """
select max_by(units_per_eur, rate_date) filter (where currency = $source) as source,
    max_by(units_per_eur, rate_date) filter (where currency = $target) as target,
    max_by(reporting_units_per_eur, rate_date) filter (where currency = $source) as reporting
from intermediate.int_exchange_rates
"""


def converted(night: Night, amount: Decimal, currency: str | None, target: str) -> Decimal | None:
    """`amount` in another currency at the European Central Bank's newest rate; None when no rate
    is known."""
    if currency is None or currency == target:
        return amount
    try:
        (rate,) = rows(night, RATE, {"source": currency, "target": target})
    except NotBuiltError:
        return None
    of_target = rate["target"]
    if of_target is None and target == night.home.reporting_currency:
        of_target = rate["reporting"]
    if of_target is None or rate["source"] is None:
        return None
    return Decimal(amount * of_target / rate["source"])


def over_revenue_impact(night: Night, amount: Decimal, currency: str | None) -> bool:
    """Whether so much money at risk is the company's threshold or more."""
    limits = thresholds(night.home).payments
    found = converted(night, amount, currency, limits.revenue_impact_currency)
    return found is not None and found >= limits.revenue_impact
