"""Clocks that differ, API versions that differ, and an account that changes while it is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from served_account import DAY, Account, landed, served, small_store

from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.store import Store

HOUR = 3_600


def pay(store: Store, id: str, at: int) -> None:
    keep(store, at, "charge.succeeded", {"id": id, "object": "charge", "created": at, "n": 1})


def objects(account: Account, home: Path, kind: str) -> dict[str, dict[str, Any]]:
    found = landed(account.settings(home))
    return {id: obj for (name, id), obj in found.items() if name == kind}


def tick(account: Account, seconds: int) -> None:
    account.store.now += seconds
    account.app.server.api.renderer.forget()


@pytest.mark.parametrize("skew", [timedelta(hours=2), timedelta(hours=-2)], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_loses_nothing(tmp_path: Path, skew: timedelta) -> None:
    """Ours against Stripe's: what is stamped before our last night comes with the next one."""
    store = small_store()
    pay(store, "ch_0", store.now - DAY)
    with served(store) as account:
        for night in range(1, 4):
            account.pull(tmp_path / "nightly", as_of=account.now() + skew)
            for hour in (1, 3, 20):
                tick(account, hour * HOUR)
                pay(store, f"ch_{night}_{hour}", store.now - 60)
                change(store, store.now, "charge.updated", store.get("charge", "ch_0"), n=hour)
        tick(account, DAY)
        account.pull(tmp_path / "nightly", as_of=account.now() + skew)
        account.pull(tmp_path / "once", as_of=account.now() + skew)
        nightly, once = (
            objects(account, tmp_path / name, "charge") for name in ("nightly", "once")
        )
        assert nightly == once
        assert len(nightly) == 10


def test_an_event_of_an_older_api_version_is_asked_for_in_ours(tmp_path: Path) -> None:
    store = small_store()
    pay(store, "ch_1", store.now - 5 * DAY)
    with served(store) as account:
        account.pull(tmp_path)
        tick(account, DAY)
        change(store, store.now - 60, "charge.updated", store.get("charge", "ch_1"), n=2)
        event = store.all("event")[-1]
        event["api_version"] = "2014-01-31"
        event["data"]["object"] = {"id": "ch_1", "object": "charge", "old_shape": True}
        account.pull(tmp_path)
        assert objects(account, tmp_path, "charge")["ch_1"]["n"] == 2
        assert account.app.requests["/v1/charges/ch_1"] == 1


def test_objects_that_appear_while_a_list_is_paged_come_once(tmp_path: Path) -> None:
    store = small_store()
    for n in range(350):
        store.put({"id": f"ch_{n:03d}", "object": "charge", "created": store.now - n - 1, "n": 1})
    with served(store) as account:
        born: list[str] = []

        def one_more(path: str) -> None:
            if path.startswith("/v1/charges?") and "starting_after" in path:
                born.append(f"ch_new_{len(born)}")
                pay(store, born[-1], store.now)

        account.app.before = one_more
        first = account.pull(tmp_path)
        assert first.rows["charge"] == 350
        assert len(born) >= 3
        account.app.before = lambda path: None
        tick(account, DAY)
        account.pull(tmp_path)
        assert len(objects(account, tmp_path, "charge")) == 350 + len(born)


def test_an_object_that_lacks_its_fields_is_landed(tmp_path: Path) -> None:
    store = small_store()
    store.put({"id": "ch_bare", "object": "charge"})
    with served(store) as account:
        account.pull(tmp_path)
        assert objects(account, tmp_path, "charge")["ch_bare"] == store.get("charge", "ch_bare")
