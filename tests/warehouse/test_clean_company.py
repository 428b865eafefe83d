"""A company that lives its first eight months, before any problem is planted: nothing breaks.

Everything is there that a real account has (currencies, refunds, disputes, credit notes, Connect,
top-ups, bank statements, Stripe's own reports), so that a rule that cries wolf is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from compiled_project import run_models
from landing_harness import Warehouse
from served_landing import served

from heirpay_pipelines.bank.files import land_bank_statements
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landed_reports import land_reports
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.sandbox.bank import write_bank_statements
from heirpay_pipelines.sandbox.company import build_company
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.publication import publish

START = datetime(2025, 5, 1, tzinfo=UTC)
SELECT = "+reconciliation_breaks +tax_warnings +journal_entries +daily_revenue +tax_summary"
SELECT += " +tax_transactions"
NOW = START + timedelta(days=245)


@pytest.fixture(scope="module", params=[0, 15], ids=["at its instant", "fifteen hours later"])
def clean(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Warehouse]:
    """Pulled at the night's instant, and so much later that Stripe has gone on."""
    as_of = NOW - timedelta(hours=request.param)
    home: Path = tmp_path_factory.mktemp("clean-company") / "home"
    store = Store(int(NOW.timestamp()))
    build_company(store, 1, int(START.timestamp()), int(NOW.timestamp()))
    with served(store) as (url, key):
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        write_bank_statements(store, settings.bank_dir)
        pull_and_land(stripe_account(settings), as_of, False, Mock())
        assert land_bank_statements(settings, as_of).quarantined == ()
        reports = land_reports(stripe_account(settings), as_of)
        assert {line.status for line in reports.coverage} == {"complete"}
    wanted = BuildRequest(
        database=settings.warehouse_dir / "building" / "r1.duckdb",
        work_dir=settings.folder / "dbt",
        run_id="r1",
        as_of=as_of.replace(tzinfo=None),
    )
    prepare_build(wanted, settings)
    run_models(wanted, SELECT, tested=True)
    publish(wanted.database, settings.warehouse, None)
    yield Warehouse(settings.warehouse)


def test_no_break_is_found(clean: Warehouse) -> None:
    assert (
        clean.rows("select kind, object_id, amount, detail from intermediate.int_every_break") == []
    )


def test_there_was_something_to_find_breaks_in(clean: Warehouse) -> None:
    for table in (
        "charges", "refunds", "disputes", "payouts", "invoice_payments", "credit_notes",
        "transfers", "topups", "application_fees", "customer_balance_transactions",
        "report_rows",
    ):  # fmt: skip
        assert clean.value(f"select count(*) from staging.stg_stripe__{table}") > 0, table
    assert clean.value("select count(*) from staging.stg_bank__transactions") > 0
    statuses = dict(
        clean.rows("select status, count(*) from finance.payout_reconciliation group by 1")
    )
    assert statuses["reconciled"] > 50
    assert set(statuses) <= {"reconciled", "in_transit"}


def test_no_tax_warning_is_given(clean: Warehouse) -> None:
    assert clean.rows("select kind, object_id, detail from finance.tax_warnings") == []


def test_the_journal_is_the_balance(clean: Warehouse) -> None:
    rows = clean.rows(
        "select currency, sum(debit - credit) from finance.journal_entries where line_number = 1"
        " group by 1 order by 1"
    )
    closing = clean.rows(
        "select currency, max_by(closing_balance, date) from finance.balance_reconciliation"
        " group by 1 order by 1"
    )
    assert rows == closing
