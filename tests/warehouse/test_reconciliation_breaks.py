"""Every kind of break is found, named and aged; a clean account has none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import payment_objects as stripe
import pytest
from break_accounts import EXPECTED, broken_account, clean_account
from landing_harness import Landing, Warehouse, model

AS_OF = "2026-02-01T00:00:00"
SELECT = "+reconciliation_breaks +payout_reconciliation +daily_revenue"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, clean_account(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("clean"), AS_OF, SELECT, tested=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, broken_account(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("broken"), AS_OF, SELECT)


def test_a_clean_account_has_no_break(clean: Warehouse) -> None:
    assert clean.rows("select kind, object_id, detail from finance.reconciliation_breaks") == []


def test_payouts_are_matched_over_weekends_and_holidays_by_trace_and_in_groups(
    clean: Warehouse,
) -> None:
    rows = clean.rows(
        "select payout_id, status, bank_status, matched_by, bank_amount"
        " from finance.payout_reconciliation order by 1"
    )
    assert rows == [
        ("po_fresh", "in_transit", "not_due", None, None),
        ("po_holiday", "reconciled", "matched", "amount", Decimal("12.34")),
        ("po_sum1", "reconciled", "matched", "group", 40),
        ("po_sum2", "reconciled", "matched", "group", 10),
        ("po_trace", "reconciled", "matched", "reference", 26),
    ]


def test_every_kind_of_break_is_found_and_nothing_else(broken: Warehouse) -> None:
    rows = broken.rows("select kind, object_id from finance.reconciliation_breaks")
    assert sorted(rows) == sorted(EXPECTED)


def test_breaks_have_amount_age_owner_and_a_stable_id(broken: Warehouse) -> None:
    (row,) = broken.rows(
        "select amount, currency, first_seen_on, age_days, severity, owner, related_object_id"
        " from finance.reconciliation_breaks where kind = 'duplicate_charge'"
    )
    assert row == (Decimal("77"), "usd", date(2026, 1, 25), 7, "high", "payment", "ch_one")
    ids = broken.rows("select break_id from finance.reconciliation_breaks")
    assert len({id for (id,) in ids}) == len(EXPECTED)
    assert all(id.startswith("brk_") for (id,) in ids)
    # Of an object of which two things are said, the first has the id that it would have alone.
    first = "concat('brk_', substr(md5(concat_ws('|', kind, object_id)), 1, 24))"
    doubled = broken.rows(
        f"select currency, amount, break_id = {first} from finance.reconciliation_breaks"
        " where kind = 'stripe_report_mismatch' order by currency"
    )
    assert doubled == [("eur", -1, True), ("usd", Decimal("0.01"), False)]
    amounts = dict(
        broken.rows("select kind, amount from finance.reconciliation_breaks where currency = 'usd'")
    )
    assert amounts["charge_amount_mismatch"] == -9
    assert amounts["customer_balance_mismatch"] == -2
    assert amounts["payout_mismatch"] == 1
    assert amounts["refund_exceeds_charge"] == 5
    assert amounts["reversal_total_mismatch"] == 3
    assert amounts["stripe_report_mismatch"] == Decimal("0.01")
    assert amounts["tax_total_mismatch"] == Decimal("1.11")
