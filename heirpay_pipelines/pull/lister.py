"""Long lists, pulled in parallel by splitting their time range."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.pull.client import Client
from heirpay_pipelines.pull.errors import TransientError
from heirpay_pipelines.pull.resources import Resource

Object = dict[str, Any]
Page = list[Object]
Sink = Callable[[Resource, Page], Awaitable[None]]

PAGE = 100
CHAINS = 8
# A range is split only when so many pages are left that the extra request is worth it.
WORTH_SPLITTING = 10


@dataclass(frozen=True)
class Window:
    """Objects created in [since, until), in epoch seconds."""

    since: int
    until: int


@dataclass
class ListPull:
    """One list, newest first, in up to CHAINS chains of pages at a time.

    A window is read by following its cursor. When its pages say that many more are left, its older
    half is split off, and read at the same time. Windows do not overlap, so nothing is read twice;
    an object created while the list is read is newer than every window.
    """

    client: Client
    resource: Resource
    sink: Sink
    rows: int = 0
    requests: int = 0
    chains: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, window: Window) -> None:
        """Read all of the window; raises the first error of any chain."""
        async with asyncio.TaskGroup() as group:
            self._start(group, window)

    def _start(self, group: asyncio.TaskGroup, window: Window) -> None:
        self.chains += 1
        group.create_task(self._follow(group, window))

    async def _follow(self, group: asyncio.TaskGroup, window: Window) -> None:
        try:
            cursor: str | None = None
            while True:
                data, more = await self._page(window, cursor)
                if not more:
                    return
                cursor = str(data[-1]["id"])
                window = self._split(group, window, data)
        finally:
            self.chains -= 1

    def _split(self, group: asyncio.TaskGroup, window: Window, data: Page) -> Window:
        """Split the older half off when it is worth it; what is left to this chain."""
        newest, oldest = int(data[0]["created"]), int(data[-1]["created"])
        left = oldest - window.since
        pages = left / max(newest - oldest, 1)
        if self.resource.windowed and self.chains < CHAINS and pages >= WORTH_SPLITTING:
            middle = window.since + left // 2
            self._start(group, Window(window.since, middle))
            return Window(middle, window.until)
        return window

    async def _page(self, window: Window, cursor: str | None) -> tuple[Page, bool]:
        params: dict[str, Any] = {"limit": PAGE, **dict(self.resource.params)}
        if self.resource.windowed:
            params["created"] = {"gte": window.since, "lt": window.until}
        if self.resource.expand:
            params["expand"] = [f"data.{path}" for path in self.resource.expand]
        if cursor is not None:
            params["starting_after"] = cursor
        answer = await read_list(self.client, self.resource.path, params, cursor)
        self.requests += 1
        self.rows += len(answer["data"])
        await self.sink(self.resource, answer["data"])
        return answer["data"], bool(answer["has_more"])


async def read_list(
    client: Client, path: str, params: dict[str, Any], cursor: str | None
) -> Object:
    """One page; raises TransientError when it could not lead on, so that paging always ends."""
    for _ in range(3):
        answer = await client.get(path, params)
        data = answer.get("data")
        if not isinstance(data, list):
            raise TransientError(f"GET /v1/{path} was answered with no list")
        stuck = answer.get("has_more") and (not data or data[-1].get("id") == cursor)
        if not stuck:
            return answer
    raise TransientError(
        f"GET /v1/{path}: the list says that there is more after {cursor}, and does not give it"
    )


async def complete_nested(client: Client, obj: Object) -> int:
    """Fetch the rest of each list inside an object that Stripe cut at ten; returns requests."""
    requests = 0
    for name, value in obj.items():
        if not (isinstance(value, dict) and value.get("object") == "list"):
            continue
        while value.get("has_more"):
            cursor = str(value["data"][-1]["id"])
            path = str(value["url"]).removeprefix("/v1/")
            params: dict[str, Any] = {"limit": PAGE, "starting_after": cursor}
            if obj.get("object") == "invoice" and name == "lines":
                params["expand"] = ["data.discounts"]
            answer = await read_list(client, path, params, cursor)
            requests += 1
            value["data"].extend(answer["data"])
            value["has_more"] = answer["has_more"]
    return requests
