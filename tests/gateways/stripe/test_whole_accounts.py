"""Accounts as they are, the whole way: served over HTTP, pulled, modelled, judged, reported.

One account holds what stops a night at a careless reader: a customer who was deleted before the
first pull, one object of each kind and no more, everything in a month long past, a key that may not
ask for the account, for Connect, Radar or reports, and an object that changes with every request.
The other holds nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from compiled_project import run_models
from served_account import DAY, Account, served, small_store

from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.controls.results import ControlResult, RunContext
from heirpay_pipelines.controls.run import run_controls
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.report.write import write_report
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.publication import publish

CASE = Path(__file__).parent / "cases" / "deleted_customer.json"
DENIED = ("account", "accounts", "radar/early_fraud_warnings", "reporting", "transfers", "topups",
          "application_fees", "payment_methods", "reviews", "products",
          "promotion_codes")  # fmt: skip


@dataclass(frozen=True)
class Night:
    settings: Settings
    results: list[ControlResult]
    coverage: list[dict[str, Any]]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    @property
    def blocking(self) -> list[str]:
        """What would refuse publication."""
        return [
            f"{result.key}: {result.evidence}"
            for result in self.results
            if result.severity == "blocking" and result.status not in ("pass", "not_applicable")
        ]


def night(account: Account, home: Path, as_of: datetime) -> Night:
    """Pull, build every model, evaluate every control of a table, publish, write the report."""
    outcome = account.pull(home, as_of)
    settings = account.settings(home)
    request = BuildRequest(
        database=settings.warehouse_dir / "building" / "r1.duckdb",
        work_dir=home / "dbt",
        run_id="r1",
        as_of=as_of.replace(tzinfo=None),
    )
    prepare_build(request, settings)
    run_models(request, "+path:models", tested=True)
    run = RunContext("r1", as_of, settings, datetime.now(UTC))
    tables = [c for c in load_register() if c.rows or c.native or c.probe in ("required_values",
              "working_keys", "known_values")]  # fmt: skip
    results = run_controls(request.database, run, controls=tables)
    publish(request.database, settings.warehouse, None)
    coverage = list(outcome.manifest.coverage)
    facts = RunFacts("r1", as_of, "published", coverage=coverage)
    write_report(settings, facts, [asdict(result) for result in results])
    return Night(settings, results, coverage)


class Changing:
    """At each request a customer is renamed, a charge captured, its movement booked."""

    def __init__(self, store: Store) -> None:
        self.store, self.number = store, 0

    def __call__(self, path: str) -> None:
        store, self.number = self.store, self.number + 1
        store.now += 1
        name = f"{self.number:04d}"
        movement = {"id": f"txn_late_{name}", "object": "balance_transaction", "amount": 500,
                    "fee": 0, "net": 500, "currency": "usd", "source": "ch_open", "type": "charge",
                    "reporting_category": "charge", "created": store.now}  # fmt: skip
        store.put(movement)
        charge = store.get("charge", "ch_open")
        was = {k: charge[k] for k in ("captured", "amount_captured", "balance_transaction")}
        now = {"captured": True, "amount_captured": 500, "balance_transaction": movement["id"]}
        store.put(charge | now)
        store.emit("charge.captured", charge | now, store.now, was)
        customer = store.get("customer", "cus_one")
        store.put(customer | {"name": name})
        store.emit("customer.updated", customer | {"name": name}, store.now,
                   {"name": customer["name"]})  # fmt: skip


def one_of_each(store: Store) -> None:
    """One object of each kind that the case does not hold, forty days old."""
    at = store.now - 40 * DAY

    def put(kind: str, id: str, **fields: Any) -> None:
        store.put({"id": id, "object": kind, "created": at, "livemode": False, **fields})

    card = {"type": "card", "card": {"brand": "visa", "country": "US", "network": "visa"}}
    price = {
        "id": "price_1",
        "object": "price",
        "currency": "usd",
        "unit_amount": 2900,
        "product": "prod_gone",
        "billing_scheme": "per_unit",
        "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    }
    put("customer", "cus_one", name="Before", email="jo@example.com", balance=0, currency="usd",
        discount=None)  # fmt: skip
    put("charge", "ch_open", amount=500, amount_captured=0, amount_refunded=0, captured=False,
        currency="usd", customer="cus_one", status="succeeded", paid=True, refunded=False,
        disputed=False, balance_transaction=None, payment_intent="pi_1",
        payment_method_details=card, billing_details={},
        outcome={"type": "authorized"})  # fmt: skip
    put("payment_intent", "pi_1", amount=500, currency="usd", status="requires_capture",
        customer="cus_one", latest_charge="ch_open")  # fmt: skip
    put("payment_method", "pm_1", type="card", customer="cus_one", card=card["card"])
    put("refund", "re_1", amount=100, currency="usd", charge="ch_1", status="pending",
        balance_transaction=None)  # fmt: skip
    put("dispute", "du_1", amount=100, currency="usd", charge="ch_1", reason="general",
        status="warning_needs_response", balance_transactions=[])  # fmt: skip
    put("radar.early_fraud_warning", "issfr_1", charge="ch_1", fraud_type="misc", actionable=True)
    put("review", "prv_1", charge="ch_1", open=True, reason="rule")
    put("payout", "po_1", amount=100, currency="usd", status="canceled", automatic=False,
        arrival_date=at, balance_transaction=None)  # fmt: skip
    put("topup", "tu_1", amount=1, currency="usd", status="canceled", balance_transaction=None)
    put("coupon", "C1", percent_off=10, duration="forever", valid=True)
    put("promotion_code", "promo_1", promotion={"type": "coupon", "coupon": "C1"}, code="X")
    put("tax_rate", "txr_1", percentage=20, inclusive=False, display_name="VAT", active=True)
    put("price", **{k: v for k, v in price.items() if k != "object"})
    put("subscription", "sub_1", customer="cus_deleted", status="canceled", currency="usd",
        start_date=at, canceled_at=at + DAY, ended_at=at + DAY, discounts=[], default_tax_rates=[],
        collection_method="charge_automatically", latest_invoice=None, schedule=None,
        items={"object": "list", "has_more": False, "url": "/v1/subscription_items",
               "data": [{"id": "si_1", "object": "subscription_item", "quantity": 1,
                         "price": price, "discounts": [], "created": at,
                         "current_period_start": at, "current_period_end": at + 30 * DAY}]},
        )  # fmt: skip
    put("subscription_schedule", "sub_sched_1", customer="cus_one", status="canceled", phases=[])
    put("credit_note", "cn_1", invoice="in_1", customer="cus_deleted", amount=100, currency="usd",
        status="issued", type="post_payment", total=100, subtotal=100, total_taxes=[],
        lines={"object": "list", "has_more": False, "url": "/v1/credit_notes/cn_1/lines",
               "data": []})  # fmt: skip


def real_account() -> Store:
    store = small_store()
    case = json.loads(CASE.read_text())
    first = case["invoice"][0]["created"]
    for kind, objects in case.items():
        for obj in objects:
            if kind in ("account", "balance"):
                continue
            created = obj["created"] - first + store.now - 40 * DAY
            store.put(obj | {"created": created, "livemode": False})
    store.put({"id": "cus_deleted", "object": "customer", "created": store.now - 50 * DAY})
    store.delete("customer", "cus_deleted")
    one_of_each(store)
    return store


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    store = real_account()
    as_of = datetime.fromtimestamp(store.now, UTC)
    with served(store) as account:
        account.app.server.api.denied = frozenset(DENIED)
        account.app.before = Changing(store)
        yield night(account, tmp_path_factory.mktemp("real"), as_of)


def test_a_real_account_is_published(real: Night) -> None:
    assert real.blocking == []
    assert real.rows(
        "select is_deleted from staging.stg_stripe__customers where id = 'cus_deleted'"
    ) == [(True,)]
    assert real.rows(
        "select sum(gross_volume) from finance.daily_revenue where currency = 'usd'"
    ) == [(29,)]


def test_a_busy_account_shows_the_version_as_of_the_instant(real: Night) -> None:
    assert real.rows(
        "select is_captured from staging.stg_stripe__charges where id = 'ch_open'"
    ) == [(False,)]
    assert real.rows("select name from staging.stg_stripe__customers where id = 'cus_one'") == [
        ("Before",)
    ]
    assert real.rows("select count(*) from staging.stg_stripe__balance_transactions") == [(1,)]


def test_what_the_key_may_not_read_is_said_and_blocks_nothing(real: Night) -> None:
    said = dict(
        real.rows("select endpoint, needed_for from operations.coverage where status = 'forbidden'")
    )
    assert {path.removeprefix("/v1/") for path in said} >= {d for d in DENIED if d != "reporting"}
    assert set(said.values()) == {None}
    assert (
        "/v1/products/prod_gone" not in said
    )  # a kind that may not be read is not asked one by one


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with served(small_store()) as account:
        yield night(account, tmp_path_factory.mktemp("empty"), account.now())


def test_an_account_without_objects_is_published(empty: Night) -> None:
    assert empty.blocking == []
    assert empty.rows("select count(*) from finance.mrr_movements") == [(0,)]
    assert (empty.settings.reports_dir / "latest" / "report.html").is_file()
