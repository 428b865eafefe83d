"""Long lists, pulled in parallel by splitting their time range."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from heirpay_pipelines.gateways.errors import CursorGoneError, NotReadableError, TransientError
from heirpay_pipelines.gateways.stripe.client import Client, endpoint_of
from heirpay_pipelines.gateways.stripe.resources import Resource

Object = dict[str, Any]
Page = list[Object]
# Takes a page; returns the requests that completing its objects took.
Sink = Callable[[Resource, Page], Awaitable[int]]

PAGE = 100
# A range is split only when so many pages are left that a half-empty one more is worth it.
WORTH_SPLITTING = 16
# A list of uneven density is split in vain now and then: never more often than this allows.
FREE_SPLITS, REQUESTS_FOR_A_SPLIT = 7, 20


@dataclass(frozen=True)
class Window:
    """Objects created in [since, until), in epoch seconds; `since` None has no lower bound."""

    since: int | None
    until: int


@dataclass
class Chain:
    """Pages followed one after the other: what is left to read of a window, newest first."""

    window: Window
    cursor: str | None = None
    pages: int = 0
    newest: int | None = None
    oldest: int | None = None
    passed: set[str] = field(default_factory=set)

    def took(self, page: Page) -> None:
        """Note a page. Entries that are no objects are passed over: land sets them aside."""
        times = [t for t in map(created_of, page) if t is not None]
        self.pages += 1
        if times:
            self.newest = times[0] if self.newest is None else self.newest
            self.oldest = times[-1]

    def pages_left(self, origin: int) -> float:
        """An estimate from the pages so far. `origin` is when the account began."""
        if self.newest is None or self.oldest is None:
            return 0.0
        begin = origin if self.window.since is None else self.window.since
        return max(0, self.oldest - begin) * self.pages / max(self.newest - self.oldest, 1)


@dataclass
class ListPull:
    """One list, newest first, in as many chains of pages at a time as fill the limit.

    A window is read by following its cursor. When its pages say that many more are left, its older
    part is split off, and read at the same time. Windows do not overlap, so nothing is read twice;
    an object created while the list is read is newer than every window. The oldest window has no
    lower bound: `origin` only guides the split.
    """

    client: Client
    resource: Resource
    sink: Sink
    origin: int = 0
    left: Callable[[float], None] = lambda pages: None
    rows: int = 0
    requests: int = 0
    splits: int = 0
    chains: set[int] = field(default_factory=set)
    _left: dict[int, float] = field(default_factory=dict)

    async def run(self, window: Window) -> None:
        """Read all of the window; raises what the chains raise, as a group."""
        async with asyncio.TaskGroup() as group:
            self._start(group, window)

    def _start(self, group: asyncio.TaskGroup, window: Window) -> None:
        chain = Chain(window)
        self.chains.add(id(chain))
        group.create_task(self._follow(group, chain))

    async def _follow(self, group: asyncio.TaskGroup, chain: Chain) -> None:
        try:
            while await self._page(chain):
                self._split(group, chain)
        finally:
            self.chains.discard(id(chain))
            self._left.pop(id(chain), None)

    def _split(self, group: asyncio.TaskGroup, chain: Chain) -> None:
        """Split the older part off when it is worth it, and leave the newer to this chain."""
        pages = chain.pages_left(self.origin)
        self._left[id(chain)] = pages
        self.left(sum(self._left.values()))
        allowed = FREE_SPLITS + self.requests // REQUESTS_FOR_A_SPLIT
        busy = len(self.chains) >= self.client.budget.chains(endpoint_of(self.resource.path))
        if busy or pages < WORTH_SPLITTING or self.splits >= allowed or chain.oldest is None:
            return
        since = chain.window.since
        left = chain.oldest - (self.origin if since is None else since)
        # Do not believe in many times more than what was seen: older times may hold little.
        believed = min(pages, max(WORTH_SPLITTING, self.requests))
        middle = chain.oldest - int(left * believed / pages / 2)
        if middle > (since or 0):
            self.splits += 1
            self._start(group, Window(since, middle))
            chain.window = Window(middle, chain.window.until)

    async def _page(self, chain: Chain) -> bool:
        """Read the chain's next page; whether there is one more."""
        path = self.resource.path
        try:
            answer = await read_list(self.client, path, self._params(chain), chain.cursor)
        except CursorGoneError:
            # The object was deleted since. Go on from its second; what is read twice is the same.
            if not self.resource.windowed or chain.oldest is None:
                raise
            chain.window = replace(chain.window, until=chain.oldest + 1)
            chain.cursor = None
            return True
        data: Page = answer["data"]
        self.requests += 1
        self.rows += len(data)
        chain.took(data)
        self.requests += await self.sink(self.resource, data)
        if not answer["has_more"]:
            return False
        cursor = last_id(data)
        if cursor is None or cursor in chain.passed:
            raise TransientError(f"GET /v1/{path}: the list runs in a circle at {cursor}")
        chain.passed.add(cursor)
        chain.cursor = cursor
        return True

    def _params(self, chain: Chain) -> dict[str, Any]:
        params: dict[str, Any] = {"limit": PAGE, **dict(self.resource.params)}
        if self.resource.windowed:
            params["created"] = {"lt": chain.window.until}
            if chain.window.since is not None:
                params["created"]["gte"] = chain.window.since
        if self.resource.expand:
            params["expand"] = [f"data.{path}" for path in self.resource.expand]
        if chain.cursor is not None:
            params["starting_after"] = chain.cursor
        return params


async def read_list(
    client: Client, path: str, params: dict[str, Any], cursor: str | None
) -> Object:
    """One page; raises TransientError when it could not lead on, so that paging always ends."""
    for _ in range(3):
        answer = await client.get(path, params)
        data = answer.get("data")
        if not isinstance(data, list) or not isinstance(answer.get("has_more"), bool):
            raise TransientError(f"GET /v1/{path} was answered with no list")
        if not answer["has_more"] or last_id(data) not in (None, cursor):
            return answer
    raise TransientError(
        f"GET /v1/{path}: the list says that there is more after {cursor}, and does not give it"
    )


async def read_pages(client: Client, path: str, params: dict[str, Any]) -> tuple[Page, int]:
    """All of a short list, page by page, and the requests that it took."""
    found: Page = []
    requests, cursor = 0, None
    passed: set[str | None] = {None}
    while True:
        after: dict[str, str] = {"starting_after": cursor} if cursor else {}
        answer = await read_list(client, path, {"limit": PAGE} | params | after, cursor)
        requests += 1
        found.extend(answer["data"])
        if not answer["has_more"]:
            return found, requests
        cursor = last_id(answer["data"])
        if cursor in passed:
            raise TransientError(f"GET /v1/{path}: the list runs in a circle at {cursor}")
        passed.add(cursor)


async def complete_nested(client: Client, obj: Object) -> int:
    """Fetch the rest of each list inside an object that Stripe cut at ten, and a price's tiers in
    other currencies; returns requests."""
    requests = await complete_tiers(client, obj)
    for name, value in obj.items():
        if not cut_list(value):
            continue
        path = str(value["url"]).removeprefix("/v1/")
        params: dict[str, Any] = {"starting_after": str(value["data"][-1]["id"])}
        if (obj.get("object"), name) in EXPANDED_INSIDE:
            params["expand"] = ["data.discounts"]
        rest, spent = await read_pages(client, path, params)
        value["data"].extend(rest)
        value["has_more"] = False
        requests += spent
    return requests


async def complete_tiers(client: Client, obj: Object) -> int:
    """Fetch a price's tiers in its other currencies: each currency is expanded by name, so the
    price must be known before they can be asked for."""
    lacking = without_tiers(obj)
    if not lacking:
        return 0
    paths = [f"currency_options.{currency}.tiers" for currency in lacking]
    try:
        found = await client.get(f"prices/{obj['id']}", {"expand": ["currency_options", *paths]})
    except NotReadableError as error:
        if error.status != 404:
            raise
        return 1  # deleted since it was listed
    obj["currency_options"] = found.get("currency_options") or obj["currency_options"]
    return 1


def without_tiers(obj: Object) -> list[str]:
    """The currencies of a tiered price, but its own, whose tiers were not in the answer."""
    options = obj.get("currency_options")
    if obj.get("billing_scheme") != "tiered" or not isinstance(options, dict):
        return []
    own = obj.get("currency")
    return sorted(
        currency
        for currency, option in options.items()
        if currency != own and isinstance(option, dict) and "tiers" not in option
    )


def cut_list(value: Any) -> bool:
    """Whether the value is a list inside an object that goes on elsewhere."""
    if type(value) is not dict or value.get("object") != "list":
        return False
    return bool(value.get("has_more") and value.get("data"))


def is_cut(obj: object) -> bool:
    """Whether more than this answer is needed for the whole object."""
    if not isinstance(obj, dict):
        return False
    return any(cut_list(v) for v in obj.values() if type(v) is dict) or bool(without_tiers(obj))


# Nested lists whose entries hold discounts by reference only.
EXPANDED_INSIDE = {("invoice", "lines"), ("subscription", "items")}


def created_of(obj: object) -> int | None:
    created = obj.get("created") if isinstance(obj, dict) else None
    return created if isinstance(created, int) else None


def last_id(page: list[Any]) -> str | None:
    """The id to go on after: of the last entry that has one."""
    for obj in reversed(page):
        if isinstance(obj, dict) and isinstance(obj.get("id"), str):
            return str(obj["id"])
    return None
