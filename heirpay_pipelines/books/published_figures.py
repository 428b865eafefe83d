"""Keeping the monthly figures of each publication, so that a later one can say what it restates."""

from __future__ import annotations

import duckdb

from heirpay_pipelines.state.database import State


def record_figures(connection: duckdb.DuckDBPyConnection, state: State) -> int:
    """Keep the build's figures that are new or differ from those kept before.

    `connection` is open on the build that is being published; call it once publication is
    certain. Recording the same build again changes nothing. Returns the rows kept.
    """
    rows = connection.execute(
        """
        select
            strftime(as_of, '%Y-%m-%dT%H:%M:%S'), run_id, table_name, cast(month as varchar),
            currency, figure, cast(value as varchar), caused_by
        from intermediate.int_changed_figures
        order by all
        """
    ).fetchall()
    with state.transaction() as transaction:
        transaction.executemany(
            "insert or replace into published_figures values (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
    return len(rows)
