"""The balance, which Stripe states as it is now and not as of the night's instant."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import Land, Tally
from heirpay_pipelines.gateways.stripe.lister import read_pages
from heirpay_pipelines.gateways.stripe.ports import Store

DAY_SECONDS = 86_400
TRIES = 5
KEPT = ("id", "created", "currency", "net", "balance_type")
TOO_LATE = "not compared: the balance of now says little of a night that is over for a day or more"
TOO_BUSY = f"not compared: each time the balance was read, {TRIES} times, the account moved on"


async def read_balance(
    client: Client, store: Store, land: Land, now: int, until: int, tally: Tally
) -> None:
    """Land the balance with the movements in it that were created at `until` (epoch seconds) or
    later: object `balance_since`, by which the models carry it back to the night's instant.

    It is landed when the same movements stood there before and after it was read. `now` is
    Stripe's clock.
    """
    if now - until > DAY_SECONDS:
        tally.note = TOO_LATE
        return
    later = await _movements(client, until, tally)
    for _ in range(TRIES):
        balance = await client.get("balance")
        tally.requests += 1
        before, later = later, await _movements(client, until, tally)
        if before == later:
            if later:
                since = {"id": "balance_since", "object": "balance_since", "movements": later}
                await store.put(since, "list")
            await land(None, balance, "list")
            tally.rows += 1
            return
    tally.note = TOO_BUSY


async def _movements(client: Client, since: int, tally: Tally) -> list[dict[str, Any]]:
    found, requests = await read_pages(client, "balance_transactions", {"created": {"gte": since}})
    tally.requests += requests
    return [{name: item.get(name) for name in KEPT} for item in found if isinstance(item, dict)]
