"""The worked examples the whole way: served over HTTP, pulled, landed, modelled, published.

What the published file says of subscriptions equals what the models say of the same objects landed
by hand, and those are held against METRICS.md, example by example, in test_mrr_examples.py. The
examples of balance, payouts, deferred revenue and tax are read from the published file itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from unittest.mock import Mock

import payment_objects as stripe
import pytest
from compiled_project import run_models
from landing_harness import Warehouse
from money_examples import disputed_charge, five_days, german_invoice, spread_invoices
from mrr_examples import examples
from served_landing import served, store_of

from heirpay_pipelines.gateways.stripe import pull
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.sandbox import api
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.publication import publish

AS_OF = "2026-10-20T00:00:00"
SELECT = "+path:models/marts/subscriptions +revenue_recognition +tax_summary +daily_revenue"
SELECT += " +tax_transactions +balance_reconciliation +payout_reconciliation"
YEAR_SECONDS = 365 * 86_400
TABLES = {
    "mrr_movements": "occurred_on, customer_id, currency, movement, mrr_before, mrr_after,"
    " mrr_change, mrr_change_reporting, churn_kind",
    "mrr_monthly": "month, currency, mrr, mrr_list, mrr_net_all, active_customers, arpa",
    "churn_monthly": "*",
    "cohort_retention": "*",
    "scheduled_churn": "*",
    "trial_conversion": "*",
    "usage_mrr_monthly": "*",
    "mrr_fx_monthly": "*",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = examples()
    money = five_days() + disputed_charge() + spread_invoices() + german_invoice()
    stripe.land(landing, [*money, stripe.balance({"usd": 0, "kwd": 120_000})], AS_OF)
    home = tmp_path_factory.mktemp("whole") / "home"
    with pytest.MonkeyPatch.context() as monkeypatch, served(store_of(landing, AS_OF)) as account:
        # One pull sees the whole event log, as one that pulled every night would have kept it.
        monkeypatch.setattr(api, "EVENT_RETENTION", YEAR_SECONDS)
        monkeypatch.setattr(pull, "RETENTION_SECONDS", YEAR_SECONDS)
        url, key = account
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        instant = datetime.fromisoformat(AS_OF)
        outcome = pull_and_land(
            stripe_account(settings), instant.replace(tzinfo=UTC), False, Mock()
        )
    assert outcome.rows["event"] > 1000
    request = BuildRequest(
        database=settings.warehouse_dir / "building" / "r1.duckdb",
        work_dir=settings.folder / "dbt",
        run_id="r1",
        as_of=instant,
    )
    prepare_build(request, settings)
    run_models(request, SELECT, tested=True)
    publish(request.database, settings.warehouse, None)
    yield Warehouse(settings.warehouse)


def test_published_figures_are_those_of_the_examples(
    published: Warehouse, worked_examples: Warehouse
) -> None:
    for table, columns in TABLES.items():
        query = f"select {columns} from finance.{table} order by all"
        expected = worked_examples.rows(query)
        assert expected
        assert published.rows(query) == expected, table
    assert not published.rows(
        "select schema_name from duckdb_schemas() where schema_name in ('landing', 'state')"
    )


def test_opening_activity_payouts_closing(published: Warehouse) -> None:
    """Section 5: days 3 to 5 open at 30, activity 150, payouts -60, close at 120."""
    (row,) = published.rows(
        "select arg_min(opening_balance, date), sum(activity), sum(payouts),"
        " arg_max(closing_balance, date) from finance.balance_reconciliation"
        " where currency = 'kwd' and date between '2026-01-03' and '2026-01-05'"
    )
    assert row == (30, 150, -60, 120)


def test_a_disputed_charge_day_by_day_and_its_payout(published: Warehouse) -> None:
    """Example 8.4: the identity holds each day, today is what Stripe says, the payout ties."""
    net = dict(
        published.rows("select date, net_volume from finance.daily_revenue where currency = 'usd'")
    )
    assert net[date(2026, 1, 5)] == Decimal("48.24")
    assert net[date(2026, 1, 6)] == Decimal("-20.00")
    assert net[date(2026, 1, 8)] == Decimal("-44.99")
    assert not published.rows(
        "from finance.balance_reconciliation"
        " where opening_balance + activity + payouts <> closing_balance or difference <> 0"
    )
    assert published.rows(
        "select payout_amount, transactions_amount, status from finance.payout_reconciliation"
    ) == [(Decimal("83.25"), Decimal("83.25"), "reconciled")]


def test_what_is_billed_ahead_is_recognised_by_days(published: Warehouse) -> None:
    """The issue's examples: 31 from the middle of January; a year by its days."""
    recognised = "select recognised from finance.revenue_recognition where currency = ?"
    month = published.rows(f"{recognised} and recognised <> 0 order by month", "chf")
    assert month == [(17,), (14,)]
    year = published.rows(f"{recognised} order by month limit 9", "nzd")
    assert year == [(days,) for days in (31, 28, 31, 30, 31, 30, 31, 31, 30)]


def test_german_vat_is_in_the_tax_tables_and_not_in_mrr(published: Warehouse) -> None:
    """Example 8.1."""
    tax = published.rows(
        "select tax_type, rate, taxable_amount, tax_amount from finance.tax_summary"
        " where country = 'DE' and currency = 'eur' and month = '2026-03-01'"
    )
    assert tax == [("vat", 19, Decimal("33.20"), Decimal("6.31"))]
    mrr = published.rows(
        "select mrr_after, mrr_change from finance.mrr_movements"
        " where customer_id = 'cus_german' order by occurred_on"
    )
    assert mrr[:2] == [
        (Decimal("33.20"), Decimal("33.20")),
        (Decimal("102.00"), Decimal("68.80")),
    ]
