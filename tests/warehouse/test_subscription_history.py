"""History as it was: events, then nightly observations, then invoice lines; nothing projected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from history_objects import (
    CHEAP,
    DEAR,
    FIRST_PULL,
    TIERED,
    deleted_coupons,
    listed,
    monthly_invoices,
    same_second,
    voided_bills,
)
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import customer, discount, invoice, item, line, subscription

AS_OF = "2026-10-20T00:00:00"


def history() -> Landing:
    landing = Landing()
    for each in (CHEAP, DEAR, TIERED):
        landing.version(each, FIRST_PULL)

    # Today's price is 30, but it was billed at 10 until June: a proration raised it.
    listed(landing, "raised", DEAR)
    monthly_invoices(landing, "raised", range(2, 7), "price_cheap", 1000)
    change = "2026-06-20T10:00:00"
    proration = [
        line("il_raised_c", -500, change, "2026-07-05T10:00:00", "sub_raised", "si_raised",
             "price_cheap", proration=True),
        line("il_raised_d", 1500, change, "2026-07-05T10:00:00", "sub_raised", "si_raised",
             "price_dear", proration=True),
    ]  # fmt: skip
    landing.version(
        invoice("in_raised_p", "cus_raised", change, proration, "sub_raised"), FIRST_PULL
    )
    monthly_invoices(landing, "raised", range(7, 9), "price_dear", 3000)

    # Nothing tells of the time before the first pull: it is not made up.
    listed(landing, "untold", DEAR)

    # Cancelled before the first pull, in the middle of a paid month.
    listed(landing, "gone", CHEAP, status="canceled", ended_at="2026-05-20T10:00:00")
    monthly_invoices(landing, "gone", range(2, 6), "price_cheap", 1000)

    voided_bills(landing)

    # A trial's invoice bills nothing.
    listed(
        landing, "tried", CHEAP,
        trial_start="2026-02-05T10:00:00", trial_end="2026-03-05T10:00:00",
    )  # fmt: skip
    monthly_invoices(landing, "tried", range(2, 3), "price_cheap", 0)
    monthly_invoices(landing, "tried", range(3, 9), "price_cheap", 1000)

    # A graduated price is billed with one line per tier.
    listed(landing, "tiers", TIERED, 8)
    for number in range(2, 9):
        start, end = f"2026-{number:02}-05T10:00:00", f"2026-{number + 1:02}-05T10:00:00"
        lines = [
            line(f"il_t{number}a", 3500, start, end, "sub_tiers", "si_tiers", "price_tiered", 5),
            line(f"il_t{number}b", 1800, start, end, "sub_tiers", "si_tiers", "price_tiered", 3),
        ]
        landing.version(
            invoice(f"in_t{number}", "cus_tiers", start, lines, "sub_tiers"), FIRST_PULL
        )

    # A discount that ran until May, and is gone from the subscription.
    ran = discount("di_ran", percent_off=40, duration="repeating", end="2026-05-05T10:00:00")
    listed(landing, "discounted", CHEAP)
    monthly_invoices(
        landing,
        "discounted",
        range(2, 5),
        "price_cheap",
        1000,
        off=("di_ran", 400),
        discounts=[ran],
    )
    monthly_invoices(landing, "discounted", range(5, 9), "price_cheap", 1000)

    # Never paid: incomplete_expired counts at no time.
    listed(landing, "never", CHEAP, status="incomplete_expired")
    monthly_invoices(landing, "never", range(2, 3), "price_cheap", 1000, status="void")

    # Observed at night only: the price rose between two observations; the trial's end is dated.
    body = listed(landing, "nightly", CHEAP, created="2026-08-31T10:00:00")
    landing.version(
        {**body, "items": {"data": [item("si_nightly", DEAR)], "has_more": False}}, "2026-09-12"
    )
    body = listed(
        landing, "nightly_trial", CHEAP, created="2026-08-25T10:00:00", status="trialing",
        trial_start="2026-08-25T10:00:00", trial_end="2026-09-08T10:00:00",
    )  # fmt: skip
    landing.version({**body, "status": "active"}, "2026-09-12")
    ended = {**body, "status": "canceled", "ended_at": epoch("2026-09-20T15:00:00")}
    landing.version(ended, "2026-09-25")

    # Out of order, twice, and in an older shape: the versions of one history.
    landing.version(customer("cus_mixed"), FIRST_PULL)
    first = subscription("sub_mixed", "cus_mixed", [item("si_mixed", CHEAP)], created="2026-09-02")
    second = {**first, "items": {"data": [item("si_mixed", CHEAP, 4)], "has_more": False}}
    old_item = {
        "id": "si_mixed",
        "quantity": 3,
        "plan": {"id": "price_cheap", "amount": 1000, "interval": "month", "interval_count": 1,
                 "currency": "usd", "usage_type": "licensed", "billing_scheme": "per_unit"},
    }  # fmt: skip
    old_shape = {
        k: v for k, v in first.items() if k not in ("discounts", "currency")
    } | {"items": {"data": [old_item]}, "discount": None, "plan": old_item["plan"],
         "current_period_end": epoch("2026-10-02")}  # fmt: skip
    landing.event("customer.subscription.updated", second, "2026-09-30T10:00:00", "evt_m3")
    landing.event("customer.subscription.created", first, "2026-09-02T10:00:00", "evt_m1")
    landing.event("customer.subscription.updated", old_shape, "2026-09-15T10:00:00", "evt_m2")
    landing.event("customer.subscription.created", first, "2026-09-02T10:00:00", "evt_m1")
    same_second(landing)
    deleted_coupons(landing)
    return landing


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder: Path = tmp_path_factory.mktemp("history")
    return model(history(), folder, AS_OF, "+path:models/marts/subscriptions")


def moves(warehouse: Warehouse, name: str) -> list[tuple[str, str, Decimal]]:
    rows = warehouse.rows(
        "select occurred_on, movement, mrr_change from finance.mrr_movements"
        " where customer_id = ? order by occurred_on",
        f"cus_{name}",
    )
    return [(str(day), movement, change) for day, movement, change in rows]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raised", [("2026-02-05", "new", 10), ("2026-06-20", "expansion", 20)]),
        ("untold", [("2026-09-01", "new", 30)]),
        ("gone", [("2026-02-05", "new", 10), ("2026-05-20", "churn", -10)]),
        (
            "paused",
            [("2026-02-05", "new", 10), ("2026-04-05", "churn", -10),
             ("2026-05-05", "reactivation", 10)],
        ),
        ("by_hand", [("2026-02-05", "new", 10)]),
        (
            "twice_void",
            [("2026-02-05", "new", 10), ("2026-04-05", "churn", -10),
             ("2026-06-05", "reactivation", 10)],
        ),
        ("last_void", [("2026-02-05", "new", 10)]),
        (
            "away",
            [("2026-02-05", "new", 10), ("2026-06-05", "churn", -10),
             ("2026-09-01", "reactivation", 10)],
        ),
        ("again", [("2026-02-05", "new", 10), ("2026-04-05", "expansion", 20)]),
        ("up", [("2026-09-02", "new", 10), ("2026-09-10", "expansion", 20)]),
        ("up_too", [("2026-09-02", "new", 10), ("2026-09-10", "expansion", 20)]),
        ("five", [("2026-09-02", "new", 10), ("2026-09-10", "expansion", 20)]),
        ("back", [("2026-09-02", "new", 10)]),
        ("unknown", [("2026-09-10", "new", 20)]),
        ("ended", [("2026-09-02", "new", 10), ("2026-09-10", "churn", -10)]),
        ("whole", [("2026-08-20", "new", 39)]),
        ("week", [("2026-08-20", "new", 39)]),
        ("bare", [("2026-08-20", "new", 39)]),
        ("fixed", [("2026-07-05", "new", 7), ("2026-08-05", "expansion", 20),
                   ("2026-09-01", "expansion", 20)]),
        ("share", [("2026-07-05", "new", Decimal("8.50")), ("2026-08-05", "expansion", 17),
                   ("2026-09-01", "expansion", 17)]),
        ("part", [("2026-08-20", "new", Decimal("24.75"))]),
        ("yen", [("2026-08-20", "new", 750), ("2026-09-15", "expansion", 250)]),
        ("silent", [("2026-09-01", "new", 10)]),
        ("tried", [("2026-03-05", "new", 10)]),
        ("tiers", [("2026-02-05", "new", 53)]),
        ("discounted", [("2026-02-05", "new", 6), ("2026-05-05", "expansion", 4)]),
        ("never", []),
        ("nightly", [("2026-09-01", "new", 10), ("2026-09-12", "expansion", 20)]),
        ("nightly_trial", [("2026-09-08", "new", 10), ("2026-09-20", "churn", -10)]),
        (
            "mixed",
            [("2026-09-02", "new", 10), ("2026-09-15", "expansion", 20),
             ("2026-09-30", "expansion", 10)],
        ),
    ],
)  # fmt: skip
def test_movements_of_a_history(
    warehouse: Warehouse, name: str, expected: list[tuple[str, str, int]]
) -> None:
    assert moves(warehouse, name) == expected


def test_a_movement_says_whether_bills_alone_tell_of_it(warehouse: Warehouse) -> None:
    """A pause that voids, before the first pull: its movements bear the day of a bill."""
    marked = "select movement, is_estimated from finance.mrr_movements where customer_id = ?"
    bills = warehouse.rows(f"{marked} order by occurred_on", "cus_paused")
    assert bills == [("new", True), ("churn", True), ("reactivation", True)]
    seen = warehouse.rows(f"{marked} order by occurred_on", "cus_nightly")
    assert seen == [("new", False), ("expansion", False)]


def test_each_interval_says_how_it_is_known(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select distinct subscription_id, basis, starts_at < ?::timestamp"
        " from intermediate.int_subscription_mrr where mrr > 0 order by all",
        FIRST_PULL,
    )
    assert all((basis == "estimated") == early for _, basis, early in rows)
    assert ("sub_raised", "estimated", True) in rows
    assert ("sub_raised", "observed", False) in rows
    estimated = dict(
        warehouse.rows(
            "select strftime(month, '%Y-%m'), mrr_estimated = mrr from finance.mrr_monthly"
        )
    )
    assert estimated["2026-07"] is True
    assert estimated["2026-10"] is False


def covered() -> Landing:
    """A first pull whose event log is complete since 2 August."""
    landing = Landing(logs={FIRST_PULL: "2026-08-02T00:00:00Z"})
    landing.version(CHEAP, FIRST_PULL)
    landing.version(DEAR, FIRST_PULL)
    for name in ("quiet", "truncated"):
        body = listed(landing, name, DEAR)
        monthly_invoices(landing, name, range(2, 9), "price_cheap", 1000)
        if name == "truncated":  # an event that shows a part of the items alone
            part = {**body, "items": {"data": [], "has_more": True}}
            landing.event("customer.subscription.updated", part, "2026-08-20T10:00:00")
    ran = discount("di_ran", percent_off=40, duration="repeating", end="2026-08-10T10:00:00")
    listed(landing, "lapsed", CHEAP)
    monthly_invoices(
        landing, "lapsed", range(2, 9), "price_cheap", 1000, off=("di_ran", 400),
        discounts=[{**ran, "customer": "cus_lapsed"}],
    )  # fmt: skip
    listed(landing, "young", CHEAP, created="2026-08-12T10:00:00")
    body = listed(landing, "moved", DEAR)
    landing.event("customer.subscription.updated", body, "2026-08-25T10:00:00")
    before_a_change(landing)
    return landing


def before_a_change(landing: Landing) -> None:
    """The first that is known of these is an event, which says what was before it."""
    cheap = {"data": [item("si_changed", CHEAP, 2)], "has_more": False}
    body = listed(landing, "changed", DEAR)
    landing.event(
        "customer.subscription.updated", body, "2026-08-25T10:00:00", previous={"items": cheap}
    )
    body = listed(
        landing, "begun", CHEAP, created="2026-08-11T10:00:00",
        trial_start="2026-08-11T10:00:00", trial_end="2026-08-25T10:00:00",
    )  # fmt: skip
    landing.event(
        "customer.subscription.updated", body, "2026-08-25T10:00:00",
        previous={"status": "trialing"},
    )  # fmt: skip
    cheap = {"data": [item("si_twice", CHEAP)], "has_more": False}
    body = listed(landing, "twice", DEAR)
    for _ in ("notified", "in the log"):  # one event that reached the landing on both ways
        landing.event(
            "customer.subscription.updated", body, "2026-08-25T10:00:00", "evt_twice",
            previous={"items": cheap},
        )  # fmt: skip
    cheap = {"data": [item("si_renewed", CHEAP)], "has_more": False}
    body = listed(landing, "renewed", DEAR, latest_invoice="in_2")
    for before in ({"items": cheap}, {"latest_invoice": "in_1"}):  # of one second, but apart
        landing.event("customer.subscription.updated", body, "2026-08-25T10:00:00", previous=before)
    why = {"reason": "cancellation_requested", "feedback": "unused", "comment": None}
    body = listed(
        landing, "leaving", DEAR, cancellation_details=why, pause_collection={"behavior": "void"}
    )
    landing.event(
        "customer.subscription.updated", body, "2026-08-25T10:00:00",
        previous={"cancellation_details": {"reason": None}, "pause_collection": None},
    )  # fmt: skip
    body = listed(landing, "tied", DEAR)
    for number in (1, 2):  # two changes of one second: neither is known to be the first
        landing.event(
            "customer.subscription.updated", body, "2026-08-25T10:00:00",
            previous={"quantity": number},
        )  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder: Path = tmp_path_factory.mktemp("covered")
    return model(covered(), folder, FIRST_PULL, "+path:models/marts/subscriptions")


def test_what_was_before_a_change_is_what_did_not_change_and_what_the_event_says(
    known: Warehouse,
) -> None:
    """An object is laid over member by member; a null takes a field away (RFC 7396)."""
    before, after = known.rows(
        "select cancellation_reason, cancellation_feedback, pause_behavior, status"
        " from staging.stg_stripe__subscription_observations where subscription_id = 'sub_leaving'"
        " and source in ('previous', 'event') order by source = 'event'"
    )
    assert before == (None, "unused", None, "active")
    assert after == ("cancellation_requested", "unused", "void", "active")


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("quiet", "2026-08-02 00:00:00"),
        ("truncated", "2026-08-20 10:00:00"),
        ("lapsed", "2026-08-10 10:00:00"),
        ("young", "2026-08-12 10:00:00"),
        ("moved", "2026-08-25 10:00:00"),
        ("changed", "2026-08-02 00:00:00"),
        ("begun", "2026-08-11 10:00:00"),
        ("twice", "2026-08-02 00:00:00"),
        ("tied", "2026-08-25 10:00:00"),
        ("renewed", "2026-08-02 00:00:00"),
    ],
)
def test_what_no_event_changed_is_known_since_the_log_begins(
    known: Warehouse, name: str, since: str
) -> None:
    first = known.value(
        "select min(starts_at) from intermediate.int_subscription_mrr"
        " where basis = 'observed' and subscription_id = ?",
        f"sub_{name}",
    )
    assert str(first) == since


def test_a_change_tells_what_was_before_it(known: Warehouse) -> None:
    """Quantity 2 at 10, known since the log begins; then one at 30."""
    assert moves(known, "changed") == [("2026-08-02", "new", 20), ("2026-08-25", "expansion", 10)]
    assert moves(known, "begun") == [("2026-08-25", "new", 10)]
    assert moves(known, "twice") == [("2026-08-02", "new", 10), ("2026-08-25", "expansion", 20)]
    assert moves(known, "tied") == [("2026-08-25", "new", 30)]
    assert moves(known, "renewed") == [("2026-08-02", "new", 10), ("2026-08-25", "expansion", 20)]


def test_before_the_log_begins_history_stays_estimated(known: Warehouse) -> None:
    assert moves(known, "quiet") == [("2026-02-05", "new", 10), ("2026-08-02", "expansion", 20)]
    estimated, mrr = known.rows(
        "select mrr_estimated, mrr from finance.mrr_monthly where month = '2026-08-01'"
    )[0]
    assert (estimated, mrr) == (0, 240)
