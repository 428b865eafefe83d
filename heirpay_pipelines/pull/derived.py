"""What no list of its own serves: payout compositions, customers' credit, objects that vanished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from heirpay_pipelines.pull.client import Client
from heirpay_pipelines.pull.errors import NotReadableError
from heirpay_pipelines.pull.event_log import FETCHES, Land, Tally
from heirpay_pipelines.pull.lister import Object, complete_nested, read_pages
from heirpay_pipelines.pull.ports import Store
from heirpay_pipelines.pull.resources import Resource


@dataclass
class Derived:
    """Reads object by object; each method fills a tally for its line of coverage."""

    client: Client
    store: Store
    land: Land

    async def compositions(self, tally: Tally) -> None:
        """The balance transactions of each completed automatic payout. Manual and instant payouts
        have no composition of their own."""
        await self.store.flush("payout")
        await _each(self.store.payouts_to_compose(), lambda id: self._composition(id, tally))

    async def _composition(self, payout_id: str, tally: Tally) -> None:
        found, requests = await read_pages(
            self.client, "balance_transactions", {"payout": payout_id}
        )
        tally.rows += 1
        tally.requests += requests
        ids = [str(item["id"]) for item in found]
        await self.store.put(
            {"id": payout_id, "object": "payout_composition", "balance_transactions": ids}, "list"
        )

    async def customer_credit(self, customers: Iterable[str], tally: Tally) -> None:
        """The changes of these customers' credit balances."""
        await _each(sorted(customers), lambda id: self._credit(id, tally))

    async def _credit(self, customer_id: str, tally: Tally) -> None:
        path = f"customers/{customer_id}/balance_transactions"
        try:
            found, requests = await read_pages(self.client, path, {})
        except NotReadableError as error:
            if error.status != 404:
                raise
            found, requests = [], 1  # a deleted customer has none any more
        tally.rows += len(found)
        tally.requests += requests
        for item in found:
            await self.store.put(item, "list")

    async def vanished(self, resource: Resource, objects: list[Object], tally: Tally) -> None:
        """Objects that left a list that was read in full: deleted while no event could tell (a gap
        in the event log), or only hidden from the list. Stripe is asked for each."""
        last = {str(obj["id"]): obj for obj in objects}
        await _each(last, lambda id: self._vanished(resource, last[id], tally))

    async def _vanished(self, resource: Resource, last: Object, tally: Tally) -> None:
        params = {"expand": list(resource.expand)} if resource.expand else {}
        try:
            obj = await self.client.get(f"{resource.path}/{last['id']}", params)
        except NotReadableError as error:
            if error.status != 404:
                raise
            obj = last | {"deleted": True}
        if obj.get("deleted"):
            obj = last | {"deleted": True}
        tally.rows += 1
        tally.requests += 1 + await complete_nested(self.client, obj)
        await self.land(resource, obj, "list")


async def _each(ids: Iterable[str], read: Callable[[str], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(FETCHES)

    async def one(id: str) -> None:
        async with gate:
            await read(id)

    async with asyncio.TaskGroup() as group:
        for id in ids:
            group.create_task(one(id))
