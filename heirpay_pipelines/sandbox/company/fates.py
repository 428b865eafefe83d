"""What becomes of a subscription: each is dealt one fate, at most, when it begins."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.offer import UPGRADES
from heirpay_pipelines.sandbox.company.subscriptions import Subscription

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
PAUSE_DAYS, KEEPS_AFTER_ALL = 50, 0.25


class Fates:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def decide(self, at: int, subscription: Subscription, rng: Random) -> None:
        draw, later = rng.random(), at + rng.randrange(35, 300) * DAY + 3_600
        fates = (
            (0.15, self._leave_at_period_end), (0.22, self._leave), (0.33, self._upgrade),
            (0.45, self._change_quantity), (0.49, self._pause_collection), (0.52, self._pause),
            (0.70, self._schedule),
        )  # fmt: skip
        for limit, fate in fates:
            if draw < limit:
                self.company.plan(later, partial(self._if_active, subscription, fate))
                break

    def _if_active(self, subscription: Subscription, fate: Any, at: int) -> None:
        if subscription.status == "active" and not subscription.obj["cancel_at_period_end"]:
            fate(at, subscription)

    def _leave_at_period_end(self, at: int, subscription: Subscription) -> None:
        self.company.business.cancel_at_period_end(at, subscription)
        rng = self.company.rng("keeps", subscription.id)
        if rng.random() < KEEPS_AFTER_ALL:
            self.company.plan(at + 2 * DAY, partial(self._keep, subscription))

    def _keep(self, subscription: Subscription, at: int) -> None:
        """The customer changes their mind before the period ends."""
        if subscription.live:
            self.company.subscriptions.set(
                at, subscription, cancel_at_period_end=False, canceled_at=None, cancel_at=None,
                cancellation_details={"comment": None, "feedback": None, "reason": None},
            )  # fmt: skip

    def _leave(self, at: int, subscription: Subscription) -> None:
        self.company.business.end(at, subscription, "cancellation_requested")

    def _upgrade(self, at: int, subscription: Subscription) -> None:
        target = UPGRADES.get(subscription.items[0]["price"]["lookup_key"])
        if target and len(subscription.items) == 1:
            self.company.business.change(at, subscription, price=target)

    def _change_quantity(self, at: int, subscription: Subscription) -> None:
        quantity = int(subscription.items[0]["quantity"])
        rng = self.company.rng("quantity", subscription.id)
        new = max(1, quantity + rng.choice((-2, 1, 3, 14)))
        if new != quantity:
            self.company.business.change(at, subscription, quantity=new)

    def _pause_collection(self, at: int, subscription: Subscription) -> None:
        paused = {"behavior": "void", "resumes_at": None}
        self.company.subscriptions.set(at, subscription, pause_collection=paused)
        self.company.plan(at + PAUSE_DAYS * DAY, partial(self._collect_again, subscription))

    def _collect_again(self, subscription: Subscription, at: int) -> None:
        if subscription.live:
            self.company.subscriptions.set(at, subscription, pause_collection=None)

    def _pause(self, at: int, subscription: Subscription) -> None:
        company = self.company
        company.subscriptions.set(at, subscription, "paused", status="paused")
        if company.rng("resume", subscription.id).random() < 0.4:
            company.plan(at + PAUSE_DAYS * DAY, partial(self._resume, subscription))

    def _resume(self, subscription: Subscription, at: int) -> None:
        """A resumed subscription begins a new period, which is billed."""
        if subscription.status == "paused":
            self.company.business.resume(at, subscription)

    def _schedule(self, at: int, subscription: Subscription) -> None:
        company = self.company
        now = company.catalog.prices[subscription.items[0]["price"]["lookup_key"]]
        target = UPGRADES.get(now["lookup_key"])
        if target and company.catalog.prices[target]["recurring"] == now["recurring"]:
            company.schedules.create(at, subscription, target)
