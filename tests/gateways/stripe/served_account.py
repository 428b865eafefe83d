"""The embedded account in a thread of the test, with faults on demand, and pulls of it."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import uvicorn

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.budget import Budget
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.landing_run import PullOutcome, pull_and_land
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.sandbox.account import open_account
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings

KEY = "rk_test_of_the_tests"
START = datetime(2026, 8, 1, tzinfo=UTC)
NOW = datetime(2026, 10, 1, tzinfo=UTC)
DAY = 86_400
UNLIMITED = (math.inf, math.inf)


@dataclass
class Fault:
    """What goes wrong with answers for paths that contain `where`, `times` times.

    `status` answers an error; `cut` breaks the connection in mid-body; `body` changes the answer;
    `hang` answers never.
    """

    where: str
    times: float = math.inf
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    hang: bool = False
    body: Callable[[bytes], bytes] | None = None
    after: int = 0
    met: int = 0

    def strikes(self, path: str) -> bool:
        if self.where not in path:
            return False
        self.met += 1
        return self.after < self.met <= self.after + self.times


@dataclass
class Faulty:
    """The ASGI application in front of the account: counts requests, and spoils answers."""

    server: Server
    faults: list[Fault] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    before: Callable[[str], None] = lambda path: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.server(scope, receive, send)
            return
        path = scope["path"]
        full = f"{path}?{scope['query_string'].decode()}"
        self.requests[path] += 1
        self.before(full)
        fault = next((f for f in self.faults if f.strikes(full)), None)
        if fault is None:
            await self.server(scope, receive, send)
        else:
            await spoil(fault, self.server, scope, receive, send)


async def spoil(fault: Fault, app: Server, scope: Any, receive: Any, send: Any) -> None:
    if fault.hang:
        await asyncio.sleep(3600)
    messages: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start, content = messages[0], messages[1]["body"]
    if fault.status:
        start["status"], content = fault.status, b'{"error": {"type": "api_error"}}'
    if fault.body is not None:
        content = fault.body(content)
    headers = dict(start["headers"]) | {k.encode(): v.encode() for k, v in fault.headers}
    headers[b"content-length"] = str(len(content)).encode()
    await send(start | {"headers": list(headers.items())})
    await send({"type": "http.response.body", "body": content[: len(content) // 2]
                if fault.cut else content})  # fmt: skip


class Silent:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.coverage: list[Coverage] = []

    def started(self, limits: tuple[float, float]) -> None: ...
    def listed(self, object_name: str, rows: int, requests: int) -> None: ...
    def left(self, object_name: str, objects: int) -> None: ...

    def done(self, coverage: Coverage) -> None:
        self.coverage.append(coverage)

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Account:
    """A served account and how to pull it into a folder."""

    app: Faulty
    base: str
    progress: Silent = field(default_factory=Silent)

    @property
    def store(self) -> Store:
        return self.app.server.api.store

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.store.now, UTC)

    def advance(self, days: int) -> None:
        assert self.app.server.advance is not None
        self.app.server.advance(days)
        self.app.server.api.renderer.forget()

    def settings(self, home: Path, **extra: str) -> Settings:
        return Settings(STRIPE_API_KEY=KEY, STRIPE_API_BASE=self.base, HEIRPAY_HOME=home, **extra)  # type: ignore[call-arg]

    def client(self, limits: tuple[float, float] = UNLIMITED) -> Client:
        return Client(
            KEY, self.base, Budget(limits), attempts=6, first_wait=0.01, timeout=1.0,
            tell=self.progress.note,
        )  # fmt: skip

    def pull(
        self, home: Path, as_of: datetime | None = None, full: bool = False, **extra: str
    ) -> PullOutcome:
        settings = self.settings(home, **extra)
        return pull_and_land(
            stripe_account(settings), as_of or self.now(), full, self.progress, self.client()
        )


@contextmanager
def served(store: Store | None = None, days: int = 60) -> Iterator[Account]:
    """Serve a store, or a small company of some days, on a free port."""
    if store is None:
        start = datetime.fromtimestamp(NOW.timestamp() - days * DAY, UTC)
        server = open_account(1, 1, start, NOW, KEY, "off", 0.0)
    else:
        server = Server(Api(store, frozenset({KEY})), Limiter(0, 0))
    app = Faulty(server)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", date_header=False, access_log=False
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield Account(app, f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        running.should_exit = True
        running.force_exit = True
        thread.join(timeout=10)


def small_store() -> Store:
    """An account with itself and its balance, and nothing else."""
    store = Store(int(NOW.timestamp()))
    store.put({"id": store.account_id, "object": "account", "created": int(START.timestamp())})
    store.put({"id": "balance", "object": "balance", "available": [], "livemode": False})
    return store


def landed(
    settings: Settings, as_of: datetime | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    """The newest version of each landed object, by the order that the models use."""
    instant = (as_of or datetime(2100, 1, 1, tzinfo=UTC)).replace(tzinfo=None)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    landing = Landing.of(settings)
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, settings, instant)
        for name in landing.files(as_of):
            view = name.replace(".", "_")
            rows = connection.execute(
                f'select id, payload from landing."{view}" where observed_at <= ? qualify'
                " row_number() over (partition by id order by observed_at desc,"
                " case when source = 'list' then 0 else 1 end, event_id desc, payload desc) = 1",
                [instant],
            ).fetchall()
            found |= {(name, id): json.loads(payload) for id, payload in rows}
    return found
