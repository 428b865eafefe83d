"""An object of a currency whose decimals nobody knows is put aside with the reason, and the night
of all others goes on: served over HTTP, pulled, landed, modelled, held against the controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import payment_objects as stripe
import pytest
from compiled_project import run_models
from landing_harness import Warehouse
from mrr_examples import Examples
from served_landing import served, store_of

from heirpay_pipelines import currencies
from heirpay_pipelines.controls import ControlResult, RunContext, load_register, run_controls
from heirpay_pipelines.controls.results import STOPS
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.gateways.stripe.quarantine_retry import (
    quarantined_objects,
    retry_quarantined,
)
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest

AS_OF = datetime.fromisoformat("2026-10-20T00:00:00")
AT = "2026-10-15T12:00:00"
SELECT = "path:models/staging +reconciliation_breaks +daily_revenue +mrr_monthly"
ASIDE = {"ch_token", "txn_token", "sub_token"}


def account() -> Examples:
    """A company in dollars that took a payment, a subscription and a settlement in `usdc`."""
    e = Examples()
    e.starts("token", e.priced(1000, currency="usdc"))
    # In dollars by an option of a price whose own currency is not known.
    e.starts("dollar", e.priced(2500, currency="usdc", options={"usd": 2000}), currency="usd")
    objects = [
        stripe.charge("ch_dollar", 500, AT, transaction="txn_dollar", customer=None),
        stripe.movement("txn_dollar", "charge", 500, AT, source="ch_dollar"),
        # Paid in tokens and settled in dollars; paid in dollars and settled in tokens.
        stripe.charge("ch_token", 700, AT, "usdc", transaction="txn_settled", customer=None),
        stripe.movement("txn_settled", "charge", 600, AT, source="ch_token"),
        stripe.charge("ch_fiat", 800, AT, transaction="txn_token", customer=None),
        stripe.movement("txn_token", "charge", 900, AT, currency="usdc", source="ch_fiat"),
        stripe.balance({"usd": 1100, "usdc": 900}),
    ]
    stripe.land(e.landing, objects, AS_OF.isoformat())
    return e


@dataclass
class Night:
    settings: Settings
    warehouse: Warehouse

    def controls(self) -> dict[str, ControlResult]:
        instant = AS_OF.replace(tzinfo=UTC)
        run = RunContext("r1", instant, self.settings, instant)
        chosen = [
            each
            for each in load_register()
            if (each.framework == "data_quality" and each.rows and "from staging" in each.rows)
            or each.key == "live_items_priced"
        ]
        found = run_controls(self.warehouse.database, run, controls=chosen)
        return {result.key: result for result in found}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    home: Path = tmp_path_factory.mktemp("tokens") / "home"
    with served(store_of(account().landing, AS_OF.isoformat())) as (url, key):
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        pull_and_land(stripe_account(settings), AS_OF.replace(tzinfo=UTC), False, Mock())
        database = settings.warehouse_dir / "building" / "r1.duckdb"
        request = BuildRequest(database, settings.folder / "dbt", "r1", AS_OF)
        prepare_build(request, settings)
        run_models(request, SELECT, tested=True)
        yield Night(settings, Warehouse(database))


def test_what_is_known_is_published_and_no_blocking_control_fails(night: Night) -> None:
    warehouse = night.warehouse
    volume = "select currency, sum(gross_volume) from finance.daily_revenue group by all"
    assert warehouse.rows(volume) == [("usd", 11)]
    assert warehouse.rows("select distinct currency, mrr from finance.mrr_monthly") == [("usd", 20)]
    closing = "select currency, closing_balance, difference from finance.balance_reconciliation"
    assert warehouse.rows(f"{closing} where date = '2026-10-20'") == [("usd", 11, 0)]
    found = night.controls()
    failed = {key for key, result in found.items() if result.status in STOPS}
    assert {key for key in failed if found[key].severity == "blocking"} == set()
    assert "quarantine_empty" in failed


def test_what_is_put_aside_is_named_with_the_reason(night: Night) -> None:
    rows = night.warehouse.rows(
        "select object_id, reason from staging.stg_landing__quarantined_objects"
    )
    assert {object_id for object_id, _ in rows} == ASIDE
    assert all("currency 'usdc' is not known" in reason for _, reason in rows)
    named = night.controls()["quarantine_empty"].evidence["ids"]
    assert {name.rpartition(" ")[2] for name in named} == ASIDE | {"usdc"}
    assert {"subscription sub_token", "charge ch_token", "balance in usdc"} <= set(named)
    # The movement of what is put aside has no object now: the break says so.
    breaks = "select kind, object_id from finance.reconciliation_breaks where object_id = ?"
    assert night.warehouse.rows(breaks, "txn_settled") == [
        ("balance_transaction_orphan", "txn_settled")
    ]


def test_it_lands_when_the_currency_is_known(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = Landing(night.settings.landing_dir)
    waiting = quarantined_objects(landing)
    known = {**currencies.exponents(), "usdc": 2}
    monkeypatch.setattr("heirpay_pipelines.landing.writer.exponents", lambda: known)
    retried = retry_quarantined(stripe_account(night.settings))
    assert len(retried) == len(waiting) >= len(ASIDE)
    assert all(each.landed for each in retried)
    assert quarantined_objects(landing) == []
