"""Keeping what each publication posts to closed months: a posting never moves or changes."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.state.database import State

KEYS = "month, table_name, item, currency, figure"
POSTED = f"""
select strftime(month, '%Y-%m'), table_name, item, currency, figure, adjustment
from finance.closed_period_adjustments where adjusted_at = $as_of order by {KEYS}
"""


def record_adjustments(
    connection: duckdb.DuckDBPyConnection, state: State, as_of: datetime, run_id: str
) -> int:
    """Keep the build's own postings (major units) to closed months; tell the audit log.

    `connection` is open on the build that is being published; call it once publication is certain.
    Of a night that runs again only what differs from its earlier postings is kept. Returns the rows
    kept.
    """
    instant = as_of.astimezone(UTC).replace(tzinfo=None)
    text = instant.isoformat(timespec="seconds")
    wanted = {
        tuple(key): amount
        for *key, amount in connection.execute(POSTED, {"as_of": instant}).fetchall()
    }
    with state.transaction() as transaction:
        known: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for row in state.rows(
            f"select {KEYS}, adjustment from period_adjustments where as_of = ?", (text,)
        ):
            *key, amount = row.values()
            known[tuple(key)] += Decimal(amount)
        fresh = [
            (*key, text, run_id, f"{difference:f}")
            for key in sorted(wanted.keys() | known.keys())
            if (difference := wanted.get(key, Decimal(0)) - known[key])
        ]
        transaction.executemany(
            "insert into period_adjustments values (?, ?, ?, ?, ?, ?, ?, ?)", fresh
        )
        for month in sorted({row[0] for row in fresh}):
            posted = sum(row[0] == month for row in fresh)
            detail = {"run_id": run_id, "as_of": text, "figures": posted}
            append(state, datetime.now(UTC), "nightly", Action.MONTH_ADJUSTED, month, detail)
    return len(fresh)
