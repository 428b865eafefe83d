"""MRR, movements, churn and retention: the worked examples of METRICS.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from landing_harness import Warehouse


@pytest.fixture
def warehouse(worked_examples: Warehouse) -> Warehouse:
    return worked_examples


def mrr_of(warehouse: Warehouse, name: str, on: str = "2026-03-31", which: str = "mrr") -> Decimal:
    """MRR of a customer at the end of a day, from the ledger, in major units."""
    rows = warehouse.rows(
        f"select l.{which} * power(10, -c.exponent)::decimal(4, 3)"
        " from intermediate.int_customer_mrr_daily l"
        " join intermediate.currencies c using (currency)"
        " where customer_id = ? and date <= ?::date order by date desc limit 1",
        f"cus_{name}",
        on,
    )
    return rows[0][0] if rows else Decimal(0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yearly_600", "50.00"),
        ("quarterly_90", "30.00"),
        ("weekly_10", "43.33"),
        ("daily_1", "30.42"),
        ("yearly_790", "65.83"),
        ("decimal", "1.25"),
        ("several_items", "20.00"),
        ("yen", "1000"),
        ("dinar", "12.345"),
        ("packages_up", "30.00"),
        ("packages_down", "20.00"),
        ("volume_1", "7"),
        ("volume_5", "35"),
        ("volume_6", "39"),
        ("volume_20", "120"),
        ("volume_25", "150"),
        ("graduated_1", "7"),
        ("graduated_5", "35"),
        ("graduated_6", "41.50"),
        ("graduated_20", "127.50"),
        ("graduated_25", "157.50"),
        ("volume_flat_6", "56.00"),
        ("graduated_flat_6", "71.00"),
        ("volume_flat_0", "10.00"),
        ("graduated_flat_0", "10.00"),
        ("ten_percent", "9.00"),
        ("stacked", "81.00"),
        ("percent_before_fixed", "40.00"),
        ("one_dollar_weekly", "39.00"),
        ("fixed_over_items", "120.00"),
        ("large_contract", "79166.67"),
        ("option_eur", "36.00"),
        ("option_usd", "40.00"),
        ("option_tiers", "35.00"),
        ("repeating", "50.00"),
        ("once", "100.00"),
        ("own", "80.00"),
        ("inclusive", "100.00"),
        ("by_rate", "100.00"),
        ("is_past_due", "50.00"),
        ("german", "33.20"),
        ("trial_pays", "50.00"),
    ],
)
def test_a_customers_first_movement_is_its_normalised_value(
    warehouse: Warehouse, name: str, expected: str
) -> None:
    rows = warehouse.rows(
        "select movement, mrr_before, mrr_after, mrr_change from finance.mrr_movements"
        " where customer_id = ? order by occurred_on limit 1",
        f"cus_{name}",
    )
    assert rows == [("new", 0, Decimal(expected), Decimal(expected))]


@pytest.mark.parametrize(
    "name",
    ["free", "metered", "more_than_all", "is_trialing", "is_incomplete", "is_incomplete_expired",
     "is_paused", "is_unpaid", "is_canceled", "trial_leaves"],
)  # fmt: skip
def test_what_does_not_count_moves_nothing(warehouse: Warehouse, name: str) -> None:
    assert warehouse.rows(
        "select * from staging.stg_stripe__subscriptions where customer_id = ?", f"cus_{name}"
    )
    assert not warehouse.rows(
        "select * from finance.mrr_movements where customer_id = ?", f"cus_{name}"
    )


@pytest.mark.parametrize(
    ("name", "on", "expected"),
    [
        ("once", "2026-02-28", [100, 100, 70]),
        ("once", "2026-03-31", [100, 100, 100]),
        ("stacked", "2026-03-31", [100, 81, 81]),
    ],
)
def test_three_variants_of_discounts(
    warehouse: Warehouse, name: str, on: str, expected: list[int]
) -> None:
    variants = ("mrr_list", "mrr", "mrr_net_all")
    assert [mrr_of(warehouse, name, on, variant) for variant in variants] == expected


def moves(warehouse: Warehouse, name: str) -> list[tuple[str, str, Decimal]]:
    rows = warehouse.rows(
        "select occurred_on, movement, mrr_change from finance.mrr_movements"
        " where customer_id = ? order by occurred_on",
        f"cus_{name}",
    )
    return [(str(day), movement, change) for day, movement, change in rows]


def test_a_ladder_of_movements(warehouse: Warehouse) -> None:
    assert moves(warehouse, "ladder") == [
        ("2026-02-10", "new", Decimal("166.67")),
        ("2026-03-15", "expansion", Decimal(60)),
        ("2026-04-20", "contraction", Decimal(-60)),
        ("2026-05-25", "churn", Decimal("-166.67")),
        ("2026-07-01", "reactivation", Decimal(150)),
    ]


@pytest.mark.parametrize("name", ["same_value", "replaced", "draft_pause", "owed_pause", "ending"])
def test_no_movement_without_a_change_of_value(warehouse: Warehouse, name: str) -> None:
    assert [movement for _, movement, _ in moves(warehouse, name)] == ["new"]


def test_a_proration_moves_the_difference_of_the_prices(warehouse: Warehouse) -> None:
    assert moves(warehouse, "prorated")[1:] == [("2026-04-16", "expansion", Decimal(10))]


def test_a_discount_that_runs_out_and_a_pause_that_voids(warehouse: Warehouse) -> None:
    assert moves(warehouse, "repeating")[1:] == [("2026-05-10", "expansion", Decimal(50))]
    assert moves(warehouse, "own_ended") == [
        ("2026-02-10", "new", Decimal(80)),
        ("2026-04-10", "expansion", Decimal(20)),
    ]
    assert moves(warehouse, "void_pause")[1:] == [
        ("2026-04-01", "churn", Decimal(-50)),
        ("2026-06-01", "reactivation", Decimal(50)),
    ]


def test_phases_of_a_schedule_and_a_deleted_customer(warehouse: Warehouse) -> None:
    assert moves(warehouse, "phases")[1:] == [
        ("2026-04-10", "expansion", Decimal(20)),
        ("2026-06-10", "churn", Decimal(-70)),
    ]
    assert moves(warehouse, "deleted")[1:] == [("2026-05-05", "churn", Decimal(-50))]


def test_a_customers_currencies_are_books_of_their_own(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select currency, movement, mrr_change from finance.mrr_movements"
        " where customer_id = 'cus_both' order by currency, occurred_on"
    )
    assert rows == [("eur", "new", 40), ("eur", "churn", -40), ("usd", "new", 50)]


def test_a_tiered_quantity_change_with_a_discount(warehouse: Warehouse) -> None:
    assert moves(warehouse, "german") == [
        ("2026-03-10", "new", Decimal("33.20")),
        ("2026-04-15", "expansion", Decimal("68.80")),
    ]


def test_a_trial_counts_from_the_day_it_ends(warehouse: Warehouse) -> None:
    assert moves(warehouse, "trial_pays") == [("2026-03-15", "new", Decimal(50))]


def month(
    warehouse: Warehouse, currency: str, columns: str, on: str = "2026-04-01"
) -> list[object]:
    (row,) = warehouse.rows(
        f"select {columns} from finance.churn_monthly where currency = ? and month = ?::date",
        currency,
        on,
    )
    return list(row)


def test_monthly_total(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select mrr, active_subscriptions, active_customers, arpa from finance.mrr_monthly"
        " where currency = 'chf' and month = '2026-03-01'"
    )
    assert row == (Decimal(12500), 150, 150, Decimal("83.33"))


def test_a_sum_of_thirds_is_rounded_once(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select mrr, mrr_exact from finance.mrr_monthly"
        " where currency = 'nok' and month = '2026-03-01'"
    )
    assert row[0] == Decimal("25.00")
    assert abs(row[1] - 25) < Decimal("0.0000001")
    assert sum(moves(warehouse, f"nok_{n}")[0][2] for n in range(3)) == Decimal("24.99")
    assert month(warehouse, "nok", "mrr_new, mrr_end, mrr_rounding", "2026-02-01") == [25, 25, 0]


def test_a_month_of_movements(warehouse: Warehouse) -> None:
    assert month(
        warehouse,
        "gbp",
        "mrr_start, mrr_new, mrr_expansion, mrr_contraction, mrr_churned, mrr_end,"
        " gross_revenue_retention, net_revenue_retention, quick_ratio, mrr_rounding",
    ) == [1000, 100, 50, 40, 60, 1050, Decimal("0.9"), Decimal("0.95"), Decimal("1.5"), 0]


def test_customer_churn_rate(warehouse: Warehouse) -> None:
    assert month(
        warehouse,
        "nzd",
        "customers_start, customers_new, customers_churned, customers_end,"
        " customer_churn_rate, customer_churn_rate_plain",
    ) == [1000, 100, 100, 1000, Decimal("0.090909"), Decimal("0.1")]


def test_churned_mrr_counts_cancellations_and_downgrades(warehouse: Warehouse) -> None:
    assert month(warehouse, "aud", "mrr_churned, mrr_contraction, mrr_lost") == [10, 25, 35]


def test_gross_and_net_churn(warehouse: Warehouse) -> None:
    assert month(
        warehouse,
        "cad",
        "gross_mrr_churn_rate, net_mrr_churn_rate, gross_revenue_retention, net_revenue_retention",
    ) == [Decimal("0.2"), Decimal("0.1"), Decimal("0.8"), Decimal("0.9")]


RETENTION = (
    "customer_churn_rate, customer_churn_rate_plain, gross_revenue_retention,"
    " net_revenue_retention, gross_mrr_churn_rate, net_mrr_churn_rate"
)


def test_retention_follows_the_customers_of_the_months_start(warehouse: Warehouse) -> None:
    rates = [Decimal(each) for each in ("0.181818", "0.1", "0.9", "0.9", "0.1", "0.1")]
    assert month(warehouse, "czk", f"customers_churned, {RETENTION}") == [2, *rates]
    # 40 at the start: 10 left, 2 less of one, 3 more of another. One of 4 + 1 new churned.
    rates = [Decimal(each) for each in ("0.2", "0.25", "0.7", "0.775", "0.3", "0.225")]
    assert month(warehouse, "ron", f"customers_churned, {RETENTION}") == [1, *rates]
    assert warehouse.value(
        "select bool_and(gross_revenue_retention between 0 and 1) from finance.churn_monthly"
    )


def test_arpa_and_lifetime_value(warehouse: Warehouse) -> None:
    assert month(warehouse, "sek", "arpa, ltv") == [500, 5500]


def test_average_revenue_of_a_hundred_customers(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select mrr, active_customers, arpa from finance.mrr_monthly"
        " where currency = 'dkk' and month = '2026-03-01'"
    )
    assert rows == [(50000, 100, 500)]


def test_a_tenth_of_a_cohort_leaves_each_month(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select customers_retained, mrr_retained, customer_retention from finance.cohort_retention"
        " where currency = 'pln' and months_since <= 5 order by months_since"
    )
    left = [100, 90, 81, 73, 66, 59]
    assert rows == [(each, 10 * each, Decimal(each) / 100) for each in left]


def test_usage_is_the_mean_of_the_last_three_bills(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select usage_mrr from finance.usage_mrr_monthly order by month")
    assert rows == [(10,), (15,), (20,), (30,), (30,), (30,), (30,)]


def test_cohorts(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select months_since, customers, customers_retained, mrr_initial, mrr_retained"
        " from finance.cohort_retention where currency = 'nzd' and cohort_month = '2026-02-01'"
        " and months_since <= 3 order by months_since"
    )
    assert rows == [
        (0, 1000, 1000, 10000, 10000),
        (1, 1000, 1000, 10000, 10000),
        (2, 1000, 900, 10000, 9000),
        (3, 1000, 900, 10000, 9000),
    ]


def test_scheduled_churn_is_published_beside_mrr(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select month, scheduled_churn from finance.mrr_monthly where currency = 'usd'"
        " and month in ('2026-03-01', '2026-04-01') order by month"
    )
    assert rows == [(date(2026, 3, 1), 0), (date(2026, 4, 1), 50)]


def test_movements_add_up_to_mrr_exactly(warehouse: Warehouse) -> None:
    broken = warehouse.rows(
        """
        with months as (
            select month, currency, mrr_exact,
                coalesce(lag(mrr_exact) over (partition by currency order by month), 0) as before
            from finance.mrr_monthly
        ),
        moved as (
            select date_trunc('month', occurred_on)::date as month, currency,
                sum(mrr_change_exact) as change
            from finance.mrr_movements group by all
        )
        select * from months left join moved using (month, currency)
        where mrr_exact - before <> coalesce(change, 0)
        """
    )
    assert broken == []
    assert warehouse.value("select count(*) from finance.mrr_movements") > 1400


def test_reporting_currency_follows_the_reference_rate(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select m.mrr, m.mrr_reporting, r.reporting_units_per_eur / r.units_per_eur"
        " from finance.mrr_monthly m join intermediate.int_exchange_rates r"
        " on r.currency = m.currency and r.rate_date = '2026-03-31'"
        " where m.currency = 'jpy' and m.month = '2026-03-01'"
    )
    assert row[0] == 1000
    assert row[1] == round(Decimal(1000 * row[2]), 2)
