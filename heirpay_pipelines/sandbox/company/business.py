"""Selling: customers arrive, subscribe, renew, change their minds, fail to pay, and leave."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.invoicing import Line
from heirpay_pipelines.sandbox.company.payments import pick_decline
from heirpay_pipelines.sandbox.company.subscriptions import Subscription

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
NEW_CUSTOMERS_A_DAY = 0.5
ONE_OFFS_A_DAY = 1.2
RETRY_DAYS = (3, 5, 7)
# What a new customer buys: (share, items, coupons, trial days) by billing currency.
OFFERS: dict[str, tuple[tuple[int, tuple[tuple[str, int], ...], tuple[str, ...], int], ...]] = {
    "usd": (
        (20, (("starter_usd", 1),), (), 0), (10, (("starter_usd", 1),), (), 14),
        (14, (("team_usd", 1),), (), 0), (5, (("team_usd", 1),), ("LAUNCH50",), 0),
        (4, (("team_usd", 2),), ("LOYAL20", "WELCOME10"), 0), (6, (("team_year_usd", 1),), (), 0),
        (2, (("team_year_usd", 1),), ("ANNUAL10",), 0), (4, (("scale_quarter_usd", 1),), (), 0),
        (2, (("coaching_week_usd", 1),), (), 0), (1, (("pass_day_usd", 1),), (), 0),
        (6, (("seats_usd", 6),), (), 0), (3, (("volume_usd", 7),), (), 0),
        (3, (("flat_tiers_usd", 14),), (), 0), (3, (("package_usd", 250),), (), 0),
        (3, (("decimal_usd", 120),), (), 0), (3, (("starter_usd", 1), ("decimal_usd", 40)), (), 0),
        (4, (("starter_usd", 1), ("metered_usd", 1)), (), 0), (4, (("free_usd", 1),), (), 0),
        (3, (("starter_usd", 1),), ("FIVEOFF",), 0),
    ),
    "eur": (
        (26, (("starter_eur", 1),), (), 0), (22, (("team_eur", 1),), (), 0),
        (10, (("team_eur", 1),), ("LOYAL20",), 0), (14, (("seats_eur", 6),), ("LOYAL20",), 0),
        (10, (("team_year_eur", 1),), (), 0), (8, (("team_eur", 3),), (), 14),
    ),
    "gbp": ((1, (("team_gbp", 1),), (), 0),),
    "jpy": ((1, (("team_jpy", 1),), (), 0),),
    "kwd": ((1, (("team_kwd", 1),), (), 0),),
}  # fmt: skip
UPGRADES = {"starter_usd": "team_usd", "team_usd": "team_year_usd", "starter_eur": "team_eur"}


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
            company.plan(at, partial(self.buy_once, customer))

    def arrive(self, at: int) -> None:
        customer = self.company.new_customer(at)
        self.subscribe(at + 60, customer)

    def subscribe(self, at: int, customer: Customer) -> None:
        """Start a subscription, as the offers have it; sometimes with a future already decided."""
        company = self.company
        rng = company.rng("subscribe", customer.id, len(customer.subscriptions))
        offers = OFFERS[customer.currency]
        _, items, coupons, trial = rng.choices(offers, [offer[0] for offer in offers])[0]
        incomplete = not trial and rng.random() < 0.02
        subscription = company.subscriptions.create(
            at, customer, items, trial_days=trial, coupons=coupons,
            status="incomplete" if incomplete else "active",
        )  # fmt: skip
        company.running[subscription.id] = subscription
        if incomplete:
            company.plan(at + DAY - 60, partial(self._expire, subscription))
            return
        if not trial:
            self.bill(at, subscription, "subscription_create")
        elif rng.random() < 0.35:
            company.plan(at + (trial - 2) * DAY, partial(self._cancel_now, subscription))
        company.plan(subscription.period[1], partial(self.renew, subscription))
        self._decide_future(at, subscription, rng)

    def _decide_future(self, at: int, subscription: Subscription, rng: Random) -> None:
        company, draw = self.company, rng.random()
        later = at + rng.randrange(35, 300) * DAY + 3_600
        fates = (
            (0.14, self._cancel_at_period_end), (0.22, self._cancel_now), (0.34, self._upgrade),
            (0.44, self._more), (0.47, self._pause_collection), (0.49, self._pause),
            (0.51, self._schedule),
        )  # fmt: skip
        for limit, fate in fates:
            if draw < limit:
                company.plan(later, partial(fate, subscription))
                break

    def renew(self, subscription: Subscription, at: int) -> None:
        """The period's end: begin the next one and bill it, or end as was asked."""
        company = self.company
        if not subscription.live or at != subscription.period[1]:
            return  # it has ended, or a change has begun another period since this was planned
        if subscription.obj["cancel_at_period_end"]:
            self._end(at, subscription, "cancellation_requested")
            return
        if subscription.obj["status"] == "trialing":
            company.subscriptions.set(at, subscription, status="active")
        company.subscriptions.renew(at, subscription)
        company.plan(subscription.period[1], partial(self.renew, subscription))
        if subscription.obj["status"] == "active":
            self.bill(at, subscription, "subscription_cycle")

    def bill(
        self, at: int, subscription: Subscription, reason: str, lines: list[Line] | None = None
    ) -> Object:
        """Invoice a period (or the given proration lines) and collect it."""
        company = self.company
        rng = company.rng("bill", subscription.id, at, reason)
        lines = lines or company.subscriptions.period_lines(subscription, rng)
        coupons = company.subscriptions.active_coupons(subscription, at)
        company.invoicing.discount(lines, coupons)
        wrong = company.planted.wrong_rate(subscription)
        company.invoicing.tax(subscription.customer, lines, wrong)
        invoice = company.invoicing.finalise(
            at, subscription.customer, lines, reason, subscription.obj, [d for d, _ in coupons]
        )
        company.subscriptions.set(at, subscription, latest_invoice=invoice["id"])
        paused = subscription.obj["pause_collection"]
        if paused:
            company.invoicing.close(at + 5, invoice, "void")
        else:
            self.collect(at + 5, subscription, invoice, attempt=0)
        return invoice

    def collect(
        self, at: int, subscription: Subscription | None, invoice: Object, attempt: int,
        customer: Customer | None = None, intent: Object | None = None,
    ) -> None:  # fmt: skip
        """Charge what is due; after a failure try again on later days, then give up."""
        company = self.company
        buyer = customer or (subscription.customer if subscription else None)
        assert buyer is not None
        if invoice["status"] != "open":
            return
        if invoice["amount_remaining"] == 0:
            company.invoicing.paid(at, invoice, None)
            return
        rng = company.rng("collect", invoice["id"], attempt)
        intent = intent or company.payments.intent(
            at, buyer, invoice["amount_remaining"], invoice["currency"]
        )
        odds = 0.035 if attempt == 0 else 0.5
        decline = pick_decline(rng) if rng.random() < odds else None
        charge = company.payments.attempt(at, buyer, intent, rng, decline)
        if decline is None:
            company.invoicing.paid(at, invoice, intent)
            if subscription is not None and subscription.obj["status"] == "past_due":
                company.subscriptions.set(at, subscription, status="active")
            self.aftermath(at, charge, buyer, rng)
            return
        self._failed(at, subscription, invoice, attempt, buyer, intent)

    def _failed(
        self, at: int, subscription: Subscription | None, invoice: Object, attempt: int,
        customer: Customer, intent: Object,
    ) -> None:  # fmt: skip
        company = self.company
        before = {"attempt_count": invoice["attempt_count"], "attempted": invoice["attempted"]}
        retry = at + RETRY_DAYS[attempt] * DAY if attempt < len(RETRY_DAYS) else None
        invoice.update(attempt_count=attempt + 1, attempted=True, next_payment_attempt=retry)
        company.store.put(invoice)
        company.store.emit("invoice.payment_failed", invoice, at, before)
        if subscription is not None and subscription.obj["status"] == "active":
            company.subscriptions.set(at, subscription, status="past_due")
        if retry is not None:
            company.plan(
                retry,
                lambda when: self.collect(
                    when, subscription, invoice, attempt + 1, customer, intent
                ),
            )
        elif subscription is not None and subscription.live:
            self._give_up(at, subscription, invoice)

    def _give_up(self, at: int, subscription: Subscription, invoice: Object) -> None:
        company = self.company
        draw = company.rng("give up", invoice["id"]).random()
        if draw < 0.3:
            company.subscriptions.set(at + 10, subscription, status="unpaid")
            return
        self._end(at + 10, subscription, "payment_failed")
        if draw < 0.6:
            company.invoicing.close(at + 20, invoice, "uncollectible")

    def aftermath(self, at: int, charge: Object, customer: Customer, rng: Random) -> None:
        """What can follow a successful charge: refunds, disputes, returned debits."""
        company, draw = self.company, rng.random()
        kind = customer.method["type"]
        if draw < 0.018:
            amount = charge["amount"] if draw < 0.01 else company.payments.half(charge)
            when = at + rng.randrange(1, 20) * DAY
            company.plan(when, partial(self._refund, charge, amount))
        elif draw < 0.025 and kind == "card":
            company.plan(at + rng.randrange(5, 45) * DAY, partial(self._dispute, charge))
        elif draw < 0.06 and kind in ("us_bank_account", "sepa_debit"):
            company.plan(at + 4 * DAY, partial(self._late, charge))

    def _refund(self, charge: Object, amount: int, at: int) -> None:
        if not charge["disputed"] and charge["status"] == "succeeded":
            self.company.payments.refund(at, charge, amount, "requested_by_customer")

    def _late(self, charge: Object, at: int) -> None:
        self.company.payments.late_failure(at, charge)

    def _dispute(self, charge: Object, at: int) -> None:
        company = self.company
        if charge["disputed"] or charge["amount_refunded"]:
            return
        rng = company.rng("dispute", charge["id"])
        reason = rng.choice(("fraudulent", "product_not_received", "subscription_canceled"))
        inquiry = rng.random() < 0.15
        if reason == "fraudulent":
            company.payments.fraud_warning(at - DAY, charge)
        dispute = company.payments.dispute(at, charge, reason, inquiry=inquiry)
        won = rng.random() < 0.4
        company.plan(
            at + 25 * DAY,
            lambda when: company.payments.close_dispute(when, dispute, won=won),
        )

    def buy_once(self, customer: Customer, at: int) -> None:
        """A one-off payment, without an invoice or with a manual one."""
        company = self.company
        rng = company.rng("once", customer.id, at)
        amount = rng.choice((1500, 4900, 12000)) * (1 if customer.currency != "kwd" else 10)
        if rng.random() < 0.25:
            lines = [Line(None, 1, amount, at, at, "Workshop")]
            company.invoicing.tax(customer, lines)
            invoice = company.invoicing.finalise(at, customer, lines, "manual")
            self.collect(at + 5, None, invoice, 0, customer)
            return
        intent = company.payments.intent(at, customer, amount, customer.currency)
        decline = pick_decline(rng) if rng.random() < 0.08 else None
        charge = company.payments.attempt(at + 2, customer, intent, rng, decline)
        if decline is None:
            self.aftermath(at, charge, customer, rng)

    def _end(self, at: int, subscription: Subscription, reason: str) -> None:
        company = self.company
        company.subscriptions.cancel(at, subscription, reason)
        company.running.pop(subscription.id, None)
        rng = company.rng("return", subscription.id)
        if reason == "cancellation_requested" and rng.random() < 0.2:
            when = at + rng.randrange(20, 120) * DAY
            company.plan(when, lambda later: self.subscribe(later, subscription.customer))

    def _expire(self, subscription: Subscription, at: int) -> None:
        company = self.company
        company.subscriptions.set(at, subscription, status="incomplete_expired", ended_at=at)
        company.running.pop(subscription.id, None)

    def _cancel_at_period_end(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            end = subscription.period[1]
            self.company.subscriptions.set(
                at, subscription, cancel_at_period_end=True, canceled_at=at, cancel_at=end,
                cancellation_details={"comment": None, "feedback": "too_expensive",
                                      "reason": "cancellation_requested"},
            )  # fmt: skip

    def _cancel_now(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            self._end(at, subscription, "cancellation_requested")

    def _upgrade(self, subscription: Subscription, at: int) -> None:
        target = UPGRADES.get(subscription.items[0]["price"]["lookup_key"])
        if subscription.obj["status"] == "active" and target and len(subscription.items) == 1:
            self._change(at, subscription, subscription.items[0]["quantity"], target)

    def _more(self, subscription: Subscription, at: int) -> None:
        quantity = subscription.items[0].get("quantity")
        if subscription.obj["status"] == "active" and quantity:
            rng = self.company.rng("more", subscription.id)
            new = max(1, quantity + rng.choice((-2, 1, 3, 14)))
            if new != quantity:
                self._change(at, subscription, new, None)

    def _change(
        self, at: int, subscription: Subscription, quantity: int, price: str | None
    ) -> None:
        if at >= subscription.period[1]:
            return
        end = subscription.period[1]
        lines = self.company.subscriptions.change_item(at, subscription, quantity, price)
        self.bill(at + 1, subscription, "subscription_update", lines)
        if subscription.period[1] != end:
            self.company.plan(subscription.period[1], partial(self.renew, subscription))

    def _pause_collection(self, subscription: Subscription, at: int) -> None:
        if subscription.obj["status"] == "active":
            paused = {"behavior": "void", "resumes_at": None}
            self.company.subscriptions.set(at, subscription, pause_collection=paused)
            self.company.plan(at + 50 * DAY, partial(self._resume, subscription))

    def _resume(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            self.company.subscriptions.set(at, subscription, pause_collection=None)

    def _pause(self, subscription: Subscription, at: int) -> None:
        if subscription.obj["status"] == "active":
            self.company.subscriptions.set(at, subscription, status="paused")

    def _schedule(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            self.company.platform.schedule(at, subscription)


def _count(rng: Random, mean: float) -> int:
    """A whole number of arrivals with this mean."""
    whole = int(mean)
    return whole + (1 if rng.random() < mean - whole else 0)
