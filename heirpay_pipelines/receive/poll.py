"""The polling fallback: events asked for at Stripe when none are delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson

from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.receive.event import Delivery, read_event
from heirpay_pipelines.receive.stored_bodies import keep_body
from heirpay_pipelines.state import State

PAGE = 100
MAX_PAGES = 100  # 10,000 events; the nightly pull reads whatever is beyond
SECONDS = 120
ATTEMPTS = 3  # a fallback that waits for ten minutes holds up the escalation
KEEP = """
insert into webhook_deliveries (event_id, type, object_id, account, livemode, api_version, created,
  received_at, last_received_at, deliveries, replayed_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
on conflict (event_id) do nothing
"""


def poll_event_log(account: StripeAccount, state: State) -> tuple[int, int]:
    """Fetch the events since the newest delivered one; keep those that never came.

    Returns (fetched, kept). Kept events wait in the inbox like delivered ones and are drained with
    them. Raises pull.errors.PullError when Stripe cannot be asked.
    """
    since = state.rows("select max(created) as newest from webhook_deliveries where deliveries > 0")
    events = asyncio.run(_fetch(account, since[0]["newest"]))
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    with state.transaction() as connection:
        kept = 0
        for event in events:
            values = (event.event_id, event.type, event.object_id, event.account, event.livemode)
            times = (event.api_version, event.created, at, at, at)
            if connection.execute(KEEP, (*values, *times)).rowcount:
                keep_body(connection, event.event_id, event.body)
                kept += 1
    return len(events), kept


async def _fetch(account: StripeAccount, newest: int | None) -> list[Delivery]:
    client = Client(account.api_key, account.api_base, attempts=ATTEMPTS)
    try:
        async with asyncio.timeout(SECONDS):
            return [read_event(orjson.dumps(event)) async for event in _pages(client, newest)]
    finally:
        await client.close()


async def _pages(client: Client, newest: int | None) -> AsyncIterator[dict[str, Any]]:
    params: dict[str, Any] = {"limit": PAGE}
    if newest is not None:
        params["created"] = {"gte": newest}
    for _ in range(MAX_PAGES):
        page = await client.get("events", params)
        for event in page["data"]:
            yield event
        if not page["has_more"] or not page["data"]:
            return
        params["starting_after"] = page["data"][-1]["id"]
