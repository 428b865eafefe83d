"""Deliveries whose stored bodies are damaged: quarantined, and asked for again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.refetch import MOMENT
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.receive.stored_bodies import GONE, ask_for_events, quarantined_body
from heirpay_pipelines.state import State

SOURCE = "webhook"
UNUSED_BODIES = """
delete from webhook_bodies
where event_id in (select event_id from webhook_deliveries where not_used is not null)
"""


@dataclass
class Damaged:
    """Deliveries whose bodies are not what was acknowledged: in quarantine by their event's id, and
    asked for again at Stripe until it answers."""

    account: StripeAccount
    writer: Writer
    pull_id: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, Any] | str] = field(default_factory=dict)

    def found(self, row: dict[str, Any], fault: str) -> None:
        self.rows[row["event_id"]] = row
        self.faults[row["event_id"]] = fault

    @property
    def is_noted(self) -> bool:
        """Whether anything about them is landed."""
        return any(row["damaged_at"] is None for row in self.rows.values()) or any(
            isinstance(answer, dict) for answer in self.answers.values()
        )

    async def settle(self) -> list[tuple[dict[str, Any], bool]]:
        """Land the records of quarantine; the events that Stripe answered, each with whether it is
        tied."""
        self.answers = await asyncio.to_thread(ask_for_events, self.account, list(self.rows))
        answered = []
        for event_id, row in self.rows.items():
            record = quarantined_body(event_id, self.faults[event_id], row["body"], self.pull_id)
            if row["damaged_at"] is None:
                await self.writer.add(record, SOURCE)
            event = self.answers.get(event_id)
            if isinstance(event, dict):
                resolved = record | {"resolved": True, "resolved_as": event_id}
                await self.writer.add(resolved, SOURCE, self.writer.observed_at + MOMENT)
                answered.append((event, bool(row["is_tied"])))
        return answered

    def mark(self, state: State, as_of: datetime) -> None:
        """Note which are known as damaged, and let go of those that Stripe does not have."""
        gone = [event_id for event_id, answer in self.answers.items() if answer == GONE]
        with state.transaction() as connection:
            connection.executemany(
                "update webhook_bodies set damaged_at = ? where event_id = ?"
                " and damaged_at is null",
                [(as_of.isoformat(), event_id) for event_id in self.rows],
            )
            connection.executemany(
                "update webhook_deliveries set drained_at = ?, not_used = ? where event_id = ?",
                [(as_of.isoformat(), f"damaged; {GONE}", event_id) for event_id in gone],
            )
            connection.execute(UNUSED_BODIES)
