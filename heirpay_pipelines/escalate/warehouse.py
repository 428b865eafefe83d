"""Reading the warehouse from checks and solutions: rows as dicts, money as exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

from heirpay_pipelines.escalate.facts import Night


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


def as_of(night: Night) -> str:
    """The as-of instant as a DuckDB TIMESTAMP literal's text, UTC without zone."""
    return night.run.as_of.replace(tzinfo=None).isoformat(sep=" ")


def in_reporting(night: Night, amount: Decimal, currency: str | None) -> Decimal | None:
    """`amount` in the reporting currency at the newest rate; None when no rate is known."""
    reporting = night.settings.reporting_currency
    if currency is None or currency == reporting:
        return amount
    sql = (
        "select reporting_units_per_eur, units_per_eur from intermediate.exchange_rates"
        " where currency = $currency order by rate_date desc limit 1"
    )
    try:
        found = rows(night, sql, {"currency": currency})
    except NotBuiltError:
        return None
    if not found:
        return None
    rate = found[0]
    return Decimal(amount * rate["reporting_units_per_eur"] / rate["units_per_eur"])
