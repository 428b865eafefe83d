"""What lists leave out and others name: asked for by id, landed as it answers, on every way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_account import DAY, Account, Fault, landed, served, small_store

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
ASKED = "objects named by others"


def put(store: Store, kind: str, id: str, days: float = 40, **fields: Any) -> Object:
    created = store.now - int(days * DAY)
    return store.put({"id": id, "object": kind, "created": created, **fields})


def listed(url: str, *entries: Object) -> Object:
    return {"object": "list", "data": list(entries), "has_more": False, "url": url}


def discount(store: Store, id: str, coupon: str) -> str:
    put(store, "discount", id, source={"type": "coupon", "coupon": coupon}, promotion_code=None)
    return id


def item(id: str, *discounts: str, **fields: Any) -> Object:
    price = {"id": "price_gone", "object": "price", "product": "prod_gone", "unit_amount": 900}
    return {"id": id, "object": "subscription_item", "price": price, "quantity": 1,
            "discounts": list(discounts), **fields}  # fmt: skip


def real_account(store: Store) -> None:
    """Deleted and hidden things of every kind, each named by something that is listed."""
    for coupon in ("C_HEAD", "C_ITEM", "C_LINE", "C_CUSTOMER"):
        put(store, "coupon", coupon, percent_off=10, duration="forever")
    put(store, "customer", "cus_gone", name="Gone Ltd")
    put(store, "customer", "cus_clock", name="On a test clock", test_clock="clock_1")
    put(store, "customer", "cus_here", discount={
        "id": "di_c", "object": "discount", "source": {"type": "coupon", "coupon": "C_CUSTOMER"}},
        invoice_settings={"default_payment_method": "pm_hidden"})  # fmt: skip
    put(store, "product", "prod_gone")
    put(store, "price", "price_gone", product="prod_gone", unit_amount=900)
    put(store, "tax_rate", "txr_gone", percentage=20)
    put(store, "promotion_code", "promo_gone", promotion={"type": "coupon", "coupon": "C_HEAD"})
    for kind, id in (
        ("coupon", "C_HEAD"), ("coupon", "C_ITEM"), ("coupon", "C_LINE"), ("coupon", "C_CUSTOMER"),
        ("customer", "cus_gone"), ("product", "prod_gone"), ("price", "price_gone"),
        ("tax_rate", "txr_gone"), ("promotion_code", "promo_gone"),
    ):  # fmt: skip
        store.delete(kind, id)
    put(store, "subscription", "sub_1", customer="cus_gone", status="active", currency="usd",
        discounts=[discount(store, "di_1", "C_HEAD")], default_tax_rates=[],
        items=listed("/v1/subscription_items?subscription=sub_1",
                     item("si_1", discount(store, "di_2", "C_ITEM"))))  # fmt: skip
    put(store, "subscription", "sub_2", customer="cus_clock", status="active", currency="usd",
        discounts=[], test_clock="clock_1", default_tax_rates=[],
        items=listed("/v1/subscription_items?subscription=sub_2", item("si_2")))  # fmt: skip
    for number, customer in enumerate(("cus_gone", "cus_clock", "cus_here")):
        line = {
            "id": f"il_{number}", "object": "line_item", "amount": 900, "currency": "usd",
            "discounts": [discount(store, "di_3", "C_LINE")] if number == 0 else [],
            "pricing": {"price_details": {"price": "price_gone", "product": "prod_gone"}},
            "taxes": [{"tax_rate_details": {"tax_rate": "txr_gone"}}],
        }  # fmt: skip
        put(store, "invoice", f"in_{number}", customer=customer, status="paid", currency="usd",
            parent={"subscription_details": {"subscription": "sub_2"}} if number == 1 else None,
            discounts=[], lines=listed(f"/v1/invoices/in_{number}/lines", line))  # fmt: skip


KINDS = {
    ("customer", "cus_gone"): True, ("customer", "cus_clock"): None,
    ("subscription", "sub_2"): None, ("coupon", "C_HEAD"): True, ("coupon", "C_ITEM"): True,
    ("coupon", "C_LINE"): True, ("coupon", "C_CUSTOMER"): True, ("price", "price_gone"): True,
}  # fmt: skip
"""What is landed though no list has it: whether as deleted."""
GONE = {
    "/v1/products/prod_gone": "gone",
    "/v1/tax_rates/txr_gone": "gone",
    "/v1/payment_methods/pm_hidden": "gone",
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    store = small_store()
    real_account(store)
    with served(store) as account:
        yield account


@pytest.fixture(scope="module")
def first(account: Account, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    home = tmp_path_factory.mktemp("first")
    return home, account.pull(home).manifest


def objects(account: Account, home: Path) -> dict[tuple[str, str], Object]:
    found = landed(account.settings(home))
    return {key: obj for key, obj in found.items() if key[0] not in ("balance", "event")}


def test_each_is_landed_as_it_answers(account: Account, first: tuple[Path, Any]) -> None:
    found = objects(account, first[0])
    assert {key: found[key].get("deleted") for key in KINDS} == KINDS
    assert found["coupon", "C_ITEM"]["percent_off"] == 10
    assert found["customer", "cus_gone"].keys() == {"id", "object", "deleted"}


def test_what_is_gone_for_good_is_a_line_each_and_needs_nothing(
    account: Account, first: tuple[Path, Any]
) -> None:
    lines = {
        line["endpoint"]: line["status"]
        for line in first[1].coverage
        if line["status"] != "complete"
    }
    assert lines == GONE
    assert not [line for line in first[1].coverage if line["needed_for"]]
    said = {o["object_id"] for (k, _), o in objects(account, first[0]).items()
            if k == "unreadable_object"}  # fmt: skip
    assert said == {path.rpartition("/")[2] for path in GONE}


def test_a_full_pull_a_lost_landing_and_a_next_night_end_with_the_same_tables(
    account: Account, first: tuple[Path, Any], tmp_path: Path
) -> None:
    home, _ = first
    before = objects(account, home)
    account.pull(tmp_path)  # the landing was lost
    assert objects(account, tmp_path) == before
    asked = account.app.requests["/v1/products/prod_gone"]
    account.store.now += 60
    account.pull(home)
    assert account.app.requests["/v1/products/prod_gone"] == asked  # refused for good: once
    assert objects(account, home) == before
    account.store.now += 60
    account.pull(home, full=True)
    assert account.app.requests["/v1/products/prod_gone"] == asked + 1
    assert objects(account, home) == before


def test_a_night_that_follows_events_finds_them_too(tmp_path: Path) -> None:
    store = small_store()
    with served(store) as account:
        account.pull(tmp_path / "home")
        store.now += DAY
        real_account(store)
        for kind in ("subscription", "invoice"):
            for obj in store.all(kind):
                store.emit(f"{kind}.updated", obj, store.now - 60)
        account.pull(tmp_path / "home")
        account.pull(tmp_path / "fresh")
        one, other = (objects(account, tmp_path / name) for name in ("home", "fresh"))
        assert {key: one[key].get("deleted") for key in KINDS if key[1] != "C_CUSTOMER"} == {
            key: value for key, value in KINDS.items() if key[1] != "C_CUSTOMER"
        }
        named = {key: obj for key, obj in other.items() if key in KINDS and key in one}
        assert {key: one[key] for key in named} == named


def test_an_outage_while_they_are_asked_for_heals_the_next_night(tmp_path: Path) -> None:
    store = small_store()
    put(store, "customer", "cus_gone")
    store.delete("customer", "cus_gone")
    put(store, "invoice", "in_1", customer="cus_gone", status="paid", discounts=[],
        lines=listed("/v1/invoices/in_1/lines"))  # fmt: skip
    with served(store) as account:
        account.app.faults.append(Fault("/v1/customers/cus_gone", status=500))
        outcome = account.pull(tmp_path)
        (line,) = [line for line in outcome.manifest.coverage if line["endpoint"] == ASKED]
        assert line["status"] == "failed"
        assert ("customer", "cus_gone") not in objects(account, tmp_path)
        account.app.faults.clear()
        store.now += DAY
        account.pull(tmp_path)
        assert objects(account, tmp_path)["customer", "cus_gone"]["deleted"] is True


def test_a_movement_that_came_late_is_asked_for_when_a_payout_names_it(tmp_path: Path) -> None:
    """Case late_balance_transaction: stamped five hours before the pull that could not see it."""
    store = small_store()

    def movement(id: str, days: float) -> None:
        put(store, "balance_transaction", id, days, amount=5, net=5, fee=0, currency="usd",
            type="charge", source=None)  # fmt: skip

    movement("txn_0", 1)
    with served(store) as account:
        account.pull(tmp_path)
        movement("txn_late", 5 / 24)
        put(store, "payout", "po_1", 0.1, automatic=True, reconciliation_status="completed",
            arrival_date=store.now, status="paid", balance_transaction="txn_po")  # fmt: skip
        movement("txn_po", 0.1)
        store.link_payout("po_1", ["txn_0", "txn_late", "txn_po"])
        store.emit("payout.paid", store.get("payout", "po_1"), store.now)
        store.now += DAY
        account.pull(tmp_path)
        found = objects(account, tmp_path)
        assert "txn_late" in found["payout_composition", "po_1"]["balance_transactions"]
        assert found["balance_transaction", "txn_late"]["net"] == 5


def test_requests_are_bounded_where_no_figure_rests_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heirpay_pipelines.gateways.stripe.named.MOST_OF_NO_FIGURE", 3)
    store = small_store()
    for number in range(8):
        put(store, "customer", f"cus_{number}", discount=None,
            invoice_settings={"default_payment_method": f"pm_{number}"})  # fmt: skip
    with served(store) as account:
        outcome = account.pull(tmp_path)
        asked = [path for path in account.app.requests if path.startswith("/v1/payment_methods/pm_")
                 and "probe" not in path]  # fmt: skip
        assert len(asked) == 3
        (line,) = [line for line in outcome.manifest.coverage if line["endpoint"] == ASKED]
        assert line["status"] == "complete"
        assert "5 payment_method were not asked for" in line["reason"]
        assert Landing(account.settings(tmp_path).landing_dir).newest() is not None
