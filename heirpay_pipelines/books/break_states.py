"""Keeping which breaks each publication had, so that a resolved one that comes back reopens."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.state.database import State


def record_breaks(connection: duckdb.DuckDBPyConnection, state: State, as_of: datetime) -> int:
    """Keep the build's breaks as seen at `as_of`; reopen what was resolved and is open again.

    `connection` is open on the build that is being published; call it once publication is
    certain. Recording the same build again changes nothing. Returns how many reopened.
    """
    instant = _text(as_of)
    rows = connection.execute(
        "select break_id, is_resolved from intermediate.int_every_break order by break_id"
    ).fetchall()
    reopened = 0
    with state.transaction() as transaction:
        transaction.executemany(
            "insert into break_sightings values (?, ?, ?) on conflict (break_id) do update"
            " set last_seen_as_of = max(last_seen_as_of, excluded.last_seen_as_of)",
            [(break_id, instant, instant) for break_id, _ in rows],
        )
        for break_id in (break_id for break_id, is_resolved in rows if not is_resolved):
            changed = transaction.execute(
                "update break_resolutions set reopened_as_of = ?"
                " where break_id = ? and reopened_as_of is null and resolved_as_of < ?",
                (instant, break_id, instant),
            )
            if changed.rowcount:
                reopened += 1
                append(state, datetime.now(UTC), "nightly", Action.BREAK_REOPENED, break_id, {})
    return reopened


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
