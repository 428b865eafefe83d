"""Accounts by hand: the worked examples of METRICS.md, section 8, as Stripe would hold them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from heirpay_pipelines.sandbox.company.builders import Workbench
from heirpay_pipelines.sandbox.store import Store

DAY = 86_400
TIERS = ((5, 700, None), (10, 650, None), (None, 600, None))


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.fixture
def bench() -> Workbench:
    start = instant("2026-06-01")
    return Workbench(Store(start), start)


def test_graduated_seats_with_discount_and_german_tax(bench: Workbench) -> None:
    bench.price("seats", None, "eur", tiers=TIERS)
    bench.coupon("LOYAL", percent_off=20.0, duration="forever")
    bench.tax_rate("DE", "19.0")
    customer = bench.customer(instant("2026-06-01T10:00"), "eur", "DE", taxes=["DE"])
    subscription = bench.subscribe(
        instant("2026-06-01T12:00"), customer, ("seats", 6), coupons=["LOYAL"]
    )
    bench.change(instant("2026-06-16T12:00"), subscription, quantity=20)
    bench.advance_to(instant("2026-07-02"))
    first, change, renewal = bench.store.all("invoice")
    assert (first["subtotal"], first["total_excluding_tax"], first["total"]) == (4150, 3320, 3951)
    # Half the month at the old and the new price, each less the discount: (102.00 - 33.20) / 2
    assert change["total_excluding_tax"] == 3440
    assert [line["amount"] for line in change["lines"]["data"]] == [-1660, 5100]
    assert all(
        line["parent"]["subscription_item_details"]["proration"] for line in change["lines"]["data"]
    )
    assert (renewal["total_excluding_tax"], renewal["total"]) == (10200, 12138)
    assert {i["status"] for i in (first, change, renewal)} == {"paid"}
    updates = [
        event["data"]["previous_attributes"]["items"]["data"][0]["quantity"]
        for event in bench.store.all("event")
        if event["type"] == "customer.subscription.updated"
        and "items" in event["data"]["previous_attributes"]
    ]
    assert updates == [6, 20]


def test_a_trial_that_converts_and_one_that_does_not(bench: Workbench) -> None:
    bench.price("plan", 5000)
    at = instant("2026-06-03T09:00")
    stays, leaves = bench.customer(at), bench.customer(at)
    kept = bench.subscribe(at, stays, ("plan", 1), trial_days=14)
    left = bench.subscribe(at, leaves, ("plan", 1), trial_days=14)
    assert (kept.status, kept.obj["trial_end"]) == ("trialing", at + 14 * DAY)
    bench.cancel(at + 10 * DAY, left)
    bench.advance_to(at + 15 * DAY)
    assert (kept.status, left.status) == ("active", "canceled")
    totals = [(i["customer"], i["total"]) for i in bench.store.all("invoice")]
    assert sorted(totals) == sorted([(stays.id, 0), (leaves.id, 0), (stays.id, 5000)])


def test_a_price_in_yen_settles_in_dollars(bench: Workbench) -> None:
    bench.price("plan_jpy", 1000, "jpy")
    at = instant("2026-06-03T09:00")
    bench.subscribe(at, bench.customer(at, "jpy", "JP"), ("plan_jpy", 1))
    (charge,) = bench.store.all("charge")
    entry = bench.store.get("balance_transaction", charge["balance_transaction"])
    assert (charge["amount"], charge["currency"]) == (1000, "jpy")
    assert (entry["amount"], entry["currency"], entry["exchange_rate"]) == (670, "usd", 0.67)


def test_refund_and_lost_dispute_day_by_day(bench: Workbench) -> None:
    at = instant("2026-06-01T10:00")
    charge = bench.charge(at, bench.customer(at), 4999)
    bench.refund(at + DAY, charge, 2000)
    dispute = bench.dispute(at + 2 * DAY, charge, amount=2999)
    bench.close_dispute(at + 20 * DAY, dispute, won=False)
    bench.advance_to(at + 25 * DAY)
    moved: dict[str, int] = defaultdict(int)
    fees: dict[str, int] = defaultdict(int)
    for entry in bench.store.all("balance_transaction"):
        moved[entry["reporting_category"]] += entry["amount"]
        fees[entry["reporting_category"]] += entry["fee"]
    assert dict(moved) == {"charge": 4999, "refund": -2000, "dispute": -2999, "payout": 1675}
    assert (fees["charge"], fees["dispute"]) == (175, 1500)
    payouts = bench.store.all("payout")
    assert sum(payout["amount"] for payout in payouts) == -1675
    assert {part["amount"] for part in bench.store.get("balance", "balance")["available"]} == {0}
    assert dispute["status"] == "lost"


def test_a_declined_renewal_is_tried_again_and_recovers(bench: Workbench) -> None:
    bench.price("plan", 5000)
    at = instant("2026-06-03T09:00")
    customer = bench.customer(at)
    bench.decline(customer, None, "insufficient_funds", None)
    subscription = bench.subscribe(at, customer, ("plan", 1))
    renewal = instant("2026-07-03T09:00")
    bench.advance_to(renewal + DAY)
    assert subscription.status == "past_due"
    bench.advance_to(renewal + 4 * DAY)
    assert subscription.status == "active"
    attempts = [c["status"] for c in bench.store.all("charge")]
    assert attempts == ["succeeded", "failed", "succeeded"]
    assert [i["attempt_count"] for i in bench.store.all("invoice")] == [1, 2]


def test_a_subscription_that_never_pays_ends(bench: Workbench) -> None:
    bench.price("plan", 5000)
    at = instant("2026-06-03T09:00")
    customer = bench.customer(at)
    bench.decline(customer, None, *["insufficient_funds"] * 4)
    subscription = bench.subscribe(at, customer, ("plan", 1))
    bench.advance_to(instant("2026-07-25"))
    assert subscription.status in ("canceled", "unpaid")
    assert [c["status"] for c in bench.store.all("charge")] == ["succeeded", *["failed"] * 4]


def test_a_bank_debit_is_pending_first(bench: Workbench) -> None:
    at = instant("2026-06-03T09:00")
    customer = bench.customer(at, "eur", "DE", method="sepa_debit")
    invoice = bench.invoice(at, customer, (10_000, "Workshop"))
    (charge,) = bench.store.all("charge")
    assert (charge["status"], invoice["status"]) == ("pending", "open")
    bench.advance_to(at + 5 * DAY)
    assert (charge["status"], invoice["status"]) == ("succeeded", "paid")


def test_credit_notes_before_and_after_payment(bench: Workbench) -> None:
    at = instant("2026-06-03T09:00")
    customer = bench.customer(at)
    open_one = bench.invoice(at, customer, (3000, "A"), (1000, "B"), collect=False)
    paid_one = bench.invoice(at + 60, customer, (3000, "A"), (1000, "B"))
    before = bench.credit(at + 120, open_one)
    after = bench.credit(at + 180, paid_one)
    assert before is not None and after is not None
    assert (before["type"], after["type"]) == ("pre_payment", "post_payment")
    assert (open_one["amount_due"], open_one["amount_remaining"]) == (3000, 3000)
    assert (paid_one["amount_paid"], paid_one["post_payment_credit_notes_amount"]) == (4000, 1000)
    refund = bench.store.get("refund", after["refunds"][0]["refund"])
    assert refund["amount"] == 1000


def test_a_schedule_changes_the_price_with_the_next_period(bench: Workbench) -> None:
    bench.price("small", 1000)
    bench.price("large", 3000)
    at = instant("2026-06-03T09:00")
    subscription = bench.subscribe(at, bench.customer(at), ("small", 1))
    schedule = bench.schedule(at + DAY, subscription, "large")
    bench.advance_to(instant("2026-08-04"))
    assert [i["total"] for i in bench.store.all("invoice")] == [1000, 3000, 3000]
    assert (schedule["status"], schedule["phases"][1]["start_date"]) == (
        "active",
        instant("2026-07-03T09:00"),
    )
