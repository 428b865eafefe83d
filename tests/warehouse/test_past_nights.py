"""Three nights are pulled over HTTP; then the first is computed again: to the digit as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import payment_objects as stripe
from compiled_project import run_models
from landing_harness import Warehouse, epoch
from mrr_examples import Examples
from served_landing import served, store_of
from stripe_objects import discount, invoice, item, line

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest

NIGHTS = ("2026-04-10T00:00:00", "2026-04-11T00:00:00", "2026-05-02T00:00:00")
SELECT = "+mrr_movements +mrr_monthly +churn_monthly +revenue_recognition +daily_revenue"
JsonObject = dict[str, Any]


def first_day() -> tuple[Store, dict[str, JsonObject]]:
    """An account as the first night sees it, and its subscriptions by name."""
    e = Examples()
    ten, hundred = e.priced(1000), e.priced(10000)
    half = discount("di_half", percent_off=50, duration="repeating", end="2026-04-10T18:00:00")
    bodies = {
        "grows": e.starts("grows", ten, at="2026-03-20T08:00:00"),
        "ends": e.starts("ends", hundred, at="2026-03-20T08:00:00"),
        "lapses": e.starts("lapses", hundred, at="2026-03-20T08:00:00", discounts=[half]),
        "tries": e.starts(
            "tries", ten, at="2026-04-01T08:00:00", status="trialing",
            trial_start="2026-04-01T08:00:00", trial_end="2026-04-15T08:00:00",
        ),
    }  # fmt: skip
    billed = line(
        "il_1", 1000, "2026-03-20T08:00:00", "2026-04-20T08:00:00", "sub_grows", "si_grows_0"
    )
    bill = invoice("in_1", "cus_grows", "2026-03-20T08:00:00", [billed], "sub_grows", "open")
    paid = [
        stripe.charge("ch_1", 1000, "2026-03-20T09:00:00", transaction="txn_1"),
        stripe.movement("txn_1", "charge", 1000, "2026-03-20T09:00:00", fee=59, source="ch_1"),
        stripe.balance({"usd": 941}),
    ]
    stripe.land(e.landing, [bill, *paid], NIGHTS[0])
    return store_of(e.landing, NIGHTS[0]), bodies


def happens(store: Store, kind: str, body: JsonObject, at: str) -> None:
    """An object changes, and the event log tells it."""
    store.put(body)
    store.emit(kind, body, epoch(at))


def second_day(store: Store, bodies: dict[str, JsonObject]) -> None:
    store.now = epoch(NIGHTS[1])
    dear = {**bodies["grows"]["items"]["data"][0], "quantity": 7}
    grown = bodies["grows"] | {"items": {"object": "list", "data": [dear], "has_more": False}}
    happens(store, "customer.subscription.updated", grown, "2026-04-10T09:00:00")
    refund = stripe.refund("re_1", "ch_1", 400, "2026-04-10T10:00:00", "txn_2")
    happens(store, "refund.created", refund, "2026-04-10T10:00:00")
    back = stripe.movement("txn_2", "refund", -400, "2026-04-10T10:00:00", source="re_1")
    store.put(back)


def weeks_later(store: Store, bodies: dict[str, JsonObject]) -> None:
    store.now = epoch(NIGHTS[2])
    at = "2026-04-20T08:00:00"
    ended = bodies["ends"] | {"status": "canceled", "ended_at": epoch(at), "canceled_at": epoch(at)}
    happens(store, "customer.subscription.deleted", ended, at)
    paying = bodies["tries"] | {"status": "active"}
    happens(store, "customer.subscription.updated", paying, "2026-04-15T08:00:00")
    gone = {"id": "cus_lapses", "object": "customer", "deleted": True}
    store.emit("customer.deleted", gone, epoch("2026-04-28T08:00:00"))
    voided = store.get("invoice", "in_1")
    steps = voided["status_transitions"] | {"voided_at": epoch("2026-04-25T08:00:00")}
    voided = voided | {"status": "void", "status_transitions": steps}
    happens(store, "invoice.voided", voided, "2026-04-25T08:00:00")
    # A repriced item under the same id: today's price is not yesterday's.
    other = store.get("price", bodies["ends"]["items"]["data"][0]["price"]["id"])
    items = {"object": "list", "data": [item("si_lapses_0", other, 3)], "has_more": False}
    tripled = bodies["lapses"] | {"items": items, "discounts": []}
    happens(store, "customer.subscription.updated", tripled, "2026-04-29T08:00:00")


def computed(settings: Settings, as_of: str, run_id: str) -> dict[str, str]:
    """Build the night anew; a hash of every row of each table that a night's figures stand in."""
    request = BuildRequest(
        database=settings.warehouse_dir / "building" / f"{run_id}.duckdb",
        work_dir=settings.folder / "dbt",
        run_id="test",
        as_of=datetime.fromisoformat(as_of),
    )
    prepare_build(request, settings)
    run_models(request, SELECT)
    warehouse = Warehouse(request.database)
    tables = warehouse.rows(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where schema_name in ('staging', 'intermediate', 'finance') order by 1"
    )
    return {
        name: warehouse.value(
            f"select count(*) || ' ' || coalesce(sum(hash(t::varchar)::hugeint)::varchar, '')"
            f" from {name} as t"
        )
        for (name,) in tables
    }


def test_a_past_night_is_the_same_after_later_pulls(tmp_path: Path) -> None:
    store, bodies = first_day()
    with served(store) as (url, key):
        settings = Settings(HEIRPAY_HOME=tmp_path, STRIPE_API_BASE=url, STRIPE_API_KEY=key)

        def pull(as_of: str) -> bool:
            instant = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
            return pull_and_land(stripe_account(settings), instant, False, Mock()).pulled

        assert pull(NIGHTS[0])
        then = computed(settings, NIGHTS[0], "then")
        for night, day in zip(NIGHTS[1:], (second_day, weeks_later), strict=True):
            day(store, bodies)
            assert pull(night)
        assert not pull(NIGHTS[0]), "a past night is computed from what was landed by then"
    again = computed(settings, NIGHTS[0], "again")
    latest = computed(settings, NIGHTS[2], "latest")
    assert again == then
    moved = {name for name in then if latest[name] != then[name]}
    assert moved >= {
        "finance.mrr_monthly", "finance.mrr_movements", "finance.churn_monthly",
        "finance.revenue_recognition", "finance.daily_revenue",
        "staging.stg_stripe__subscription_versions",
    }  # fmt: skip
