"""The published night's MRR against a second computation, from the account's own truth."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from mrr_oracle import Key, Truth

from heirpay_pipelines.sandbox.command import start_of
from heirpay_pipelines.sandbox.company import build_company
from heirpay_pipelines.sandbox.store import Store

if TYPE_CHECKING:
    from installed import Installation

NOW = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
LOG_BEGINS = date(2026, 10, 3)
"""The first whole day of the event log, which reaches back 30 days from the night."""
KEPT = Fraction(1, 10**5)
"""The ledger keeps minor units to six decimals."""
Movement = tuple[date, str, str, str, Fraction]


@pytest.fixture(scope="module")
def truth() -> Truth:
    """The account of the published night, built again: its objects, its whole event log."""
    store = Store(int(NOW.timestamp()))
    build_company(store, 1, int(start_of(NOW).timestamp()), store.now)
    return Truth(store)


@pytest.fixture(scope="module")
def told(published: Installation) -> list[Movement]:
    """Every movement of the published night."""
    rows = published.rows(
        "select occurred_on, customer_id, currency, movement, mrr_change"
        " from intermediate.int_mrr_movements"
    )
    return [(*row[:4], Fraction(row[4])) for row in rows]  # type: ignore[arg-type,misc]


def by_key(movements: list[Movement]) -> dict[Key, list[tuple[date, str, Fraction]]]:
    found: dict[Key, list[tuple[date, str, Fraction]]] = defaultdict(list)
    for day, customer, currency, kind, change in sorted(movements):
        found[(customer, currency)].append((day, kind, change))
    return found


def agree(told: list[tuple[date, str, Fraction]], true: list[tuple[date, str, Fraction]]) -> bool:
    return [row[:2] for row in told] == [row[:2] for row in true] and all(
        abs(said - exact) < KEPT for (*_, said), (*_, exact) in zip(told, true, strict=True)
    )


def test_what_was_observed_is_the_truth_to_the_digit(
    published: Installation, truth: Truth, told: list[Movement]
) -> None:
    """From the day on which the event log begins: every balance and every movement."""
    rows = published.rows(
        "select customer_id, currency, arg_max(mrr, date) from intermediate.int_customer_mrr_daily"
        f" where date < '{LOG_BEGINS}' group by all having arg_max(mrr, date) <> 0"
    )
    opening = truth.mrr(LOG_BEGINS - timedelta(days=1))
    assert {row[:2] for row in rows} == opening.keys()
    for customer, currency, mrr in rows:
        assert abs(Fraction(Decimal(str(mrr))) - opening[(str(customer), str(currency))]) < KEPT
    said = by_key([row for row in told if row[0] >= LOG_BEGINS])
    true = by_key([row for row in truth.movements() if row[0] >= LOG_BEGINS])
    assert said.keys() == true.keys()
    assert sum(map(len, true.values())) > 15
    for key, movements in true.items():
        assert agree(said[key], movements), key


def test_what_is_estimated_differs_by_pauses_alone(truth: Truth, told: list[Movement]) -> None:
    """Bills tell of a pause when a period begins, and of an unpaid end when it is over."""
    said = by_key([row for row in told if row[0] < LOG_BEGINS])
    true = by_key([row for row in truth.movements() if row[0] < LOG_BEGINS])
    differing = {
        key for key in said.keys() | true.keys() if not agree(said.get(key, []), true.get(key, []))
    }
    assert differing <= interrupted(truth)
    assert len(true) > 8 * len(differing)


def interrupted(truth: Truth) -> set[Key]:
    """Who paused, or stopped paying without an end, at some time."""
    return {
        (state["customer"], state["currency"])
        for states in truth.lives.values()
        for state in states
        if state["pause_collection"] or state["status"] in ("paused", "unpaid")
    }


def test_a_months_total_is_rounded_from_the_exact_sum(
    published: Installation, truth: Truth
) -> None:
    totals: dict[str, Fraction] = defaultdict(Fraction)
    for (_, currency), mrr in truth.mrr(date(2026, 10, 31)).items():
        totals[currency] += mrr
    rows = published.rows(
        "select currency, mrr from finance.mrr_monthly where month = '2026-10-01'"
    )
    decimals = {"jpy": 0, "kwd": 3}
    assert dict(rows) == {
        currency: Decimal(round(total)).scaleb(-decimals.get(currency, 2))
        for currency, total in totals.items()
    }
