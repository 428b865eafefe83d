"""A first pull has everything; later ones follow the event log and end with the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from served_account import DAY, NOW, Account, landed, served, small_store

from heirpay_pipelines.gateways.stripe.resources import RESOURCES

Landed = dict[tuple[str, str], dict[str, Any]]


def test_a_first_pull_holds_the_whole_account(tmp_path: Path) -> None:
    with served() as account:
        outcome = account.pull(tmp_path)
        found = landed(account.settings(tmp_path))
        for resource in RESOURCES:
            ids = {id for kind, id in found if kind == resource.object_name}
            stored = account.store.all(resource.object_name)
            if resource.object_name == "event":
                stored = [e for e in stored if e["created"] >= account.store.now - 30 * DAY]
            wanted = {account.store.account_id} if resource.path == "balance" else {
                obj["id"] for obj in stored
            }  # fmt: skip
            assert ids == wanted, resource.object_name
        assert len(found) > 900
        assert {line["status"] for line in outcome.manifest.coverage} == {"complete"}
        payouts = [p for p in account.store.all("payout")
                   if p["automatic"] and p["reconciliation_status"] == "completed"]  # fmt: skip
        assert payouts
        for payout in payouts:
            contents = {t["id"] for t in account.store.payout_contents(payout["id"])}
            composed = found["payout_composition", payout["id"]]["balance_transactions"]
            assert set(composed) == contents
        invoices = account.store.all("invoice")
        for invoice in invoices:
            lines = found["invoice", invoice["id"]]["lines"]
            assert lines["has_more"] is False
            assert [x["id"] for x in lines["data"]] == [x["id"] for x in invoice["lines"]["data"]]


def test_a_second_pull_asks_little_and_brings_nothing(tmp_path: Path) -> None:
    with served() as account:
        account.pull(tmp_path)
        before = landed(account.settings(tmp_path))
        again = account.pull(tmp_path)
        assert again.requests <= 10
        assert set(again.rows) == {"account", "balance"}
        assert landed(account.settings(tmp_path)) == before


def test_ten_nights_end_with_the_numbers_of_one_full_pull(tmp_path: Path) -> None:
    with served(days=40) as account:
        account.pull(tmp_path / "nightly")
        for _ in range(10):
            account.advance(1)
            account.pull(tmp_path / "nightly")
        account.pull(tmp_path / "once")
        assert_same(account, tmp_path / "nightly", tmp_path / "once")


def assert_same(account: Account, one: Path, other: Path) -> None:
    """Both landings end with the same objects; what a fresh pull cannot know is left out."""
    left = current(landed(account.settings(one)))
    right = current(landed(account.settings(other)))
    assert left.keys() == right.keys()
    different = [key for key in left if left[key] != right[key]]
    assert not different, [
        (key, {f for f in left[key] | right[key] if left[key].get(f) != right[key].get(f)})
        for key in different[:5]
    ]


def current(found: Landed) -> Landed:
    """Live objects of the account, without the log and without what no event tells: the number of
    a customer's next invoice, and that a balance transaction has become available."""
    untold = {
        "customer": ("tax_ids", "next_invoice_sequence"),
        "balance_transaction": ("status",),
    }
    known = {r.object_name for r in RESOURCES} - {"event"} | {"payout_composition"}
    return {
        (kind, id): {name: obj[name] for name in obj if name not in untold.get(kind, ())}
        for (kind, id), obj in found.items()
        if kind in known and not obj.get("deleted")
    }


def test_a_gap_longer_than_the_event_log_heals_by_itself(tmp_path: Path) -> None:
    with served(days=40) as account:
        account.pull(tmp_path / "nightly")
        account.advance(35)
        outcome = account.pull(tmp_path / "nightly")
        assert outcome.manifest.mode == "full"
        account.pull(tmp_path / "once")
        assert_same(account, tmp_path / "nightly", tmp_path / "once")


def product(id: str, created: int, **fields: Any) -> dict[str, Any]:
    return {"id": id, "object": "product", "created": created, "livemode": False, **fields}


def test_what_was_deleted_in_a_gap_is_known_as_deleted(tmp_path: Path) -> None:
    store = small_store()
    store.put(product("prod_kept", store.now - 5 * DAY))
    store.put(product("prod_gone", store.now - 5 * DAY, name="Gone"))
    with served(store) as account:
        account.pull(tmp_path)
        del store._objects["product"]["prod_gone"]
        store._order["product"] = [x for x in store._order["product"] if x[1] != "prod_gone"]
        store._lists.clear()
        store.now += 40 * DAY
        account.pull(tmp_path)
        found = landed(account.settings(tmp_path))
        assert found["product", "prod_gone"]["deleted"] is True
        assert found["product", "prod_gone"]["name"] == "Gone"
        assert "deleted" not in found["product", "prod_kept"]


def test_a_deletion_event_lands_a_deleted_version(tmp_path: Path) -> None:
    store = small_store()
    gone = store.put(product("prod_gone", store.now - 5 * DAY))
    with served(store) as account:
        account.pull(tmp_path)
        store.now += DAY
        store.emit("product.deleted", gone, store.now - 60)
        account.pull(tmp_path)
        assert landed(account.settings(tmp_path))["product", "prod_gone"]["deleted"] is True


def charge(store: Any, id: str, created: int, **fields: Any) -> dict[str, Any]:
    obj = {"id": id, "object": "charge", "created": created, "livemode": False, **fields}
    return dict(store.put(obj))


@pytest.mark.parametrize("older_first", [True, False])
def test_two_events_of_one_second_are_settled_by_asking(tmp_path: Path, older_first: bool) -> None:
    store = small_store()
    charge(store, "ch_1", store.now - 5 * DAY, refunded=False)
    with served(store) as account:
        account.pull(tmp_path)
        store.now += DAY
        one = {"id": "ch_1", "object": "charge", "created": store.now - 6 * DAY}
        versions = [one | {"refunded": False, "n": 1}, one | {"refunded": True, "n": 2}]
        for version in versions if older_first else versions[::-1]:
            store.emit("charge.updated", version, store.now - 100)
        charge(store, "ch_1", one["created"], refunded=True, n=2)
        account.app.requests.clear()
        account.pull(tmp_path)
        assert landed(account.settings(tmp_path))["charge", "ch_1"]["n"] == 2
        assert account.app.requests["/v1/charges/ch_1"] == 1


def test_equal_events_of_one_second_need_no_question(tmp_path: Path) -> None:
    store = small_store()
    old = charge(store, "ch_1", store.now - 5 * DAY)
    with served(store) as account:
        account.pull(tmp_path)
        store.now += DAY
        changed = store.put(old | {"n": 2})
        store.emit("charge.updated", changed, store.now - 100)
        store.emit("charge.succeeded", changed, store.now - 100)
        account.app.requests.clear()
        account.pull(tmp_path)
        assert landed(account.settings(tmp_path))["charge", "ch_1"]["n"] == 2
        assert account.app.requests["/v1/charges/ch_1"] == 0


def test_an_event_that_came_late_is_not_lost(tmp_path: Path) -> None:
    store = small_store()
    old = charge(store, "ch_1", store.now - 5 * DAY)
    with served(store) as account:
        account.pull(tmp_path)
        # Stamped before the last pull, and visible only after it.
        changed = store.put(old | {"n": 2})
        store.emit("charge.updated", changed, store.now - 600)
        store.now += DAY
        account.pull(tmp_path)
        assert landed(account.settings(tmp_path))["charge", "ch_1"]["n"] == 2


def test_many_new_objects_that_events_cut_are_listed_not_fetched_one_by_one(
    tmp_path: Path,
) -> None:
    store = small_store()
    with served(store) as account:
        account.pull(tmp_path)
        store.now += DAY
        for n in range(150):
            made = {"id": f"price_{n:03d}", "object": "price", "created": store.now - n - 10,
                    "tiers": [{"up_to": None}]}  # fmt: skip
            store.put(made)
            store.emit("price.created", {k: v for k, v in made.items() if k != "tiers"},
                       made["created"])  # fmt: skip
        account.app.requests.clear()
        account.pull(tmp_path)
        found = landed(account.settings(tmp_path))
        assert sum(kind == "price" and "tiers" in obj for (kind, _), obj in found.items()) == 150
        assert sum(n for path, n in account.app.requests.items() if "prices" in path) <= 3


def test_a_night_before_the_newest_pull_is_only_computed_again(tmp_path: Path) -> None:
    with served(days=20) as account:
        account.pull(tmp_path)
        early = landed(account.settings(tmp_path), NOW)
        account.advance(1)
        account.pull(tmp_path)
        account.app.requests.clear()
        outcome = account.pull(tmp_path, as_of=NOW)
        assert not outcome.pulled
        assert not account.app.requests
        assert landed(account.settings(tmp_path), NOW) == early
