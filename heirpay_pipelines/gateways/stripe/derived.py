"""What no list of its own serves: payout compositions, customers' credit, objects that vanished."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import FETCHES, Land, Tally
from heirpay_pipelines.gateways.stripe.lister import Object, complete_nested, read_pages
from heirpay_pipelines.gateways.stripe.ports import Store
from heirpay_pipelines.gateways.stripe.reports import Reports
from heirpay_pipelines.gateways.stripe.resources import Resource

PAYOUT_REPORT = "payout_reconciliation.itemized.5"
# So few payouts are listed sooner than Stripe has run a report.
WORTH_A_REPORT = 50
# What one report holds stays small in memory, also of an account with many payments a day.
PAYOUTS_A_REPORT = 500


@dataclass
class Derived:
    """Reads object by object; each method fills a tally for its line of coverage."""

    client: Client
    store: Store
    land: Land
    composed: set[str] = field(default_factory=set)

    async def compositions(self, tally: Tally) -> None:
        """The balance transactions of each completed automatic payout. Manual and instant payouts
        have no composition of their own."""
        await self.store.flush("payout_composition")
        payouts = self.store.payouts_to_compose()
        await _each(
            (payout.id for payout in payouts if payout.id not in self.composed),
            lambda id: self._composition(id, tally),
        )

    async def backfill(self, reports: Reports, tally: Tally) -> None:
        """The compositions of many payouts from Stripe's payout reconciliation report: a few
        requests, none of the read allocation, where lists take one for each payout. What the
        report does not hold is left to the lists."""
        spent = reports.requests
        try:
            first, last = await asyncio.to_thread(reports.available, PAYOUT_REPORT)
            payouts = [p for p in self.store.payouts_to_compose() if first <= p.arrival_date < last]
            for number in range(0, len(payouts), PAYOUTS_A_REPORT):
                some = payouts[number : number + PAYOUTS_A_REPORT]
                span = some[0].arrival_date, min(some[-1].arrival_date + 1, last)
                contents = await asyncio.to_thread(_contents, reports, *span)
                for payout in some:
                    if payout.id in contents:
                        own = payout.balance_transaction
                        await self._compose(
                            payout.id, [*contents[payout.id], *([own] if own else [])]
                        )
                        tally.rows += 1
        finally:
            tally.requests += reports.requests - spent

    async def _compose(self, payout_id: str, transactions: list[str]) -> None:
        self.composed.add(payout_id)
        composition = {"object": "payout_composition", "balance_transactions": transactions}
        await self.store.put({"id": payout_id} | composition, "list")

    async def _composition(self, payout_id: str, tally: Tally) -> None:
        found, requests = await read_pages(
            self.client, "balance_transactions", {"payout": payout_id}
        )
        tally.rows += 1
        tally.requests += requests
        await self._compose(payout_id, [str(item["id"]) for item in found])

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

    async def taxes(self, intents: Iterable[str], tally: Tally) -> None:
        """What Stripe Tax recorded of these payments and of their refunds."""
        await _each(sorted(intents), lambda id: self._taxes(id, tally))

    async def _taxes(self, intent_id: str, tally: Tally) -> None:
        tally.requests += 1
        try:
            found = await self.client.get("tax/associations/find", {"payment_intent": intent_id})
        except NotReadableError as error:
            if error.status != 404:
                raise
            return  # nothing was recorded
        for attempt in found.get("tax_transaction_attempts") or ():
            if committed := attempt.get("committed"):
                path = f"tax/transactions/{committed['transaction']}"
                obj = await self.client.get(path, {"expand": ["line_items"]})
                tally.rows += 1
                tally.requests += 1 + await complete_nested(self.client, obj)
                await self.store.put(obj, "list")
        # Last: while it is not landed, its payment is asked for again.
        await self.store.put(found, "list")

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


def is_taxed(intent: Object) -> bool:
    """Whether a payment intent carries a calculation of Stripe Tax."""
    hooks = intent.get("hooks")
    inputs = hooks.get("inputs") if isinstance(hooks, dict) else None
    return isinstance(inputs, dict) and bool(inputs.get("tax"))


def _contents(reports: Reports, start: int, end: int) -> dict[str, list[str]]:
    """Payout → its balance transactions but its own, of the payouts that arrive in [start, end)."""
    contents: dict[str, list[str]] = defaultdict(list)
    with reports.rows(reports.run(PAYOUT_REPORT, start, end)) as rows:
        for row in rows:
            contents[row["automatic_payout_id"]].append(row["balance_transaction_id"])
    return contents


async def _each(ids: Iterable[str], read: Callable[[str], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(FETCHES)

    async def one(id: str) -> None:
        async with gate:
            await read(id)

    async with asyncio.TaskGroup() as group:
        for id in ids:
            group.create_task(one(id))
