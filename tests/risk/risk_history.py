"""A small published warehouse with payments whose end is known, made by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb

from heirpay_pipelines.settings import Settings

SCHEMA = """
create schema finance; create schema operations;
create table operations.run_history as
    select 'run-1' as run_id, timestamp '2026-11-01' as as_of, true as is_published;
create table finance.disputes as select 'ch_four3' as charge_id, 'usd' as settlement_currency,
    15.000::decimal(24, 3) as dispute_fees;
create table finance.payment_risk (
    charge_id varchar, customer_id varchar, payment_method_fingerprint varchar,
    occurred_at timestamp, currency varchar, amount decimal(24, 3), amount_kept decimal(24, 3),
    status varchar, fraud_label varchar, occurred_on date, payment_method_type varchar default
    'card', brand varchar, country varchar, billing_country varchar, issuer varchar,
    wallet varchar, payment_flow varchar);
"""
NOON = datetime.fromisoformat("2026-10-20T12:00:00")
Row = tuple[Any, ...]


def tries(card: str, seconds: tuple[int, ...], *ends: tuple[str, str, str]) -> list[Row]:
    """Attempts with one card; `ends` are (status, label, amount) of the last ones, the others are
    failures without a sign."""
    plain = [("failed", "unknown", "1.00")] * (len(seconds) - len(ends))
    return [
        (f"ch_{card}{n}", f"cus_{card}", f"print_{card}", NOON + timedelta(seconds=after), "usd",
         amount, amount if status == "succeeded" else "0", status, label)
        for n, (after, (status, label, amount)) in enumerate(
            zip(seconds, [*plain, *ends], strict=True)
        )
    ]  # fmt: skip


HISTORY = [
    *tries("three", (0, 1, 2), ("succeeded", "fraud", "10.00")),
    *tries("four", (0, 1, 2, 3), ("succeeded", "fraud", "100.00")),
    *tries("five", (0, 1, 2, 3, 4), ("succeeded", "genuine", "40.05"),
           ("failed", "unknown", "40.05")),
    # The window holds what is exactly ten minutes old, and nothing older.
    *tries("edge", (0, 1, 2, 600), ("failed", "suspected", "3.00")),
    *tries("late", (0, 1, 2, 601), ("failed", "suspected", "3.00")),
]  # fmt: skip


def publish(settings: Settings, rows: list[Row] = HISTORY) -> None:
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(SCHEMA)
        connection.executemany(
            "insert into finance.payment_risk (charge_id, customer_id, payment_method_fingerprint,"
            " occurred_at, currency, amount, amount_kept, status, fraud_label)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.execute("update finance.payment_risk set occurred_on = occurred_at::date")
