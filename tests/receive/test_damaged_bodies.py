"""A stored body that is not what was acknowledged is never landed: it is quarantined by its event's
id, and Stripe is asked for the event again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_drain import KEY, NOW, account, deliver, newest, pull, settings

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.quarantine_retry import quarantined_objects
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.receive.drain import drain, waiting
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state

LATER = NOW + timedelta(hours=1)
DAMAGE = {
    "a digit": "update webhook_bodies set body = replace(body, '4200', '4900')",
    "cut": "update webhook_bodies set body = substr(body, 1, 100)",
    "emptied": "update webhook_bodies set body = ''",
    "no text": "update webhook_bodies set body = cast(x'80ff' as text)",
    "another's": "update webhook_bodies set body = replace(body, 'evt_', 'evt_x'), sha256 = null",
    "gone": "delete from webhook_bodies",
}


@contextmanager
def pulled(home: Path) -> Iterator[tuple[Store, Settings]]:
    """A home that was pulled, and the account, in which three prices have changed since."""
    store = Store(int(NOW.timestamp()))
    store.put({"id": store.account_id, "object": "account", "created": store.now - 1})
    store.put({"id": "balance", "object": "balance", "available": [], "livemode": False})
    for n in range(3):
        store.put({"id": f"prod_{n}", "object": "product", "created": store.now - 9, "n": 1})
    with account(Server(Api(store, frozenset({KEY})), Limiter(0, 0))) as (_, base):
        given = settings(home, base)
        pull(given, NOW)
        for n in range(3):
            product = store.get("product", f"prod_{n}") | {"n": 4200 + n}
            store.put(product)
            store.emit("product.updated", product, store.now + 60 * (n + 1))
        store.now = int(LATER.timestamp())
        yield store, given


def delivered(store: Store, given: Settings) -> list[dict[str, Any]]:
    events = [json.loads(json.dumps(event)) for event in store.all("event")]
    deliver(given, events)
    return events


def damage(state: State, sql: str, event_id: str) -> None:
    found = state.connection.execute(f"{sql} where event_id = ?", (event_id,))
    assert found.rowcount == 1


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Settings]]:
    with pulled(tmp_path_factory.mktemp("asked") / "home") as (store, given):
        delivered(store, given)
        yield store, given


@pytest.mark.parametrize("form", DAMAGE)
def test_it_is_asked_for_again_and_every_other_event_lands(
    asked: tuple[Store, Settings], tmp_path: Path, form: str
) -> None:
    store, before = asked
    shutil.copytree(before.folder, tmp_path / "home")
    given = settings(tmp_path / "home", before.stripe_api_base)
    first = store.all("event")[0]["id"]
    with open_state(given.state_file) as state:
        damage(state, DAMAGE[form], first)
    assert drain(stripe_account(given), LATER).events == 3
    landed = newest(given, LATER)
    assert [landed["product", f"prod_{n}"]["n"] for n in range(3)] == [4200, 4201, 4202]
    record = newest(given, LATER + timedelta(days=1))["quarantine", f"quarantine_{first}"]
    assert record["resolved"] is True
    assert first in record["reason"]
    assert quarantined_objects(Landing(given.landing_dir)) == []
    assert drain(stripe_account(given), LATER).reason == "the inbox is empty"


def test_while_stripe_does_not_answer_it_waits_and_is_named_once(tmp_path: Path) -> None:
    with pulled(tmp_path) as (store, given):
        first = delivered(store, given)[0]["id"]
        with open_state(given.state_file) as state:
            damage(state, DAMAGE["cut"], first)
        silent = settings(tmp_path, "http://127.0.0.1:9")
        for _ in range(2):
            drain(stripe_account(silent), LATER)
        (waits,) = quarantined_objects(Landing(given.landing_dir))
        assert waits.id == f"quarantine_{first}"
        assert newest(given, LATER)["product", "prod_0"]["n"] == 1
        files = [
            m for m in Landing(given.landing_dir).manifests() if "quarantine" in m.rows_by_object()
        ]
        assert len(files) == 1
        drain(stripe_account(given), LATER)
        assert newest(given, LATER)["product", "prod_0"]["n"] == 4200
        assert quarantined_objects(Landing(given.landing_dir)) == []


def test_one_that_stripe_no_longer_has_stays_in_quarantine(tmp_path: Path) -> None:
    with pulled(tmp_path) as (store, given):
        unknown = delivered(store, given)[0] | {"id": "evt_unknown"}
        deliver(given, [unknown])
        with open_state(given.state_file) as state:
            damage(state, DAMAGE["emptied"], "evt_unknown")
            assert drain(stripe_account(given), LATER).events == 3
            assert waiting(stripe_account(given), state, LATER) == 0
        (kept,) = quarantined_objects(Landing(given.landing_dir))
        assert kept.id == "quarantine_evt_unknown"
