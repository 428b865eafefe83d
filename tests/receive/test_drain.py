"""From the inbox into landing: the same state as without webhooks, earlier, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import math
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from receive_endpoint import event

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.budget import Budget
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.receive import drain as drain_module
from heirpay_pipelines.receive.drain import drain, waiting
from heirpay_pipelines.receive.event import read_event
from heirpay_pipelines.receive.inbox import Inbox
from heirpay_pipelines.receive.poll import poll_event_log
from heirpay_pipelines.sandbox.account import open_account
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

KEY = "rk_test_of_the_drain"
START = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 10, 1, tzinfo=UTC)
Versions = dict[tuple[str, str], Any]


class Quiet:
    """A progress that nobody watches."""

    def started(self, limits: tuple[float, float]) -> None: ...
    def listed(self, object_name: str, rows: int, requests: int) -> None: ...
    def left(self, object_name: str, objects: int) -> None: ...
    def done(self, coverage: Coverage) -> None: ...
    def note(self, text: str) -> None: ...


@contextmanager
def account(given: Server | None = None) -> Iterator[tuple[Server, str]]:
    """The embedded account, or the one given, on a free port: (server, base URL)."""
    server = given or open_account(1, 1, START, NOW, KEY, "off", 0.0)
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(
        uvicorn.Config(server, log_level="critical", lifespan="off", date_header=False)
    )
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(timeout=10)


def settings(home: Path, base: str, **extra: str) -> Settings:
    return Settings(STRIPE_API_KEY=KEY, STRIPE_API_BASE=base, HEIRPAY_HOME=home, **extra)


def pull(given: Settings, as_of: datetime) -> None:
    client = Client(KEY, given.stripe_api_base, Budget((math.inf, math.inf)))
    pull_and_land(stripe_account(given), as_of, False, Quiet(), client)


def deliver(given: Settings, events: list[dict[str, Any]]) -> None:
    """Put events into the inbox as the endpoint does."""

    async def store() -> None:
        inbox = Inbox(given.state_file, max_waiting=100_000)
        await inbox.start()
        bodies = [json.dumps(found).encode() for found in events]
        await asyncio.gather(*(inbox.store(read_event(body)) for body in bodies))
        await inbox.stop()

    asyncio.run(store())


def newest(given: Settings, as_of: datetime) -> Versions:
    """The newest version of each landed object, in the models' order."""
    found: Versions = {}
    naive = as_of.replace(tzinfo=None)
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, given, naive)
        for name in Landing(given.landing_dir).files(as_of):
            rows = connection.execute(
                f'select id, payload from landing."{name.replace(".", "_")}"'
                " where observed_at <= ? qualify row_number() over (partition by id order by"
                " observed_at desc, case when source = 'list' then 0 else 1 end, event_id desc,"
                " payload desc) = 1",
                [naive],
            ).fetchall()
            found |= {(name, row[0]): json.loads(row[1]) for row in rows}
    return found


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Two homes that pulled the same night; since then ten days have passed."""
    folder = tmp_path_factory.mktemp("drain")
    with account() as (server, base):
        pushed, polled = settings(folder / "pushed", base), settings(folder / "polled", base)
        pull(pushed, NOW)
        pull(polled, NOW)
        assert server.advance is not None
        server.advance(10)
        server.api.renderer.forget()
        later = datetime.fromtimestamp(server.api.store.now, UTC)
        events = [e for e in server.api.store.all("event") if e["created"] > NOW.timestamp()]
        # As Stripe sends them: rendered by the API, shuffled, three in ten of them twice.
        rendered = [json.loads(server.api.get(f"events/{e['id']}", [])) for e in events]
        shuffled = rendered + random.Random(3).sample(rendered, len(rendered) * 3 // 10)
        random.Random(4).shuffle(shuffled)
        yield {"pushed": pushed, "polled": polled, "later": later, "events": shuffled}


def test_delivered_events_end_in_the_same_state_as_a_pull(days: dict[str, Any]) -> None:
    pushed, later = days["pushed"], days["later"]
    deliver(pushed, days["events"])
    ids = {found["id"] for found in days["events"]}
    outcome = drain(stripe_account(pushed), later)
    assert outcome.events == len(ids) > 50
    assert outcome.versions > 0
    landed = newest(pushed, later)
    assert {("event", name) for name in ids} <= landed.keys()  # visible before any pull
    assert drain(stripe_account(pushed), later).reason == "the inbox is empty"

    pull(pushed, later)
    pull(days["polled"], later)
    assert newest(pushed, later) == newest(days["polled"], later)
    with open_state(pushed.state_file) as state:
        assert waiting(stripe_account(pushed), state, later) == 0
        assert state.rows("select * from webhook_bodies") == []


def crowd(store: Store, number: int) -> list[dict[str, Any]]:
    """So many events of 500 products; one in five is of the same product and second as the one
    before it."""
    rng, at, id = random.Random(5), store.now, ""
    for n in range(number):
        if n % 5 or not id:
            at, id = at + rng.randrange(1, 12), f"prod_{rng.randrange(500):03d}"
        product = store.get("product", id) | {"n": n}
        store.put(product)
        store.emit("product.updated", product, at)
    store.now = at + 60
    return [event for event in store.all("event") if event["type"] == "product.updated"]


def test_ten_thousand_deliveries_shuffled_doubled_and_crowded_end_like_a_fresh_pull(
    tmp_path: Path,
) -> None:
    store = Store(int(NOW.timestamp()))
    store.put({"id": store.account_id, "object": "account", "created": store.now - 1})
    store.put({"id": "balance", "object": "balance", "available": [], "livemode": False})
    for n in range(500):
        store.put({"id": f"prod_{n:03d}", "object": "product", "created": store.now - 1, "n": -1})
    with account(Server(Api(store, frozenset({KEY})), Limiter(0, 0))) as (server, base):
        pushed, fresh = settings(tmp_path / "pushed", base), settings(tmp_path / "fresh", base)
        pull(pushed, NOW)
        events = crowd(store, 7_000)
        server.api.renderer.forget()
        deliveries = events + random.Random(6).sample(events, 3_000)
        random.Random(7).shuffle(deliveries)
        deliver(pushed, deliveries)
        later = datetime.fromtimestamp(store.now, UTC)
        assert drain(stripe_account(pushed), later).events == 7_000
        pull(pushed, later)
        pull(fresh, later)
        products = [
            {key: version["n"] for key, version in newest(home, later).items()
             if key[0] == "product"}
            for home in (pushed, fresh)
        ]  # fmt: skip
    assert products[0] == products[1]
    assert len(products[0]) == 500


def test_polling_keeps_what_never_came(days: dict[str, Any]) -> None:
    """The fallback asks the real API of the account."""
    polled = days["polled"]
    with open_state(polled.state_file) as state:
        fetched, kept = poll_event_log(stripe_account(polled), state)
        assert fetched == kept > 50
        assert poll_event_log(stripe_account(polled), state) == (fetched, 0)
        assert waiting(stripe_account(polled), state, days["later"]) == kept


@pytest.fixture
def pulled(days: dict[str, Any], tmp_path: Path) -> Settings:
    """A home of its own with one pull."""
    given = settings(tmp_path, days["pushed"].stripe_api_base)
    pull(given, days["later"])
    return given


def at(given: Settings, number: int, created: datetime, **fields: Any) -> dict[str, Any]:
    return event(number, created=int(created.timestamp()), **fields)


def test_a_killed_drain_is_taken_up_again(
    days: dict[str, Any], pulled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = days["later"]
    deliver(pulled, [at(pulled, n, later) for n in range(5)])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("commit", "mark_drained"):
        with monkeypatch.context() as patch:
            patch.setattr(drain_module, name, killed)
            with pytest.raises(KeyboardInterrupt):
                drain(stripe_account(pulled), later)
    assert (
        drain(stripe_account(pulled), later).reason == "the inbox is empty"
    )  # the manifest was committed
    with open_state(pulled.state_file) as state:
        assert waiting(stripe_account(pulled), state, later) == 0
    manifests = [m for m in Landing(pulled.landing_dir).manifests() if m.mode == "webhook"]
    assert [m.rows_by_object() for m in manifests] == [{"event": 5, "charge": 5}]


def test_ties_cut_objects_and_other_accounts(days: dict[str, Any], pulled: Settings) -> None:
    later = days["later"]
    tied = [
        at(pulled, n, later, data={"object": {"id": "ch_t", "object": "charge"}}) for n in (1, 2)
    ]
    cut = {"id": "in_1", "object": "invoice", "lines": {"object": "list", "has_more": True}}
    rest = [
        at(pulled, 3, later, data={"object": cut}, type="invoice.paid"),
        at(pulled, 4, later, account="acct_of_another"),
        at(pulled, 5, later, livemode=True),
        at(pulled, 6, datetime(2027, 1, 1, tzinfo=UTC)),
        at(pulled, 7, later, type="customer.deleted", data={
            "object": {"id": "cus_gone", "object": "customer"}}),
    ]  # fmt: skip
    deliver(pulled, tied + rest)
    outcome = drain(stripe_account(pulled), later)
    assert (outcome.events, outcome.versions, outcome.left_to_pull) == (4, 1, 3)
    assert outcome.set_aside == 2
    assert newest(pulled, later)["customer", "cus_gone"]["deleted"] is True
    with open_state(pulled.state_file) as state:
        left = state.rows("select event_id from webhook_bodies order by event_id")
        assert [row["event_id"] for row in left] == ["evt_6"]  # of the future
        unused = dict(
            state.connection.execute(
                "select event_id, not_used from webhook_deliveries where not_used is not null"
            ).fetchall()
        )
        assert unused == {"evt_4": "of a connected account", "evt_5": "of the other mode"}
        assert waiting(stripe_account(pulled), state, later) == 0


def thin(number: int, at: datetime, object_id: str | None, **fields: Any) -> dict[str, Any]:
    related = {"id": object_id, "type": "charge", "url": f"/v1/charges/{object_id}"}
    return {
        "id": f"evt_thin_{number}",
        "object": "v2.core.event",
        "type": "v1.charge.updated",
        "created": at.isoformat(),
        "livemode": False,
        "related_object": related if object_id else None,
        **fields,
    }


def test_what_a_thin_event_names_is_fetched_or_counted_as_not_used(
    days: dict[str, Any], pulled: Settings
) -> None:
    later = days["later"]
    (name, charge) = next(
        (id, each) for (kind, id), each in newest(pulled, later).items() if kind == "charge"
    )
    events = [
        thin(1, later, name),
        thin(2, later, None, type="v2.core.event_destination.ping"),
        thin(3, later, "ed_test_1"),
        thin(4, later, name, context="acct_of_another"),
        thin(5, later, "ch_that_is_not_there"),
    ]
    deliver(pulled, events)
    with open_state(pulled.state_file) as state:
        assert waiting(stripe_account(pulled), state, later) == 4
    outcome = drain(stripe_account(pulled), later, pull_follows=False)
    assert (outcome.events, outcome.versions, outcome.left_to_pull) == (2, 1, 1)
    assert outcome.set_aside == 3
    (again,) = [m for m in Landing(pulled.landing_dir).manifests() if m.mode == "retry"]
    assert again.rows_by_object() == {"charge": 1}
    assert newest(pulled, datetime(2100, 1, 1, tzinfo=UTC))["charge", name] == charge
    with open_state(pulled.state_file) as state:
        assert state.rows("select * from webhook_bodies") == []
        unused = state.rows(
            "select not_used, count(*) as n from webhook_deliveries group by 1 order by 1"
        )
    assert [(row["not_used"], row["n"]) for row in unused] == [
        (None, 2), ("names no object that is pulled", 2), ("of a connected account", 1),
    ]  # fmt: skip


def test_a_thin_event_waits_while_stripe_cannot_be_asked(
    days: dict[str, Any], pulled: Settings
) -> None:
    later = days["later"]
    deliver(pulled, [thin(1, later, "ch_1")])
    nobody = settings(pulled.folder, "http://127.0.0.1:9")
    assert drain(stripe_account(nobody), later, pull_follows=False).events == 0
    with open_state(pulled.state_file) as state:
        assert waiting(stripe_account(pulled), state, later) == 1
    assert drain(stripe_account(nobody), later).left_to_pull == 1  # the pull reads the log


def test_nothing_is_drained_before_the_first_pull_or_for_a_past_night(
    days: dict[str, Any], pulled: Settings, tmp_path: Path
) -> None:
    deliver(pulled, [at(pulled, 1, NOW)])
    assert drain(stripe_account(pulled), NOW).reason == "the night lies before the newest pull"
    fresh = settings(tmp_path / "fresh", pulled.stripe_api_base)
    assert "first pull lists everything" in str(drain(stripe_account(fresh), NOW).reason)


def test_with_a_key_no_body_is_readable_at_rest(days: dict[str, Any], tmp_path: Path) -> None:
    base, later = days["pushed"].stripe_api_base, days["later"]
    given = settings(tmp_path, base, HEIRPAY_ENCRYPTION_KEY="correct horse battery staple and")
    pull(given, later)
    sentinel = "jane.sentinel@example.com"
    charge = {"id": "ch_7", "object": "charge", "receipt_email": sentinel}
    deliver(given, [at(given, 7, later, data={"object": charge})])
    with open_state(given.state_file) as state:
        (row,) = state.rows("select body from webhook_bodies")
        assert sentinel in str(row["body"])
    assert _files_with(sentinel, tmp_path) == []
    assert drain(stripe_account(given), later).versions == 1
    assert _files_with(sentinel, tmp_path) == []


def _files_with(text: str, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [path for path in files if text.encode() in path.read_bytes()]
