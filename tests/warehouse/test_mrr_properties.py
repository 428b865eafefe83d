"""Random subscription histories against an independent reading of METRICS.md in fractions.

Each example is a whole account of many customers, modelled by one dbt run.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import customer, item, price, subscription

AS_OF = "2026-10-20T00:00:00"
START = datetime.fromisoformat("2026-01-01")
PER_YEAR = {"day": 365, "week": 52, "month": 12, "year": 1}
COUNTED = ("active", "past_due")


@dataclass(frozen=True)
class Change:
    """The state that a subscription takes on `hour` hours after the start."""

    hour: int
    status: str
    unit_amount: int
    interval: str
    interval_count: int
    quantity: int


@dataclass(frozen=True)
class History:
    customer: int
    currency: str
    changes: tuple[Change, ...]


change = st.builds(
    Change,
    hour=st.integers(0, 24 * 280),
    status=st.sampled_from(
        ("active", "active", "active", "past_due", "trialing", "unpaid", "paused")
    ),
    unit_amount=st.sampled_from((0, 999, 1000, 5000, 10000, 50000)),
    interval=st.sampled_from(tuple(PER_YEAR)),
    interval_count=st.integers(1, 6),
    quantity=st.integers(0, 7),
)
history = st.builds(
    History,
    customer=st.integers(0, 40),
    currency=st.sampled_from(("usd", "eur", "jpy", "kwd")),
    changes=st.lists(change, min_size=1, max_size=8, unique_by=lambda c: c.hour).map(
        lambda found: tuple(sorted(found, key=lambda c: c.hour))
    ),
)
accounts = st.lists(history, min_size=80, max_size=120)
batch = settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def landed(account: list[History], order: random.Random | None = None) -> Landing:
    """Every change as an event; with `order`, shuffled and some of them twice."""
    landing = Landing()
    prices: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, each in enumerate(account):
        landing.version(customer(f"cus_{each.customer}"), "2026-01-01")
        for step, state in enumerate(each.changes):
            key = (state.unit_amount, state.interval, state.interval_count, each.currency)
            its = prices.setdefault(
                key, price("price_" + "_".join(map(str, key)), *key[:3], currency=each.currency)
            )
            at = (START + timedelta(hours=state.hour)).isoformat()
            body = subscription(
                f"sub_{number}", f"cus_{each.customer}",
                [item(f"si_{number}", its, state.quantity)], state.status,
                (START + timedelta(hours=each.changes[0].hour)).isoformat(),
            )  # fmt: skip
            kind = "created" if step == 0 else "updated"
            landing.event(f"customer.subscription.{kind}", body, at, f"evt_{number}_{step}")
    for its in prices.values():
        landing.version(its, "2026-01-01")
    if order is not None:
        landing.rows += order.sample(landing.rows, len(landing.rows) // 3)
        order.shuffle(landing.rows)
    return landing


def built(landing: Landing) -> Warehouse:
    with TemporaryDirectory() as folder:
        warehouse = model(landing, Path(folder), AS_OF, "+mrr_movements +mrr_monthly", tested=False)
        return Tables(warehouse)


class Tables(Warehouse):
    """The two tables that the properties speak of, kept after the file is gone."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.movements = warehouse.rows(
            "select customer_id, currency, occurred_on, movement, mrr_before, mrr_after,"
            " mrr_change from intermediate.int_mrr_movements order by all"
        )
        self.months = warehouse.rows(
            "select month, currency, mrr_exact, active_customers from finance.mrr_monthly"
            " order by all"
        )
        self.published = warehouse.rows(
            "select occurred_on, currency, mrr_change_exact from finance.mrr_movements order by all"
        )


def value_of(state: Change) -> Fraction:
    """MRR of one state in minor units, from METRICS.md section 2."""
    if state.status not in COUNTED:
        return Fraction(0)
    yearly = Fraction(state.unit_amount * state.quantity * PER_YEAR[state.interval])
    return yearly / (12 * state.interval_count)


def expected(account: list[History]) -> dict[tuple[str, str], list[tuple[date, Fraction]]]:
    """MRR of each customer and currency at the end of each day on which a state changed."""
    books: dict[tuple[str, str], list[History]] = defaultdict(list)
    for each in account:
        books[(f"cus_{each.customer}", each.currency)].append(each)
    ends: dict[tuple[str, str], list[tuple[date, Fraction]]] = {}
    for key, histories in books.items():
        days = sorted({_day(c) for each in histories for c in each.changes})
        ends[key] = [
            (day, sum((_at_end_of(day, each) for each in histories), Fraction(0))) for day in days
        ]
    return ends


def _day(state: Change) -> date:
    return (START + timedelta(hours=state.hour)).date()


def _at_end_of(day: date, each: History) -> Fraction:
    past = [state for state in each.changes if _day(state) <= day]
    return value_of(past[-1]) if past else Fraction(0)


def movements_of(ends: list[tuple[date, Fraction]]) -> list[tuple[date, str, Fraction]]:
    found, before, ever = [], Fraction(0), False
    for day, after in ends:
        if after != before:
            if before == 0:
                kind = "reactivation" if ever else "new"
            elif after == 0:
                kind = "churn"
            else:
                kind = "expansion" if after > before else "contraction"
            found.append((day, kind, after - before))
        before, ever = after, ever or after > 0
    return found


@batch
@given(account=accounts, seed=st.integers())
def test_any_account_moves_as_the_definition_says(account: list[History], seed: int) -> None:
    tables = built(landed(account))
    _agrees_with_the_definition(tables, account)
    _adds_up(tables)
    shuffled = built(landed(account, random.Random(seed)))
    assert shuffled.movements == tables.movements, "the order of arrival matters"
    assert shuffled.months == tables.months, "the order of arrival matters"


def _agrees_with_the_definition(tables: Tables, account: list[History]) -> None:
    actual: dict[tuple[str, str], list[tuple[date, str, Decimal]]] = defaultdict(list)
    for customer_id, currency, day, kind, before, after, moved in tables.movements:
        assert after - before == moved != 0
        actual[(customer_id, currency)].append((day, kind, moved))
    for key, ends in expected(account).items():
        wanted = movements_of(ends)
        found = actual.pop(key, [])
        assert [row[:2] for row in found] == [row[:2] for row in wanted], key
        for (*_, moved), (*_, exact) in zip(found, wanted, strict=True):
            assert abs(Fraction(moved) - exact) < Fraction(1, 100_000)
    assert not actual, "movements of a customer or currency that has no subscription"


def _adds_up(tables: Tables) -> None:
    """Movements of a month are MRR at its end less MRR at its start, to the last digit."""
    before: dict[str, Decimal] = defaultdict(Decimal)
    for month, currency, mrr, customers in tables.months:
        moved = sum(
            change
            for day, its, change in tables.published
            if its == currency and day.replace(day=1) == month
        )
        assert mrr - before[currency] == moved
        assert (mrr > 0) == (customers > 0)
        before[currency] = mrr


def test_the_reading_of_the_definition_itself() -> None:
    """The oracle agrees with a worked example: $10 a week is 43.33 a month."""
    state = Change(0, "active", 1000, "week", 1, 1)
    assert round(value_of(state) / 100, 2) == Fraction("43.33")
    assert epoch("1970-01-02") == 86400
