"""METRICS.md section 5 and example 8.4: the balance identity and daily revenue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model
from money_examples import disputed_charge, five_days

AS_OF = "2026-02-01T00:00:00"
SELECT = "+daily_revenue +balance_reconciliation +payout_reconciliation +disputes"
SELECT += " +payment_method_daily +daily_revenue_by_flow"


def odd_objects() -> list[stripe.JsonObject]:
    """What must not be misread: other currencies, late failures, several disputes, unknowns."""
    won = [
        stripe.movement("txn_e1", "dispute", -500, "2026-01-20T01:00:00", fee=1500, currency="eur"),
        stripe.movement("txn_e2", "dispute_reversal", 500, "2026-01-25T01:00:00", currency="eur"),
    ]
    again = [stripe.movement("txn_e3", "dispute", -500, "2026-01-28T01:00:00", currency="eur")]
    failed_out = stripe.movement(
        "txn_f", "payout", -100, "2026-01-21T00:00:00", currency="eur", source="po_f"
    )
    return [
        stripe.movement("txn_j", "charge", 1000, "2026-01-10T23:30:00", currency="jpy"),
        stripe.charge("ch_e", 3000, "2026-01-10T10:00:00", "eur", transaction="txn_e"),
        stripe.movement("txn_e", "charge", 3000, "2026-01-10T10:00:00", currency="eur"),
        stripe.movement("txn_late", "charge_failure", -1000, "2026-01-15T10:00:00", currency="eur"),
        stripe.movement(
            "txn_part", "partial_capture_reversal", -700, "2026-01-15T11:00:00", currency="eur"
        ),
        stripe.movement("txn_new", "moon_fee", -3, "2026-01-15T12:00:00", currency="eur"),
        stripe.charge("ch_no", 3000, "2026-01-15T10:00:00", "eur", status="failed"),
        stripe.dispute("du_a", "ch_e", 500, "2026-01-20T01:00:00", won, "won", currency="eur"),
        stripe.dispute("du_b", "ch_e", 500, "2026-01-28T01:00:00", again, currency="eur"),
        *won,
        *again,
        stripe.payout(
            "po_f", 100, "2026-01-21T00:00:00", "2026-01-22", "txn_f", "eur", "failed", False
        ),
        failed_out,
        stripe.movement(
            "txn_back", "payout_reversal", 100, "2026-01-23T00:00:00", currency="eur", source="po_f"
        ),
        stripe.payout(
            "po_m", 40, "2026-01-26T00:00:00", "2026-01-27", "txn_m", "eur", "paid", False
        ),
        stripe.movement(
            "txn_m", "payout", -40, "2026-01-26T00:00:00", fee=2, currency="eur", source="po_m"
        ),
        # A debit of the bank account: a negative payout is legal.
        stripe.payout("po_n", -55, "2026-01-26T00:00:00", "2026-01-27", "txn_n", "eur"),
        stripe.movement(
            "txn_n", "payout", 55, "2026-01-26T00:00:00", currency="eur", source="po_n"
        ),
        stripe.movement("txn_n1", "refund", -55, "2026-01-25T00:00:00", currency="eur"),
        stripe.composition("po_n", ["txn_n1", "txn_n"]),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    objects = five_days() + disputed_charge() + odd_objects()
    stripe.land(landing, objects, AS_OF)
    snapshot = stripe.balance({"usd": 0, "kwd": 120_000, "eur": -260}, {"jpy": 1000})
    landing.version(snapshot, AS_OF)
    # The night is pulled again later: its balance is the newer one's, not the sum of both.
    earlier = stripe.balance({"usd": 999, "kwd": 1, "eur": 1}, {"jpy": 1})
    landing.version(earlier, AS_OF, known_at="2020-01-01")
    yield model(landing, tmp_path_factory.mktemp("balance"), AS_OF, SELECT)


def test_opening_activity_payouts_closing(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        """
        select arg_min(opening_balance, date), sum(activity), sum(payouts),
            arg_max(closing_balance, date)
        from finance.balance_reconciliation
        where currency = 'kwd' and date between '2026-01-03' and '2026-01-05'
        """
    )
    assert row == (30, 150, -60, 120)


def test_every_day_closes_and_opens_the_next(warehouse: Warehouse) -> None:
    broken = warehouse.value(
        """
        select count(*) from (
            select opening_balance + activity + payouts <> closing_balance
                or opening_balance <> coalesce(
                    lag(closing_balance) over (partition by currency order by date), 0
                ) as broken
            from finance.balance_reconciliation
        ) where broken
        """
    )
    assert broken == 0
    assert warehouse.value("select count(*) from finance.balance_reconciliation") > 80


def test_the_closing_is_what_stripe_says(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select currency, closing_balance, stripe_closing_balance, difference"
        " from finance.balance_reconciliation where stripe_closing_balance is not null order by 1"
    )
    eur = Decimal("3.00") * 10 - 10 - 7 - Decimal("0.03") - 15 - 5 - Decimal("0.42")
    assert rows == [
        ("eur", eur, Decimal("-2.60"), eur + Decimal("2.60")),
        ("jpy", 1000, 1000, 0),
        ("kwd", 120, 120, 0),
        ("usd", 0, 0, 0),
    ]


def test_disputed_charge_day_by_day(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select date, gross_volume, refunds, disputes, fees, other, net_volume"
        " from finance.daily_revenue where currency = 'usd' order by date"
    )
    zero = Decimal(0)
    assert rows == [
        (date(2026, 1, 5), Decimal("49.99"), zero, zero, Decimal("-1.75"), zero, Decimal("48.24")),
        (date(2026, 1, 6), zero, Decimal("-20"), zero, zero, zero, Decimal("-20")),
        (date(2026, 1, 8), zero, zero, Decimal("-29.99"), -15, zero, Decimal("-44.99")),
        (date(2026, 1, 9), zero, zero, zero, zero, Decimal(100), Decimal(100)),
        (date(2026, 1, 10), zero, zero, zero, zero, zero, zero),
    ]


def test_payouts_reconcile_by_contents_or_by_the_balance(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select payout_id, payout_amount, transactions_amount, difference, transaction_count,"
        " status, basis from finance.payout_reconciliation order by payout_id"
    )
    assert rows == [
        ("po_1", Decimal("83.25"), Decimal("83.25"), 0, 4, "reconciled", "composition"),
        ("po_f", 1, 1, 0, 1, "failed", "balance"),
        ("po_m", Decimal("0.40"), Decimal("0.40"), 0, 1, "reconciled", "balance"),
        ("po_n", Decimal("-0.55"), Decimal("-0.55"), 0, 1, "reconciled", "composition"),
    ]
    returned = warehouse.rows(
        "select returned_amount, returned_on from finance.payout_reconciliation"
        " where payout_id = 'po_f'"
    )
    assert returned == [(1, date(2026, 1, 23))]


def test_categories_decide_and_unknown_ones_are_named(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select gross_volume, refunds, charge_failures, partial_capture_reversals, other,"
        " unknown_amount, unknown_categories, payments_succeeded, payments_failed,"
        " payment_success_rate"
        " from finance.daily_revenue where currency = 'eur' and date = '2026-01-15'"
    )
    amounts = (-17, 0, -10, -7, Decimal("-0.03"), Decimal("-0.03"))
    assert row == (*amounts, "moon_fee", 0, 1, 0)


def test_one_charge_with_two_disputes(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select dispute_id, outcome, amount_withdrawn, amount_reinstated, dispute_fees,"
        " balance_impact, disputes_of_charge from finance.disputes where charge_id = 'ch_e'"
        " order by 1"
    )
    assert rows == [("du_a", "won", -5, 5, 15, -15, 2), ("du_b", "lost", -5, 0, 0, -5, 2)]


def test_zero_decimal_currency(warehouse: Warehouse) -> None:
    sql = "select gross_volume from finance.daily_revenue where currency = 'jpy'"
    assert warehouse.value(sql) == 1000


def test_the_reporting_time_zone_decides_the_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    landing = Landing()
    stripe.land(landing, odd_objects(), AS_OF)
    folder = tmp_path_factory.mktemp("zone")
    tokyo = model(landing, folder, AS_OF, "+daily_revenue", "Asia/Tokyo", tested=False)
    sql = "select date from finance.daily_revenue where currency = 'jpy'"
    assert tokyo.value(sql) == date(2026, 1, 11)
