"""Selling: customers arrive, subscribe, renew, change their minds and leave."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.lines import Line, discount, tax
from heirpay_pipelines.sandbox.company.offer import OFFERS
from heirpay_pipelines.sandbox.company.subscriptions import Subscription

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
NEW_CUSTOMERS_A_DAY, ONE_OFFS_A_DAY = 0.5, 1.2
FIRST_PAYMENT_FAILS, TRIAL_CANCELLED, COMES_BACK = 0.03, 0.35, 0.2


class Business:
    """What happens of itself. `company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def arrivals(self) -> None:
        """Today's new customers and one-off purchases."""
        company = self.company
        rng = company.rng("arrivals", company.day)
        for _ in range(_count(rng, NEW_CUSTOMERS_A_DAY * company.scale)):
            at = company.day + rng.randrange(8 * 3600, 20 * 3600)
            company.plan(at, self.arrive)
        for _ in range(_count(rng, ONE_OFFS_A_DAY * company.scale) if company.customers else 0):
            customer = rng.choice(company.customers)
            at = company.day + rng.randrange(8 * 3600, 22 * 3600)
            company.plan(at, partial(company.one_offs.sell, customer))

    def arrive(self, at: int) -> None:
        customer = self.company.new_customer(at)
        self.company.plan(at + 60, partial(self.choose, customer))

    def choose(self, customer: Customer, at: int) -> None:
        """Subscribe to one of the offers; sometimes with a future already decided."""
        company = self.company
        rng = company.rng("subscribe", customer.id, len(customer.subscriptions))
        offers = OFFERS[customer.currency]
        _, items, coupons, trial = rng.choices(offers, [offer[0] for offer in offers])[0]
        if items[0][0] == "starter_usd" and company.number < 60:
            items = (("starter_2024_usd", 1), *items[1:])  # the price that was retired then
        fails = not trial and customer.method["type"] == "card" and (
            rng.random() < FIRST_PAYMENT_FAILS
        )  # fmt: skip
        subscription = self.subscribe(at, customer, items, coupons, trial, first_fails=fails)
        if trial and rng.random() < TRIAL_CANCELLED:
            company.plan(at + (trial - 2) * DAY, partial(self._cancel_now, subscription))
        company.fates.decide(at, subscription, rng)

    def subscribe(
        self, at: int, customer: Customer, items: tuple[tuple[str, int], ...],
        coupons: tuple[str, ...] = (), trial_days: int = 0, *, first_fails: bool = False,
    ) -> Subscription:  # fmt: skip
        """Start a subscription, bill its first period and plan its renewal."""
        company = self.company
        subscription = company.subscriptions.create(
            at, customer, items, trial_days=trial_days, coupons=coupons,
            status="incomplete" if first_fails else "active",
        )  # fmt: skip
        company.running[subscription.id] = subscription
        if trial_days > 3:
            company.plan(at + (trial_days - 3) * DAY, partial(self._trial_will_end, subscription))
        self.bill(at, subscription, "subscription_create", first_fails=first_fails)
        company.plan(subscription.period[1], partial(self.renew, subscription))
        return subscription

    def _trial_will_end(self, subscription: Subscription, at: int) -> None:
        if subscription.status == "trialing":
            self.company.store.emit("customer.subscription.trial_will_end", subscription.obj, at)

    def renew(self, subscription: Subscription, at: int) -> None:
        """The period's end: begin the next one and bill it, or end as was asked."""
        company = self.company
        if not subscription.live or at != subscription.period[1]:
            return  # it has ended, or a change has begun another period since this was planned
        if subscription.obj["cancel_at_period_end"]:
            self.end(at, subscription, "cancellation_requested")
            return
        before = None if subscription.status == "trialing" else subscription.period[0]
        ended = {"status": "active"} if subscription.status == "trialing" else {}
        company.subscriptions.renew(at, subscription, **ended)
        company.schedules.enter_phase(at, subscription)
        company.plan(subscription.period[1], partial(self.renew, subscription))
        self.bill(at, subscription, "subscription_cycle", before=before)

    def bill(
        self, at: int, subscription: Subscription, reason: str, lines: list[Line] | None = None,
        *, before: int | None = None, first_fails: bool = False,
    ) -> Object:  # fmt: skip
        """Invoice a period (or the given proration lines) and collect it.

        `before` is the beginning of the period whose usage is billed.
        """
        company, customer = self.company, subscription.customer
        rng = company.rng("bill", subscription.id, at, reason)
        lines = lines or company.subscriptions.period_lines(subscription, rng, before)
        coupons = company.subscriptions.coupons_of(subscription, at)
        discount(lines, coupons)
        tax(lines, company.rates_of(customer))
        invoice = company.invoicing.issue(
            at, customer, lines, reason, subscription.obj, [d for d, _ in coupons]
        )
        company.subscriptions.set(at, subscription, latest_invoice=invoice["id"])
        if any(line.discounts for line in lines):
            company.subscriptions.spend_once(at, subscription)
        if subscription.obj["pause_collection"]:
            company.invoicing.void(at + 5, customer.obj, invoice)
            return invoice
        company.collecting.start(at + 5, invoice, customer, subscription, fails=first_fails)
        return invoice

    def change(
        self, at: int, subscription: Subscription, quantity: int | None = None,
        price: str | None = None,
    ) -> None:  # fmt: skip
        """Change quantity or price in mid-period and bill the difference at once."""
        start, end = subscription.period
        if not start < at < end:
            return
        lines = self.company.subscriptions.change_item(at, subscription, quantity, price)
        self.bill(at + 1, subscription, "subscription_update", lines)
        if subscription.period[1] != end:
            self.company.plan(subscription.period[1], partial(self.renew, subscription))

    def resume(self, at: int, subscription: Subscription) -> None:
        """Begin a new period now and bill it."""
        company = self.company
        company.subscriptions.restart(at, subscription)
        company.plan(subscription.period[1], partial(self.renew, subscription))
        self.bill(at, subscription, "subscription_cycle")

    def end(self, at: int, subscription: Subscription, reason: str) -> None:
        """End a subscription now; some customers come back later."""
        company = self.company
        company.schedules.cancel(at, subscription)
        company.subscriptions.cancel(at, subscription, reason)
        company.running.pop(subscription.id, None)
        rng = company.rng("return", subscription.id)
        if company.populated and reason == "cancellation_requested" and rng.random() < COMES_BACK:
            when = at + rng.randrange(20, 120) * DAY
            company.plan(when, partial(self.choose, subscription.customer))

    def cancel_at_period_end(self, at: int, subscription: Subscription) -> None:
        self.company.subscriptions.set(
            at, subscription, cancel_at_period_end=True, canceled_at=at,
            cancel_at=subscription.period[1],
            cancellation_details={"comment": None, "feedback": "too_expensive",
                                  "reason": "cancellation_requested"},
        )  # fmt: skip

    def _cancel_now(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            self.end(at, subscription, "cancellation_requested")


def _count(rng: Random, mean: float) -> int:
    """A whole number of arrivals with this mean."""
    whole = int(mean)
    return whole + (1 if rng.random() < mean - whole else 0)
