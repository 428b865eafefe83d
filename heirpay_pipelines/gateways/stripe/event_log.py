"""Following the event log: the newest version of each object that changed.

An event is not always enough. Its `created` has one second, so two events of one second do not say
which is newer; nested lists stop at ten entries; and what only an expanded answer holds, an event
never holds. Such an object is asked for again: alone, or with the other new ones by listing them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import stripe

from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.lister import (
    ListPull,
    Object,
    Page,
    Sink,
    Window,
    complete_nested,
    created_of,
    is_cut,
)
from heirpay_pipelines.gateways.stripe.ports import Named, Progress, Store
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, Resource

FETCHES = 8
# So many new objects are had cheaper by listing them, a hundred with each request.
WORTH_LISTING = 5
Land = Callable[..., Awaitable[None]]


@dataclass
class Tally:
    """What was read for one line of the coverage statement."""

    rows: int = 0
    requests: int = 0
    note: str | None = None
    """What is to be said of it, though it went well."""


@dataclass(frozen=True)
class Wanted:
    """An object to ask for again; `event_id` carries it if Stripe has it no more."""

    id: str
    event_id: str
    created: int | None


@dataclass
class Changes:
    """What the events since `since` (epoch seconds) have changed, landed."""

    client: Client
    store: Store
    progress: Progress
    since: int
    until: int
    land: Land
    wanted: dict[str, list[Wanted]] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)

    async def take_whole(self, skipped: set[str]) -> None:
        """Land each version that an event carries whole; note the others as wanted.

        Object names in `skipped` were listed in full by this pull: the lists have them already.
        """
        await self.store.flush("event")
        for batch in self.store.named_by_events(self.since):
            for named in batch:
                if named.object_name not in skipped:
                    await self._take(named)

    async def _take(self, named: Named) -> None:
        obj: Object = orjson.loads(named.payload)
        resource = BY_OBJECT.get(named.object_name)
        deleted = is_deletion(named)
        unclear = named.doubtful or of_another_version(named.api_version)
        if resource is not None and not deleted and (unclear or lacks(obj, resource)):
            wanted = Wanted(named.id, named.event_id, created_of(obj))
            self.wanted.setdefault(named.object_name, []).append(wanted)
            return
        tally = self.tallies.setdefault(named.object_name, Tally())
        tally.rows += 1
        await self.land(
            resource,
            obj | {"deleted": True} if deleted else obj,
            "event",
            observed_at=named.observed_at,
            event_id=named.event_id,
            api_version=named.api_version,
        )

    async def ask_again(self, resource: Resource, sink: Sink, tally: Tally) -> None:
        """Read the wanted objects of one resource from Stripe."""
        whole = self.tallies.get(resource.object_name, Tally())
        tally.rows, tally.requests = whole.rows, whole.requests
        wanted = self.wanted.get(resource.object_name, [])
        new = [w for w in wanted if w.created is not None and w.created >= self.since]
        if resource.windowed and len(new) > WORTH_LISTING:
            pull = ListPull(self.client, resource, sink, self.since)
            await pull.run(Window(min(w.created for w in new if w.created), self.until))
            tally.rows += pull.rows
            tally.requests += pull.requests
            wanted = [w for w in wanted if w not in set(new)]
        gate = asyncio.Semaphore(FETCHES)

        async def one(wish: Wanted) -> None:
            async with gate:
                await self._fetch(resource, wish, tally)

        async with asyncio.TaskGroup() as group:
            for wish in wanted:
                group.create_task(one(wish))

    async def _fetch(self, resource: Resource, wish: Wanted, tally: Tally) -> None:
        params: dict[str, Any] = {"expand": list(resource.expand)} if resource.expand else {}
        tally.requests += 1
        tally.rows += 1
        try:
            obj = await self.client.get(f"{resource.path}/{wish.id}", params)
        except NotReadableError as error:
            if error.status != 404:
                raise
            # Deleted since: the event's version is the last there was; the deletion is an event.
            obj = self.store.event_object(wish.event_id)
        tally.requests += await complete_nested(self.client, obj)
        await self.land(resource, obj, "list")
        self.progress.listed(resource.object_name, 1, 1)


@dataclass
class EventSink:
    """Lands the events of a list that earlier pulls have not followed."""

    store: Store
    progress: Progress
    since: int | None
    land: Land
    fresh: int = 0
    _known: set[str] | None = None

    async def __call__(self, resource: Resource, page: Page) -> int:
        if self._known is None:
            self._known = set() if self.since is None else self.store.known_events(self.since)
        for event in page:
            if isinstance(event, dict) and event.get("id") in self._known:
                continue
            self.fresh += 1
            await self.land(resource, event, "event")
        self.progress.listed("event", len(page), 1)
        return 0


def is_deletion(named: Named) -> bool:
    """Whether the event says that the object is no more. A subscription's `deleted` does not: it
    is how Stripe calls a cancellation."""
    return named.event_type.endswith(".deleted") and named.object_name != "subscription"


def of_another_version(api_version: str | None) -> bool:
    """Whether an event holds its object in the shape of another API version than the one that
    lists are asked in: Stripe renders events in the account's default version."""
    return api_version not in (None, stripe.api_version)


def lacks(obj: Object, resource: Resource) -> bool:
    """Whether an event's version lacks what a listed one has: the rest of a nested list, or an
    expanded field. Children have events of their own."""
    paths = [path for path in resource.expand if path not in resource.children]
    return is_cut(obj) or any(collapsed(obj, path.split(".")) for path in paths)


def collapsed(value: Any, path: list[str]) -> bool:
    """Whether the field at the path is absent, or holds an id where the object should be."""
    if isinstance(value, list):
        return any(collapsed(item, path) for item in value)
    if isinstance(value, str):  # of a field inside the object, too, only the id is there
        return True
    if not path or not isinstance(value, dict):
        return False
    if path[0] not in value:
        return True
    return collapsed(value[path[0]], path[1:])
