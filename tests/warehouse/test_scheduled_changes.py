"""What subscription schedules will change of MRR, and when: each form with its figures."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from landing_harness import Warehouse, epoch, model
from mrr_examples import TIERS, Examples
from stripe_objects import customer, discount, invoice, line, tax

AS_OF = "2026-10-20T00:00:00"
NOW, NEXT, LATER, LAST = "2026-10-10", "2026-11-10", "2026-12-10", "2027-01-10"
JsonObject = dict[str, Any]


def phase(
    start: str, end: str, *items: JsonObject, discounts: list[JsonObject] | None = None, **more: Any
) -> JsonObject:
    return {
        "start_date": epoch(start), "end_date": epoch(end), "currency": "usd", "trial_end": None,
        "items": list(items), "discounts": discounts or [], **more,
    }  # fmt: skip


def of(price: JsonObject, quantity: int | None = 1, **more: Any) -> JsonObject:
    return {"price": price["id"], "quantity": quantity, "discounts": [], **more}


def plan(
    e: Examples, name: str, *phases: JsonObject, end: str = "release", **more: Any
) -> JsonObject:
    """A schedule of `sub_<name>`, as the newest list of schedules shows it."""
    its: JsonObject = {
        "id": f"sub_sched_{name}", "object": "subscription_schedule", "created": epoch(NOW),
        "customer": f"cus_{name}", "subscription": f"sub_{name}", "status": "active",
        "end_behavior": end, "phases": list(phases), **more,
    }  # fmt: skip
    e.landing.version(its, NOW)
    return its


def coupon(e: Examples, name: str, duration: str = "forever", **terms: Any) -> str:
    body = {
        "id": name, "object": "coupon", "created": epoch("2026-01-01"), "valid": True,
        "percent_off": None, "amount_off": None, "currency": None, "duration": duration, **terms,
    }  # fmt: skip
    e.landing.version(body, "2026-01-01")
    return name


def _prices(e: Examples) -> None:
    ten, twenty, fifteen = e.priced(1000), e.priced(2000), e.priced(1500)
    for name, then in {
        "grows": of(twenty),
        "shrinks": of(ten, 1),
        "yearly": of(e.priced(6000, interval="year")),
        "metered": {"price": e.priced(10, usage_type="metered")["id"]},
        "same": of(ten, 2),
        "nowhere": {"price": "price_nobody_knows", "quantity": 1},
    }.items():
        e.starts(name, ten, quantity=1 if name in ("grows", "yearly") else 2)
        plan(e, name, phase(NOW, NEXT, of(ten)), phase(NEXT, LATER, then))
    tiered = e.priced(tiers=TIERS, tiers_mode="graduated")
    e.starts("tiered", tiered, 6)
    plan(e, "tiered", phase(NOW, NEXT, of(tiered, 6)), phase(NEXT, LATER, of(tiered, 20)))
    e.starts("steps", ten)
    steps = (phase(NEXT, LATER, of(twenty)), phase(LATER, LAST, of(fifteen)))
    plan(e, "steps", phase(NOW, NEXT, of(ten)), *steps)
    yen = e.priced(1000, currency="jpy")
    e.starts("yen", yen, currency="jpy")
    then = phase(NEXT, LATER, of(yen, 3), currency="jpy")
    plan(e, "yen", phase(NOW, NEXT, of(yen), currency="jpy"), then)
    # A price that contains its tax, as its bill says: 24.00 is 20.00.
    gross = e.priced(2400, tax_behavior="inclusive")
    taxed = e.starts("inclusive", gross)
    billed = line("il_gross", 2400, "2026-10-10", "2026-11-10", taxed["id"], "si_inclusive_0",
                  gross["id"], taxes=[tax("txr_gross", 400, 2000, "inclusive")])  # fmt: skip
    e.landing.version(
        invoice("in_gross", "cus_inclusive", "2026-10-10T08:00:00", [billed], taxed["id"]), NOW
    )
    plan(e, "inclusive", phase(NOW, NEXT, of(gross)), phase(NEXT, LATER, of(gross, 2)))


def _discounts(e: Examples) -> None:
    hundred = e.priced(10000)
    half, fixed = coupon(e, "half", percent_off=50), coupon(e, "thirty", amount_off=3000,
                                                             currency="usd")  # fmt: skip
    for_some, once = (
        coupon(e, "some", "repeating", percent_off=20, duration_in_months=3),
        coupon(e, "once", "once", percent_off=50),
    )
    code = {
        "id": "promo_half", "object": "promotion_code", "created": epoch(NOW), "code": "HALF",
        "active": True, "promotion": {"type": "coupon", "coupon": half},
    }  # fmt: skip
    e.landing.version(code, NOW)
    given: dict[str, list[JsonObject]] = {
        "half": [{"coupon": half, "discount": None, "promotion_code": None}],
        "by_code": [{"coupon": None, "discount": None, "promotion_code": "promo_half"}],
        "repeating": [{"coupon": for_some}],
        "once": [{"coupon": once}],
        "stacked": [{"coupon": fixed}, {"coupon": half}],
        "deleted": [{"coupon": "coupon_nobody_knows"}],
    }
    for name, discounts in given.items():
        e.starts(name, hundred)
        then = phase(NEXT, LATER, of(hundred), discounts=discounts)
        plan(e, name, phase(NOW, NEXT, of(hundred)), then)
    e.starts("of_an_item", [hundred, e.priced(5000)])
    items = [of(hundred, discounts=[{"coupon": half}]), of(e.priced(5000))]
    plan(e, "of_an_item", phase(NOW, NEXT, of(hundred)), phase(NEXT, LATER, *items))
    e.starts("older_api", hundred)
    old = phase(NEXT, LATER, of(hundred), coupon=half)
    del old["discounts"]
    plan(e, "older_api", phase(NOW, NEXT, of(hundred)), old)
    # A discount that runs goes on where the phase names it, and is over where it does not.
    for name, kept in {"goes_on": [{"discount": "di_runs_goes_on"}], "is_over": []}.items():
        runs = discount(f"di_runs_{name}", percent_off=10)
        e.starts(name, hundred, discounts=[runs])
        then = phase(NEXT, LATER, of(hundred), discounts=kept)
        plan(e, name, phase(NOW, NEXT, of(hundred)), then)
    # Without one of its own, the customer's holds on.
    own = discount("di_customers", percent_off=25, customer="cus_of_the_customer")
    e.starts("of_the_customer", hundred)
    e.landing.version(customer("cus_of_the_customer", discount=own), "2026-01-02")
    plan(e, "of_the_customer", phase(NOW, NEXT, of(hundred)), phase(NEXT, LATER, of(hundred, 2)))


def _ends(e: Examples) -> None:
    fifty = e.priced(5000)
    for name, behaviour, status in (
        ("cancels", "cancel", "active"),
        ("releases", "release", "active"),
        ("released", "cancel", "released"),
        ("cancelled", "cancel", "canceled"),
        ("completed", "cancel", "completed"),
    ):
        e.starts(name, fifty)
        plan(e, name, phase(NOW, NEXT, of(fifty)), end=behaviour, status=status)
    e.starts("grows_then_cancels", fifty)
    phases = (phase(NOW, NEXT, of(fifty)), phase(NEXT, LATER, of(fifty, 2)))
    plan(e, "grows_then_cancels", *phases, end="cancel")
    leaving = e.starts("leaves_before", fifty)
    e.changes(leaving, "2026-10-01", cancel_at=epoch("2026-10-30"), canceled_at=epoch("2026-10-01"))
    plan(e, "leaves_before", *phases, end="cancel")
    gone = e.starts("is_gone", fifty)
    e.ends(gone, "2026-10-12T00:00:00")
    plan(e, "is_gone", *phases)
    e.starts("trial", fifty)
    tried = phase(NEXT, LATER, of(fifty, 2), trial_end=epoch("2026-11-24"))
    plan(e, "trial", phase(NOW, NEXT, of(fifty)), tried)
    e.starts("all_trial", fifty)
    tried = phase(NEXT, LATER, of(fifty, 2), trial_end=epoch(LATER))
    plan(e, "all_trial", phase(NOW, NEXT, of(fifty)), tried)
    e.landing.version(customer("cus_later"), "2026-10-01")
    plan(e, "later", phase(NEXT, LATER, of(fifty)), subscription=None, status="not_started")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    e = Examples()
    _prices(e)
    _discounts(e)
    _ends(e)
    folder: Path = tmp_path_factory.mktemp("scheduled")
    return model(e.landing, folder, AS_OF, "+scheduled_changes +scheduled_churn +mrr_monthly")


EXPANSION, CONTRACTION, CHURN = "expansion", "contraction", "churn"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grows", [(EXPANSION, "2026-11-10", 10, 20, 10)]),
        ("shrinks", [(CONTRACTION, "2026-11-10", 20, 10, -10)]),
        ("yearly", [(CONTRACTION, "2026-11-10", 10, 5, -5)]),
        ("metered", [(CHURN, "2026-11-10", 20, 0, -20)]),
        ("same", []),
        ("nowhere", [("unknown", "2026-11-10", 20, None, None)]),
        ("tiered", [(EXPANSION, "2026-11-10", Decimal("41.50"), Decimal("127.50"), 86)]),
        (
            "steps",
            [(EXPANSION, "2026-11-10", 10, 20, 10), (CONTRACTION, "2026-12-10", 20, 15, -5)],
        ),
        ("yen", [(EXPANSION, "2026-11-10", 1000, 3000, 2000)]),
        ("inclusive", [(EXPANSION, "2026-11-10", 20, 40, 20)]),
        ("half", [(CONTRACTION, "2026-11-10", 100, 50, -50)]),
        ("by_code", [(CONTRACTION, "2026-11-10", 100, 50, -50)]),
        ("older_api", [(CONTRACTION, "2026-11-10", 100, 50, -50)]),
        ("repeating", [(CONTRACTION, "2026-11-10", 100, 80, -20)]),
        ("once", []),
        ("stacked", [(CONTRACTION, "2026-11-10", 100, 20, -80)]),
        ("deleted", [("unknown", "2026-11-10", 100, None, None)]),
        ("of_an_item", [(CONTRACTION, "2026-11-10", 150, 100, -50)]),
        ("goes_on", []),
        ("is_over", [(EXPANSION, "2026-11-10", 90, 100, 10)]),
        ("of_the_customer", [(EXPANSION, "2026-11-10", 75, 150, 75)]),
        ("cancels", [(CHURN, "2026-11-10", 50, 0, -50)]),
        ("releases", []),
        ("released", []),
        ("cancelled", []),
        ("completed", []),
        (
            "grows_then_cancels",
            [(EXPANSION, "2026-11-10", 50, 100, 50), (CHURN, "2026-12-10", 100, 0, -100)],
        ),
        ("leaves_before", []),
        ("is_gone", []),
        ("trial", [(EXPANSION, "2026-11-24", 50, 100, 50)]),
        ("all_trial", []),
        ("later", [("new", "2026-11-10", 0, 50, 50)]),
    ],
)
def test_what_a_schedule_changes(
    warehouse: Warehouse, name: str, expected: list[tuple[Any, ...]]
) -> None:
    rows = warehouse.rows(
        "select kind, takes_effect_on::text, mrr_before, mrr, mrr_change"
        " from finance.scheduled_changes where schedule_id = ? order by phase_number",
        f"sub_sched_{name}",
    )
    assert rows == expected


def test_a_cancellation_that_was_asked_for_is_listed_there_alone(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select subscription_id, mrr from finance.scheduled_churn")
    assert rows == [("sub_leaves_before", 50)]


def test_what_is_planned_is_in_no_mrr(warehouse: Warehouse) -> None:
    """At the end of the month the steps' subscription is as it is today."""
    assert warehouse.value(
        "select mrr from finance.mrr_monthly where month = '2026-10-01' and currency = 'jpy'"
    ) == Decimal(1000)
