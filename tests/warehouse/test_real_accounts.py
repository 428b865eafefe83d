"""What real accounts hold, the whole way: served over HTTP, pulled, landed, modelled, published.

One account and one night for all classes of situations; the tests beside this one look at the forms
of each class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import payment_objects as stripe
import pytest
import real_tax_objects as taxes
import test_real_payments as payments
from compiled_project import run_models
from history_objects import CHEAP, DEAR, FIRST_PULL, deleted_coupons, listed, voided_bills
from landing_harness import Landing, Warehouse
from served_landing import served, store_of
from stripe_objects import customer, item

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.publication import publish

SELECT = "+reconciliation_breaks +payout_reconciliation +daily_revenue +payment_failures"
SELECT += " +invoices_paid_off_gateway +tax_transactions +tax_oss_return +mrr_movements"
SELECT += " +revenue_recognition +churn_monthly +tax_summary"


def busy_second(landing: Landing) -> None:
    """Quantity 1, 2 and 3 in one second; the ids of the events say nothing of their order."""

    def items(quantity: int) -> dict[str, Any]:
        return {"data": [item("si_busy", CHEAP, quantity)], "has_more": False}

    body = listed(landing, "busy", CHEAP, 3, created="2026-08-10T10:00:00")
    landing.event(
        "customer.subscription.created", {**body, "items": items(1)}, "2026-08-10T10:00:00"
    )
    for event_id, quantity in (("evt_busy_z", 2), ("evt_busy_a", 3)):
        landing.event(
            "customer.subscription.updated", {**body, "items": items(quantity)},
            "2026-08-12T10:00:00", event_id, previous={"items": items(quantity - 1)},
        )  # fmt: skip


def account() -> Landing:
    landing = Landing()
    for each in (CHEAP, DEAR):
        landing.version(each, FIRST_PULL)
    busy_second(landing)
    voided_bills(landing)
    deleted_coupons(landing)
    landing.rows = [row for row in landing.rows if row["observed_at"].isoformat() <= FIRST_PULL]
    objects = [each for number in range(len(payments.CONVERTED)) for each in
               payments.converted(number)]  # fmt: skip
    objects += payments.authorisations() + payments.other_failures() + payments.paid_outside()
    objects += payments.failed_debit("a", "pyr_a")
    objects += [*taxes.RATES, *taxes.exempt(), *taxes.shipping(), *taxes.rounded()]
    objects += taxes.checkout()
    stripe.land(landing, objects, FIRST_PULL)
    taxes.subscriptions(landing)
    bodies = [json.loads(row["payload"]) for row in landing.rows]
    known = {body["id"] for body in bodies}
    named = {body["customer"] for body in bodies if isinstance(body.get("customer"), str)}
    stripe.land(landing, [customer(name) for name in sorted(named - known)], FIRST_PULL)
    return landing


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home: Path = tmp_path_factory.mktemp("real") / "home"
    instant = datetime.fromisoformat(FIRST_PULL)
    with served(store_of(account(), FIRST_PULL)) as (url, key):
        settings = Settings(HEIRPAY_HOME=home, STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        outcome = pull_and_land(
            stripe_account(settings), instant.replace(tzinfo=UTC), False, Mock()
        )
    assert outcome.rows["checkout.session"] > 5
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


def test_no_break_but_what_nothing_explains(published: Warehouse) -> None:
    """Exchange rates, releases, failed debits, payments outside, shipping and rounding are none."""
    rows = published.rows(
        "select kind, object_id from finance.reconciliation_breaks where object_id not in"
        " (select id from staging.stg_stripe__invoices where subscription_id is not null)"
        " and kind <> 'credit_note_mismatch' order by all"
    )
    assert rows == [
        ("invoice_paid_without_payment", "in_short"),
        ("payout_failed", "po_b"),
        ("tax_total_mismatch", "in_beyond"),
        ("tax_total_mismatch", "in_ship_more"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("week", [("2026-08-20", "new", 39)]),  # the coupon is in no list
        ("bare", [("2026-08-20", "new", 39)]),
        ("busy", [("2026-08-10", "new", 10), ("2026-08-12", "expansion", 20)]),
        ("by_hand", [("2026-02-05", "new", 10)]),  # a person voided a bill
        ("hand", [("2026-01-10", "new", 20)]),  # 24.00 with 20% inside, by a rate made by hand
    ],
)
def test_movements_of_mrr(
    published: Warehouse, name: str, expected: list[tuple[str, str, int]]
) -> None:
    rows = published.rows(
        "select strftime(occurred_on, '%Y-%m-%d'), movement, mrr_change from finance.mrr_movements"
        " where customer_id = ? order by occurred_on",
        f"cus_{name}",
    )
    assert rows[: len(expected)] == expected


def test_payments(published: Warehouse) -> None:
    failed = "select strftime(occurred_at, '%Y-%m-%d') from finance.payment_failures where"
    assert published.rows(f"{failed} charge_id = 'py_a'") == [("2026-01-12",)]
    outside = "select amount_off_gateway from finance.invoices_paid_off_gateway where invoice_id = "
    assert published.rows(f"{outside} 'in_off'") == [(50,)]
    assert published.rows(f"{outside} 'in_half'") == [(20,)]
    statements = "select distinct bank_status from finance.payout_reconciliation"
    assert published.rows(f"{statements} where stripe_status = 'paid'") == []


def test_taxes(published: Warehouse) -> None:
    charged = dict(
        published.rows(
            "select document_id, sum(tax_amount) from finance.tax_transactions group by 1"
        )
    )
    assert {name: charged[name] for name in ("in_ship", "cs_plain", "in_rnd", "in_hand")} == {
        "in_ship": 22, "cs_plain": 19, "in_rnd": 2, "in_hand": 4
    }  # fmt: skip
    reverse = published.rows(
        "select taxability_reason, is_taxed, tax_amount from finance.tax_transactions"
        " where document_id = 'in_reverse'"
    )
    assert reverse == [("reverse_charge", False, 0)]
    based = published.rows(
        "select sum(taxable_amount) from finance.tax_transactions where is_taxed and country = 'FR'"
        " and currency = 'eur'"
    )
    declared = published.rows(
        "select sum(taxable_amount) from finance.tax_oss_return where member_state = 'FR'"
    )
    assert abs(declared[0][0] - based[0][0]) < Decimal(40)  # the rest is in yen
