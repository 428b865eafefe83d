"""Rows of a fact for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from heirpay_pipelines.report.context import ReportContext

RATES = ("_rate", "ratio", "_retention", "_threshold")


def rows_as_json(context: ReportContext, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for programs: decimals as exact text, dates and instants as ISO 8601."""
    return [
        {name: _plain(context, name, value, row.get("currency")) for name, value in row.items()}
        for row in rows
    ]


def _plain(context: ReportContext, name: str, value: Any, currency: str | None) -> Any:
    if isinstance(value, Decimal):
        if name.endswith(RATES):
            return f"{value:f}"
        own = context.reporting if name.endswith("_reporting") else currency
        return context.money.plain(value, own) if own else f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
