"""Noting that an event was taken from the event log because no delivery had come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from heirpay_pipelines.state import State

MARK = """
insert into webhook_deliveries (event_id, type, object_id, livemode, created, received_at,
  last_received_at, deliveries, replayed_at, drained_at)
values (:event_id, :event_type, :object_id, 0, :created, :at, :at, 0, :at, :at)
on conflict (event_id) do nothing
"""


def mark_replayed(state: State, events: Sequence[Mapping[str, Any]], as_of: datetime) -> int:
    """Mark events (event_id, event_type, created, object_id) as replayed; how many were not yet.

    They are in landing already, so nothing is left to drain. A delivery that comes after all is
    counted then, and an event that was delivered in between stays as it is.
    """
    at = as_of.isoformat(timespec="milliseconds")
    with state.transaction() as connection:
        return sum(connection.execute(MARK, {**event, "at": at}).rowcount for event in events)


def record_endpoint(state: State, url: str, at: datetime) -> None:
    """Remember where `heirpay receive` listens."""
    with state.transaction() as connection:
        connection.execute(
            "insert into webhook_endpoint values (1, ?, ?) on conflict (id) do update"
            " set url = excluded.url, started_at = excluded.started_at",
            (url, at.isoformat()),
        )
