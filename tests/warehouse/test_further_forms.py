"""Further forms of what real accounts hold, from HTTP to the tables: coupons of single items and
lines, an account whose only money is one object, movements that become known late."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from compiled_project import run_models
from history_objects import CHEAP, DEAR, FIRST_PULL
from landing_harness import Landing, Warehouse
from served_landing import served, store_of
from stripe_objects import customer, discount, invoice, item, line, subscription

sys.path.append(str(Path(__file__).resolve().parents[1] / "gateways" / "stripe"))

import served_account
from served_account import DAY, Account, small_store

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest

AT, UNTIL = "2026-08-20T10:00:00", "2026-09-20T10:00:00"
MONEY = "+daily_revenue +balance_reconciliation +reconciliation_breaks +revenue_by_kind"
MONEY += " +payout_reconciliation"


def modelled(settings: Settings, as_of: datetime, name: str, select: str) -> Warehouse:
    request = BuildRequest(
        database=settings.warehouse_dir / "building" / f"{name}.duckdb",
        work_dir=settings.folder / "dbt",
        run_id=name,
        as_of=as_of.replace(tzinfo=None),
    )
    prepare_build(request, settings)
    run_models(request, select, tested=True)
    return Warehouse(request.database)


def with_coupons() -> Landing:
    """Items with a coupon of their own beside one without, and a bill of an invoice item with one;
    two of the coupons were deleted before the first pull."""
    landing = Landing()
    for its in (CHEAP, DEAR):
        landing.version(its, FIRST_PULL)

    def subscribed(name: str, off: dict[str, Any], cut: int, quantity: int = 1) -> None:
        landing.version(customer(f"cus_{name}"), FIRST_PULL)
        items = [item(f"si_{name}", CHEAP, quantity, discounts=[off]), item(f"si_{name}2", DEAR)]
        landing.version(subscription(f"sub_{name}", f"cus_{name}", items, created=AT), FIRST_PULL)
        lines = [
            line(f"il_{name}", 1000 * quantity, AT, UNTIL, f"sub_{name}", f"si_{name}",
                 "price_cheap", quantity, discounts=[(off["id"], cut)]),
            line(f"il_{name}2", 3000, AT, UNTIL, f"sub_{name}", f"si_{name}2", "price_dear"),
        ]  # fmt: skip
        made = invoice(f"in_{name}", f"cus_{name}", AT, lines, f"sub_{name}")
        landing.version(made, FIRST_PULL)

    subscribed("item", discount("di_item", percent_off=25), 500, quantity=2)
    subscribed("gone", discount("di_gone", amount_off=300), 300)
    running = discount("di_run", percent_off=50, duration="repeating", end="2026-11-20")
    subscribed("run", running, 500)
    landing.version(customer("cus_once"), FIRST_PULL)
    billed = line("il_once", 5000, AT, AT, discounts=[("di_once", 500)])
    billed["discounts"] = [discount("di_once", percent_off=10, duration="once")]
    landing.version(invoice("in_once", "cus_once", AT, [billed]), FIRST_PULL)
    return landing


@pytest.fixture(scope="module")
def coupons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    store = store_of(with_coupons(), FIRST_PULL)
    for coupon in ("co_di_gone", "co_di_run"):
        store.delete("coupon", coupon)
    instant = datetime.fromisoformat(FIRST_PULL).replace(tzinfo=UTC)
    home = tmp_path_factory.mktemp("coupons") / "home"
    with served(store) as (url, key):
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        pull_and_land(stripe_account(settings), instant, False, Mock())
    yield modelled(settings, instant, "r1", "+mrr_movements +mrr_monthly +revenue_by_kind")


def test_a_coupon_of_an_item_reduces_that_item(coupons: Warehouse) -> None:
    rows = coupons.rows(
        "select customer_id, movement, mrr_change from finance.mrr_movements order by 1"
    )
    assert rows == [("cus_gone", "new", 37), ("cus_item", "new", 45), ("cus_run", "new", 35)]
    august = "from finance.mrr_monthly where month = '2026-08-01'"
    assert coupons.rows(f"select mrr, mrr_list, mrr_net_all {august}") == [(117, 130, 117)]


def test_revenue_is_less_the_coupons_of_items_and_lines(coupons: Warehouse) -> None:
    rows = coupons.rows(
        "select kind, billed from finance.revenue_by_kind where month = '2026-08-01' order by 1"
    )
    assert rows == [("one_off_invoice", 45), ("subscription", 117)]


def movement(
    store: Store, id: str, amount: int, at: int, category: str, source: str | None
) -> None:
    store.put({
        "id": id, "object": "balance_transaction", "created": at, "available_on": at,
        "amount": amount, "fee": 0, "net": amount, "currency": "usd", "type": category,
        "reporting_category": category, "source": source, "status": "available",
        "fee_details": [],
    })  # fmt: skip


def part(name: str) -> dict[str, Any]:
    return {"object": "list", "data": [], "has_more": False, "url": f"/v1/{name}"}


TRANSFER = {
    "id": "tr_1", "object": "transfer", "amount": 500, "amount_reversed": 0, "currency": "usd",
    "destination": "acct_other", "balance_transaction": "txn_1", "reversed": False,
    "reversals": part("transfers/tr_1/reversals"),
}  # fmt: skip
FEE = {
    "id": "fee_1", "object": "application_fee", "amount": 500, "amount_refunded": 0,
    "currency": "usd", "account": "acct_other", "application": "ca_1", "refunded": False,
    "balance_transaction": "txn_1", "charge": "ch_of_another_account",
    "refunds": part("application_fees/fee_1/refunds"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("obj", "category", "amount", "kind"),
    [
        (TRANSFER, "transfer", -500, "connect_transfer"),
        (FEE, "platform_earning", 500, "application_fee"),
    ],
)
def test_an_account_whose_only_money_is_one_object(
    tmp_path: Path, obj: dict[str, Any], category: str, amount: int, kind: str
) -> None:
    store = small_store()
    at = store.now - 2 * DAY
    store.put({**obj, "created": at})
    movement(store, "txn_1", amount, at, category, obj["id"])
    with served_account.served(store) as account:
        outcome = account.pull(tmp_path)
        built = modelled(account.settings(tmp_path), account.now(), "r1", MONEY)
    assert not [line for line in outcome.manifest.coverage if line["needed_for"]]
    major = amount // 100
    assert built.rows("select kind, billed, recognised from finance.revenue_by_kind") == [
        (kind, major, major)
    ]
    sums = "select sum(activity), max_by(closing_balance, date) from finance.balance_reconciliation"
    assert built.rows(sums) == [(major, major)]
    assert built.rows("from finance.reconciliation_breaks") == []


def late_account(store: Store) -> tuple[dict[str, Any], int]:
    """A payment of six hours before the first night, whose movement Stripe does not list yet."""
    at = store.now - 6 * 3600
    charge = store.put({
        "id": "ch_1", "object": "charge", "created": at, "amount": 500, "amount_captured": 500,
        "amount_refunded": 0, "captured": True, "currency": "usd", "status": "succeeded",
        "paid": True, "balance_transaction": None, "customer": None, "payment_intent": None,
        "payment_method_details": {"type": "card"}, "billing_details": {},
        "outcome": {"type": "authorized"},
    })  # fmt: skip
    store.emit("charge.succeeded", charge, at)
    return charge, at


def test_a_movement_that_becomes_known_late_is_in_the_tables_of_the_next_night(
    tmp_path: Path,
) -> None:
    store = small_store()
    charge, at = late_account(store)

    def night(account: Account, name: str) -> Warehouse:
        account.app.server.api.renderer.forget()
        account.pull(tmp_path)
        return modelled(account.settings(tmp_path), account.now(), name, MONEY)

    with served_account.served(store) as account:
        first = night(account, "r1")
        assert first.rows("select kind, object_id from finance.reconciliation_breaks") == [
            ("balance_transaction_missing", "ch_1")
        ]
        # Stamped before the first night; listed, and named by its charge, only now. Another one is
        # named by a payout alone.
        movement(store, "txn_1", 500, at + 60, "charge", "ch_1")
        movement(store, "txn_fee", -30, at + 60, "fee", None)
        told = store.put(charge | {"balance_transaction": "txn_1"})
        store.emit("charge.updated", told, store.now + 60, {"balance_transaction": None})
        store.now += DAY
        second = night(account, "r2")
        payout = {"id": "po_1", "object": "payout", "amount": 470, "currency": "usd",
                  "status": "paid", "automatic": True, "reconciliation_status": "completed",
                  "arrival_date": store.now, "created": store.now, "type": "bank_account",
                  "balance_transaction": "txn_po", "method": "standard"}  # fmt: skip
        movement(store, "txn_po", -470, store.now, "payout", "po_1")
        store.link_payout("po_1", ["txn_1", "txn_fee", "txn_po"])
        store.emit("payout.paid", store.put(payout), store.now + 60)
        store.now += DAY
        third = night(account, "r3")
    gross = "select date, gross_volume, net_volume from finance.daily_revenue where net_volume <> 0"
    assert first.rows(gross) == []
    assert second.rows(gross) == [(date(2026, 9, 30), 5, 5)]
    assert second.rows("from finance.reconciliation_breaks") == []
    closing = "select max_by(closing_balance, date) from finance.balance_reconciliation"
    assert third.value(closing) == 0
    paid = "select payout_id, transactions_amount, difference from finance.payout_reconciliation"
    assert [(row[0], float(row[1]), row[2]) for row in third.rows(paid)] == [("po_1", 4.7, 0)]
    assert third.rows("select kind from finance.reconciliation_breaks") == []
