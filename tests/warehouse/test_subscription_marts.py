"""Trials, scheduled churn, usage, exchange rates, and why customers leave."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from landing_harness import Warehouse, epoch, model
from mrr_examples import Examples
from stripe_objects import invoice, item, line, subscription

AS_OF = "2026-10-20T00:00:00"


def _usage(e: Examples, name: str, currency: str, amounts: list[int], its_price: str) -> None:
    for number, amount in enumerate(amounts, start=3):
        start, end = f"2026-{number:02}-01", f"2026-{number + 1:02}-01"
        billed = line(
            f"il_{name}_{number}", amount, start, end, f"sub_{name}", f"si_{name}_0", its_price,
            currency=currency,
        )  # fmt: skip
        e.landing.version(
            invoice(f"in_{name}_{number}", f"cus_{name}", f"{end}T01:00:00", [billed],
                    f"sub_{name}", currency=currency),
            "2026-10-01",
        )  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    e = Examples()
    fifty = e.priced(5000)
    e.ends(e.starts("asked", fifty), "2026-04-10T08:00:00")
    e.ends(e.starts("failed", fifty), "2026-04-10T08:00:00", reason="payment_failed")
    e.changes(e.starts("unpaid", fifty), "2026-04-10T08:00:00", status="unpaid")
    owing = e.starts("owing", fifty)
    open_line = line("il_owing", 5000, "2026-04-01", "2026-05-01", owing["id"], "si_owing_0", "p")
    e.landing.version(
        invoice("in_owing", "cus_owing", "2026-04-01T08:00:00", [open_line], owing["id"], "open"),
        "2026-10-01",
    )
    e.ends(owing, "2026-04-10T08:00:00")
    leaving = e.starts("leaving", fifty)
    e.changes(leaving, "2026-10-01", cancel_at_period_end=True, cancel_at=epoch("2026-11-10"),
              canceled_at=epoch("2026-10-01"))  # fmt: skip

    trial = {"status": "trialing", "trial_start": "2026-05-01", "trial_end": "2026-05-15"}
    for number in range(4):
        body = e.starts(f"trial_{number}", fifty, at="2026-05-01T00:00:00", **trial)
        if number < 2:
            e.changes(body, "2026-05-15T00:00:00", status="active")
        elif number == 2:
            e.ends(body, "2026-05-12T00:00:00")
    late = {"status": "trialing", "trial_start": "2026-10-15", "trial_end": "2026-10-29"}
    e.starts("trial_runs", fifty, at="2026-10-15T00:00:00", **late)

    metered = e.priced(10, usage_type="metered")
    e.starts("meter", metered, at="2026-03-01T00:00:00")
    _usage(e, "meter", "usd", [1000, 2000, 3000, 4000], metered["id"])

    # Thirty days of a month of 31 are a part of a period, which is no period.
    e.starts("parted", metered, at="2026-03-01T00:00:00")
    part = line("il_part", 9900, "2026-05-01", "2026-05-31", "sub_parted", "si_parted_0",
                metered["id"])  # fmt: skip
    e.landing.version(
        invoice("in_part", "cus_parted", "2026-05-31T01:00:00", [part], "sub_parted"), "2026-10-01"
    )

    # A euro customer: nothing moves after February but the exchange rate.
    euro = e.priced(10000, currency="eur")
    e.starts("euro", euro)

    # Ten dollars a fortnight.
    beside = subscription("sub_two", "cus_two", [item("si_two", e.priced(1000, interval="week",
                          interval_count=2))], created="2026-03-01")  # fmt: skip
    e.landing.event("customer.subscription.created", beside, "2026-03-01T08:00:00")
    folder: Path = tmp_path_factory.mktemp("marts")
    return model(e.landing, folder, AS_OF, "+path:models/marts/subscriptions")


def test_voluntary_and_involuntary_churn(warehouse: Warehouse) -> None:
    kinds = dict(
        warehouse.rows(
            "select customer_id, churn_kind from finance.mrr_movements where movement = 'churn'"
        )
    )
    assert kinds == {
        "cus_asked": "voluntary",
        "cus_failed": "involuntary",
        "cus_unpaid": "involuntary",
        "cus_owing": "involuntary",
    }
    (row,) = warehouse.rows(
        "select customers_churned, customers_churned_voluntary, customers_churned_involuntary,"
        " mrr_churned_voluntary, mrr_churned_involuntary from finance.churn_monthly"
        " where month = '2026-04-01' and currency = 'usd'"
    )
    assert row == (4, 1, 3, 50, 150)


def test_trials_by_the_month_they_started(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select strftime(trial_month, '%m'), trials_started, trials_running, trials_converted,"
        " trials_lost, conversion_rate from finance.trial_conversion order by 1"
    )
    # The fourth trial of May was never seen to end: it still runs by what is known.
    assert rows == [("05", 4, 1, 2, 1, Decimal("0.666667")), ("10", 1, 1, 0, 0, None)]


def test_scheduled_churn_is_listed_and_still_counts(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select subscription_id, mrr, ends_on::text from finance.scheduled_churn")
    assert rows == [("sub_leaving", 50, "2026-11-10")]


def test_usage_is_the_mean_of_three_invoiced_periods(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select strftime(month, '%m'), usage_mrr, subscriptions from finance.usage_mrr_monthly"
        " where month between '2026-04-01' and '2026-08-01' order by month"
    )
    assert rows == [("04", 10, 1), ("05", 15, 1), ("06", 20, 1), ("07", 30, 1), ("08", 30, 1)]
    assert not warehouse.rows("select * from finance.mrr_movements where customer_id = 'cus_meter'")


def test_exchange_rates_are_shown_apart(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select * from finance.mrr_fx_monthly where currency = 'eur'")
    assert len(rows) == 9
    moved = warehouse.rows(
        "select mrr_fx_reporting, mrr_expansion_reporting + mrr_contraction_reporting,"
        " mrr_end_reporting - mrr_start_reporting from finance.mrr_fx_monthly"
        " where currency = 'eur' and month >= '2026-03-01'"
    )
    assert all(fx == change and moved_by_customers == 0 for fx, moved_by_customers, change in moved)
    assert any(fx != 0 for fx, _, _ in moved)
    usd = warehouse.value(
        "select sum(abs(mrr_fx_reporting)) from finance.mrr_fx_monthly where currency = 'usd'"
    )
    assert usd == 0


def test_a_fortnight(warehouse: Warehouse) -> None:
    assert warehouse.value(
        "select mrr_after from finance.mrr_movements where customer_id = 'cus_two'"
    ) == Decimal("21.67")
