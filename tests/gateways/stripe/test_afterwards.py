"""What changes between the instant and the moment of listing: the version of then counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from served_account import DAY, Account, landed, served, small_store

from heirpay_pipelines.gateways.stripe.afterwards import Known, Late, version_of_then
from heirpay_pipelines.gateways.stripe.landing_run import PullOutcome
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


def put(store: Store, kind: str, id: str, days: float, **fields: Any) -> Object:
    """An object made so many days ago."""
    created = store.now - int(days * DAY)
    return store.put({"id": id, "object": kind, "created": created, **fields})


def change(store: Store, type: str, obj: Object, told: bool = True, **fields: Any) -> None:
    """Change an object a second after the account's clock, with its event."""
    store.now += 1
    previous = {name: obj.get(name) for name in fields} if told else None
    obj.update(fields)
    store.put(obj)
    store.emit(type, obj, store.now, previous)


def lines(*ids: str) -> Object:
    entries = [{"id": id, "object": "line_item", "discounts": []} for id in ids]
    return {"object": "list", "data": entries, "has_more": False, "url": "/v1/invoices/in_1/lines"}


class Busy:
    """An account in which something changes whenever anything is asked for."""

    def __init__(self) -> None:
        self.store = small_store()
        self.as_of = datetime.fromtimestamp(self.store.now, UTC)
        store = self.store
        # A payment authorised two days ago: the log has it. Captured while lists are read.
        self.charge = put(store, "charge", "ch_1", 2, amount=500, captured=False, amount_captured=0,
                          currency="usd", balance_transaction=None, status="succeeded")  # fmt: skip
        store.emit("charge.succeeded", self.charge, self.charge["created"])
        # Of old objects only what an update says was there before.
        self.subscription = put(
            store, "subscription", "sub_1", 90, status="active", customer="cus_1",
            items={"object": "list", "has_more": False, "url": "/v1/subscription_items",
                   "data": [{"id": "si_1", "object": "subscription_item", "quantity": 1}]},
            discounts=["di_1"], canceled_at=None, latest_invoice="in_1",
        )  # fmt: skip
        put(store, "discount", "di_1", 90, source={"type": "coupon", "coupon": "C1"})
        put(store, "coupon", "C1", 90, percent_off=10, duration="forever")
        self.customer = put(store, "customer", "cus_1", 90, name="Before")
        # An old bill, open: its event tells nothing of before, its own instants do.
        self.invoice = put(store, "invoice", "in_1", 60, status="open", amount_paid=0, discounts=[],
                           lines=lines(*(f"il_{n}" for n in range(12))), customer="cus_1",
                           status_transitions={"paid_at": None, "finalized_at": 1})  # fmt: skip
        self.old = put(store, "dispute", "du_1", 60, status="needs_response", charge="ch_1",
                       amount=5, currency="usd")  # fmt: skip
        self.number = 0

    def __call__(self, path: str) -> None:
        if not path.startswith("/v1/") or "/v1/events" in path:
            return
        store, self.number = self.store, self.number + 1
        later = put(store, "balance_transaction", f"txn_{self.number}", 0, amount=500, fee=0,
                    net=500, currency="usd", source="ch_1", type="charge")  # fmt: skip
        store.now += 1
        later["created"] = store.now
        new = put(store, "charge", f"ch_new_{self.number}", 0, amount=1, currency="usd")
        new["created"] = store.now
        store.emit("charge.succeeded", new, store.now)
        if not self.charge["captured"]:
            change(store, "charge.captured", self.charge, told=False, captured=True,
                   amount_captured=500, balance_transaction=later["id"])  # fmt: skip
        change(store, "customer.subscription.updated", self.subscription, items={
            **self.subscription["items"], "data": [
                {"id": "si_1", "object": "subscription_item", "quantity": self.number + 1}]},
        )  # fmt: skip
        change(store, "customer.updated", self.customer, name=f"After {self.number}")
        if self.number == 2:
            change(store, "invoice.paid", self.invoice, told=False, status="paid", amount_paid=9,
                   status_transitions={"paid_at": store.now + 1, "finalized_at": 1})  # fmt: skip
            change(store, "charge.dispute.closed", self.old, told=False, status="lost")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Busy, Account, Path]]:
    """A first pull of the busy account."""
    made = Busy()
    with served(made.store) as account:
        account.app.before = made
        home = tmp_path_factory.mktemp("busy")
        account.pull(home, made.as_of)
        yield made, account, home


def unread(outcome: PullOutcome | Any) -> dict[str, str]:
    return {
        line["endpoint"]: line["status"]
        for line in outcome.coverage
        if line["status"] != "complete"
    }


def test_the_version_as_of_the_instant_counts(busy: tuple[Busy, Account, Path]) -> None:
    made, account, home = busy
    found = landed(account.settings(home), made.as_of)
    charge = found["charge", "ch_1"]
    assert (charge["captured"], charge["balance_transaction"]) == (False, None)
    subscription = found["subscription", "sub_1"]
    assert subscription["items"]["data"][0]["quantity"] == 1
    assert subscription["discounts"][0]["source"]["coupon"]["percent_off"] == 10
    assert found["customer", "cus_1"]["name"] == "Before"


def test_what_is_not_known_of_then_is_left_out_and_said(busy: tuple[Busy, Account, Path]) -> None:
    made, account, home = busy
    found = landed(account.settings(home), made.as_of)
    assert ("invoice", "in_1") not in found
    assert ("dispute", "du_1") not in found
    (manifest,) = Landing(account.settings(home).landing_dir).manifests()
    assert unread(manifest) == {
        "/v1/invoices/in_1": "left_out",
        "/v1/disputes/du_1": "left_out",
    }
    said = {o["object_id"] for (kind, _), o in found.items() if kind == "unreadable_object"}
    assert said == {"in_1", "du_1"}
    # Nothing of the time after is visible, nor is there anything left of what it was told by.
    assert not [key for key in found if key[1].startswith("ch_new")]
    assert not list((account.settings(home).landing_dir / "objects").glob("late_event/*"))
    assert {f.object_name for f in manifest.files}.isdisjoint({"late_event"})


def test_the_next_night_has_it_all(busy: tuple[Busy, Account, Path]) -> None:
    made, account, home = busy
    account.app.before = lambda path: None
    account.app.server.api.renderer.forget()
    made.store.now += DAY
    outcome = account.pull(home)
    assert outcome.manifest.mode == "events"
    fresh = home / "fresh"
    account.pull(fresh)
    kinds = ("charge", "subscription", "customer", "invoice", "dispute", "balance_transaction")
    one, other = (
        {key: obj for key, obj in landed(account.settings(place), account.now()).items()
         if key[0] in kinds}
        for place in (home, fresh)
    )  # fmt: skip
    assert one == other
    assert one["invoice", "in_1"]["status"] == "paid"
    # The night before stays what it was.
    then = landed(account.settings(home), made.as_of)
    assert then["charge", "ch_1"]["captured"] is False


def test_what_was_known_before_holds_without_the_event_log(tmp_path: Path) -> None:
    """No permission for events: an invoice's own instants, and what it was the night before."""
    store = small_store()
    invoice = put(store, "invoice", "in_1", 60, status="open", discounts=[], lines=lines("il_1"),
                  status_transitions={"paid_at": None})  # fmt: skip
    charge = put(store, "charge", "ch_1", 1.5, amount=500, currency="usd", captured=False,
                 balance_transaction=None)  # fmt: skip
    with served(store) as account:
        account.app.server.api.denied = frozenset({"events"})
        account.pull(tmp_path)
        store.now += DAY
        as_of = account.now()
        store.now += 60
        store.put(invoice | {"status": "paid", "status_transitions": {"paid_at": store.now}})
        put(store, "balance_transaction", "txn_1", 0, amount=500, net=500, fee=0, currency="usd")
        store.put(charge | {"captured": True, "balance_transaction": "txn_1"})
        outcome = account.pull(tmp_path, as_of)
        found = landed(account.settings(tmp_path), as_of)
        assert found["invoice", "in_1"]["status"] == "open"
        # It names a movement that was not there yet.
        assert found["charge", "ch_1"]["captured"] is False
        assert unread(outcome.manifest) == {"/v1/events": "forbidden"}
        later = landed(account.settings(tmp_path), as_of + timedelta(minutes=2))
        assert later["invoice", "in_1"]["status"] == "paid"


OURS = stripe.api_version


@pytest.mark.parametrize(
    ("known", "events", "expected"),
    [
        (None, [("customer.updated", 1, {"name": "b"})], "b"),
        # The earliest change says what was there at the instant.
        (None, [("customer.updated", 1, {"name": "a"}), ("customer.updated", 2, {"name": "b"})],
         "a"),
        # A companion without a word, in the second of one that tells.
        (None, [("customer.updated", 1, {"name": "b"}), ("invoice.paid", 1, None)], "b"),
        (None, [("invoice.paid", 1, None)], None),
        (None, [("customer.updated", 1, {"name": "b"}), ("invoice.paid", 2, None)], None),
        (None, [], None),
        ("k", [("customer.updated", 1, {"name": "b"})], "k"),
    ],
)  # fmt: skip
def test_what_tells_the_version_of_then(
    known: str | None, events: list[tuple[str, int, Object | None]], expected: str | None
) -> None:
    listed = {"id": "x_1", "object": "customer", "name": "now", "kept": 1}
    late = [Late(type, at, listed, previous, OURS) for type, at, previous in events]
    before = None if known is None else Known({**listed, "name": known}, carried=True)
    found = version_of_then(listed, before, late)
    assert (None if found is None else found["name"]) == expected


def test_a_deleted_object_is_what_its_deletion_carried() -> None:
    late = [Late("customer.deleted", 1, {"id": "cus_1", "name": "then"}, None, None)]
    listed = {"id": "cus_1", "object": "customer", "deleted": True}
    assert version_of_then(listed, None, late) == {"id": "cus_1", "name": "then"}


@pytest.mark.parametrize(
    ("cut", "now", "expected"),
    [
        (["a", "b"], ["a", "b", "c"], ["a", "b", "c"]),
        (["a", "b"], ["a", "x", "c"], None),  # the list is another now: nobody knows the rest
    ],
)
def test_the_rest_of_a_cut_list_is_taken_where_the_list_is_the_same(
    cut: list[str], now: list[str], expected: list[str] | None
) -> None:
    def obj(ids: list[str], more: bool) -> Object:
        entries = [{"id": id} for id in ids]
        return {"id": "in_1", "lines": {"object": "list", "data": entries, "has_more": more}}

    found = version_of_then(obj(now, False), Known(obj(cut, True), carried=True), [])
    assert (found and [line["id"] for line in found["lines"]["data"]]) == expected
