"""Requests that are not Stripe's by their signature: how many, why, from when to when.

With a wrong secret every delivery is one of them, so they are counted where the night sees them.
Anybody can send such a request: they are counted in memory and written together, by hour and
reason, and nothing of them is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from heirpay_pipelines.state import open_state

KEPT = timedelta(days=30)
UPSERT = """
insert into webhook_refusals values (?, ?, ?, ?, ?)
on conflict (hour, reason) do update
  set requests = requests + excluded.requests, last_at = max(last_at, excluded.last_at),
    first_at = min(first_at, excluded.first_at)
"""


class Refusals:
    """Counts, in memory until they are written."""

    def __init__(self, state_file: Path) -> None:
        self._state_file = state_file
        self._counted: dict[tuple[str, str], tuple[int, str, str]] = {}

    def count(self, reason: str, at: datetime) -> None:
        """One more request that was refused for `reason`."""
        instant = at.astimezone(UTC).isoformat(timespec="milliseconds")
        key = (instant[:13], reason)
        requests, first, _ = self._counted.get(key, (0, instant, instant))
        self._counted[key] = (requests + 1, first, instant)

    def write(self) -> None:
        """Write what was counted since the last time, and forget what is old."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        newest = max(last for _, _, last in counted.values())
        oldest = (datetime.fromisoformat(newest) - KEPT).isoformat()[:13]
        with open_state(self._state_file) as state, state.transaction() as connection:
            connection.executemany(UPSERT, [(*key, *found) for key, found in counted.items()])
            connection.execute("delete from webhook_refusals where hour < ?", (oldest,))
