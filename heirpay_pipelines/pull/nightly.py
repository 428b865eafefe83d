"""One pull: everything at first, then what the event log says has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from heirpay_pipelines.pull.client import Client
from heirpay_pipelines.pull.coverage import Coverage
from heirpay_pipelines.pull.errors import NotReadableError, PullError
from heirpay_pipelines.pull.lister import ListPull, Object, Page, Window, complete_nested, read_list
from heirpay_pipelines.pull.resources import BY_OBJECT, RESOURCES, Resource

RETENTION_SECONDS = 30 * 86_400
# Stripe keeps events for 30 days; a cursor that is nearly as old is not trusted any more.
OLDEST_CURSOR_SECONDS = 29 * 86_400
# Objects may be listed a little after the second they are stamped with: look back a while.
OVERLAP_SECONDS = 3_600
FETCHES = 8


class Progress(Protocol):
    """Hears what a pull does, as it does it."""

    def listed(self, object_name: str, rows: int, requests: int) -> None: ...
    def done(self, coverage: Coverage) -> None: ...


class Store(Protocol):
    """Where a pull puts what it reads, and what it may ask about earlier pulls."""

    async def put(
        self,
        obj: Object,
        source: str,
        observed_at: datetime | None = None,
        event_id: str | None = None,
        api_version: str | None = None,
    ) -> None: ...

    def known_events(self, since: int) -> set[str]: ...
    def payouts_without_composition(self, landed_now: dict[str, Object]) -> list[str]: ...


@dataclass
class Pull:
    """`since` is the event cursor of the newest pull, None for the first (then all is listed)."""

    client: Client
    store: Store
    as_of: datetime
    since: int | None
    progress: Progress
    coverage: list[Coverage] = field(default_factory=list)
    payouts: dict[str, Object] = field(default_factory=dict)
    credited: set[str] = field(default_factory=set)

    @property
    def mode(self) -> str:
        """`events` when the event log still reaches back to the newest pull, else `full`: a gap
        longer than Stripe's retention heals by listing everything again."""
        now = int(self.as_of.timestamp())
        if self.since is None or now - self.since > OLDEST_CURSOR_SECONDS:
            return "full"
        return "events"

    async def run(self) -> None:
        """Read everything that belongs to this pull. Raises the first PullError of any part."""
        try:
            async with asyncio.TaskGroup() as group:
                for resource in RESOURCES:
                    if resource.follow == "always":
                        group.create_task(self._singleton(resource))
                    elif self.mode == "full" or resource.follow == "created":
                        group.create_task(self._list(resource))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        await self._compositions()
        await self._customer_balances()

    async def _singleton(self, resource: Resource) -> None:
        async def read() -> tuple[int, int]:
            await self.store.put(await self.client.get(resource.path), "list")
            return 1, 1

        await self._covered(resource, "always", None, read)

    async def _list(self, resource: Resource) -> None:
        until = int(self.as_of.timestamp()) + 1
        since = 0
        if self.mode == "events" and self.since is not None:
            since = self.since - OVERLAP_SECONDS
        elif resource.object_name == "event":
            since = until - RETENTION_SECONDS
        events = resource.object_name == "event"
        sink = EventSink(self, since) if events else self._sink

        async def read() -> tuple[int, int]:
            pull = ListPull(self.client, resource, sink)
            await pull.run(Window(since, until))
            extra = await sink.apply() if isinstance(sink, EventSink) else 0
            return pull.rows, pull.requests + extra

        mode = "full" if self.mode == "full" else resource.follow
        await self._covered(resource, mode, since, read)

    async def _covered(
        self,
        resource: Resource,
        mode: str,
        since: int | None,
        read: Callable[[], Awaitable[tuple[int, int]]],
    ) -> None:
        status, reason, rows, requests = "complete", None, 0, 1
        try:
            rows, requests = await read()
        except NotReadableError as error:
            status, reason = ("forbidden" if error.status == 403 else "gone"), str(error)
        except BaseExceptionGroup as errors:
            first = _first(errors)
            if not isinstance(first, NotReadableError):
                raise
            status, reason = ("forbidden" if first.status == 403 else "gone"), str(first)
        covered_from = datetime.fromtimestamp(since, UTC).isoformat() if since else None
        line = Coverage(
            f"/v1/{resource.path}", resource.object_name, mode, covered_from,
            self.as_of.isoformat(), rows, requests, status, reason,
        )  # fmt: skip
        self.coverage.append(line)
        self.progress.done(line)

    async def _sink(self, resource: Resource, page: Page) -> None:
        for obj in page:
            await self.land(resource, obj, "list")
        self.progress.listed(resource.object_name, len(page), 1)

    async def land(self, resource: Resource | None, obj: Object, source: str, **kept: Any) -> None:
        """Put one whole object: its cut lists completed, its children beside it."""
        if isinstance(obj, dict):
            await complete_nested(self.client, obj)
            self._remember(obj)
            for name in resource.children if resource else ():
                for child in (obj.get(name) or {}).get("data", []):
                    await self.store.put(child, source, **kept)
        await self.store.put(obj, source, **kept)

    def _remember(self, obj: Object) -> None:
        kind = obj.get("object")
        if kind == "payout":
            self.payouts[str(obj["id"])] = obj
        elif kind == "invoice" and (obj.get("starting_balance") or obj.get("ending_balance")):
            self.credited.add(str(obj.get("customer")))
        elif kind == "customer" and obj.get("balance"):
            self.credited.add(str(obj["id"]))

    async def _compositions(self) -> None:
        """The balance transactions that each completed automatic payout contains. Manual and
        instant payouts have no composition of their own."""
        wanted = self.store.payouts_without_composition(self.payouts)
        total = await self._each(wanted, self._composition)
        self._derived("balance_transactions?payout=", "payout_composition", len(wanted), total)

    async def _composition(self, payout_id: str) -> int:
        params: dict[str, Any] = {"limit": 100, "payout": payout_id}
        ids, requests = await self._all_ids("balance_transactions", params)
        await self.store.put(
            {"id": payout_id, "object": "payout_composition", "balance_transactions": ids}, "list"
        )
        return requests

    async def _all_ids(self, path: str, params: dict[str, Any]) -> tuple[list[str], int]:
        ids: list[str] = []
        requests, cursor = 0, None
        while True:
            page = await read_list(
                self.client, path, params | ({"starting_after": cursor} if cursor else {}), cursor
            )
            requests += 1
            ids.extend(str(item["id"]) for item in page["data"])
            if not page["has_more"]:
                return ids, requests
            cursor = ids[-1]

    async def _customer_balances(self) -> None:
        """Changes of credit balances, of the customers whose invoices or balance show any."""
        wanted = sorted(self.credited)
        total = await self._each(wanted, self._customer_balance)
        self._derived(
            "customers/{id}/balance_transactions",
            "customer_balance_transaction",
            len(wanted),
            total,
        )

    async def _customer_balance(self, customer_id: str) -> int:
        path, requests, cursor = f"customers/{customer_id}/balance_transactions", 0, None
        while True:
            params = {"limit": 100} | ({"starting_after": cursor} if cursor else {})
            try:
                page = await read_list(self.client, path, params, cursor)
            except NotReadableError:
                return requests + 1  # a deleted customer has none any more
            requests += 1
            for item in page["data"]:
                await self.store.put(item, "list")
            if not page["has_more"]:
                return requests
            cursor = str(page["data"][-1]["id"])

    async def _each(self, ids: list[str], read: Callable[[str], Awaitable[int]]) -> int:
        gate = asyncio.Semaphore(FETCHES)

        async def one(id: str) -> int:
            async with gate:
                return await read(id)

        return sum(await asyncio.gather(*(one(id) for id in ids)))

    def _derived(self, path: str, object_name: str, rows: int, requests: int) -> None:
        line = Coverage(
            f"/v1/{path}", object_name, "derived", None, self.as_of.isoformat(), rows, requests
        )
        self.coverage.append(line)
        self.progress.done(line)


@dataclass
class EventSink:
    """Lands the event log, then the newest version of each object that it names."""

    pull: Pull
    since: int
    newest: dict[tuple[str, str], Object] = field(default_factory=dict)
    tied: set[tuple[str, str]] = field(default_factory=set)
    _known: set[str] | None = None

    async def __call__(self, resource: Resource, page: Page) -> None:
        if self._known is None:
            self._known = self.pull.store.known_events(self.since)
        fresh = [event for event in page if event["id"] not in self._known]
        for event in fresh:
            await self._land(event)
            self._consider(event)
        self.pull.progress.listed("event", len(fresh), 1)

    async def _land(self, event: Object) -> None:
        at = datetime.fromtimestamp(event["created"], UTC)
        version = event.get("api_version")
        await self.pull.store.put(event, "event", at, str(event["id"]), version)

    def _consider(self, event: Object) -> None:
        obj = event["data"]["object"]
        if not obj.get("id"):
            return
        key = (str(obj["object"]), str(obj["id"]))
        before = self.newest.get(key)
        if before is None or event["created"] > before["created"]:
            self.newest[key] = event
            self.tied.discard(key)
        elif event["created"] == before["created"]:
            # `created` has one second: neither is the newer one. Ask what is true now.
            self.tied.add(key)

    async def apply(self) -> int:
        """Land the newest versions; on the first pull the lists have them already. Returns the
        requests that it took."""
        if self.pull.mode == "full":
            return 0
        gate = asyncio.Semaphore(FETCHES)

        async def one(key: tuple[str, str], event: Object) -> int:
            async with gate:
                return await self._apply(key, event)

        return sum(await asyncio.gather(*(one(k, e) for k, e in self.newest.items())))

    async def _apply(self, key: tuple[str, str], event: Object) -> int:
        obj, resource = event["data"]["object"], BY_OBJECT.get(key[0])
        deleted = event["type"].endswith(".deleted") and key[0] != "subscription"
        if resource is not None and not deleted and self._must_fetch(key, resource, obj):
            params = {"expand": list(resource.expand)} if resource.expand else {}
            try:
                fetched = await self.pull.client.get(f"{resource.path}/{key[1]}", params)
            except NotReadableError:
                deleted = True  # gone since: the event's version is the last there was
            else:
                await self.pull.land(resource, fetched, "list")
                return 1
        if deleted:
            obj = obj | {"deleted": True}
        at = datetime.fromtimestamp(event["created"], UTC)
        kept = {"observed_at": at, "event_id": event["id"], "api_version": event.get("api_version")}
        await self.pull.land(resource, obj, "event", **kept)
        return 0

    def _must_fetch(self, key: tuple[str, str], resource: Resource, obj: Object) -> bool:
        """What an event carries cut short, unexpanded or not alone in its second."""
        cut = any(isinstance(v, dict) and v.get("has_more") for v in obj.values())
        return bool(resource.expand) or cut or key in self.tied


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error that is ours, of a group of parallel parts."""
    flat: list[BaseException] = []
    stack: list[BaseException] = [errors]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack.extend(error.exceptions)
        else:
            flat.append(error)
    ours = [error for error in flat if isinstance(error, PullError)]
    return (ours or flat)[0]
