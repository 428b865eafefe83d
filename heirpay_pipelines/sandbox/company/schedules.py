"""Subscription schedules: a price that changes with the next period."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.sandbox.company.calendar import after, moment
from heirpay_pipelines.sandbox.company.catalog import Catalog
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.subscriptions import Subscription, Subscriptions
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
SETTINGS: Object = {
    "application_fee_percent": None, "billing_cycle_anchor": "automatic",
    "billing_thresholds": None, "collection_method": "charge_automatically",
    "default_payment_method": None, "description": None,
    "invoice_settings": {"account_tax_ids": None, "days_until_due": None,
                         "issuer": {"type": "self"}},
    "on_behalf_of": None, "transfer_data": None,
}  # fmt: skip
SECOND_PHASE_PERIODS = 3


class Schedules:
    """Two phases: the running period as it is, then some periods at another price."""

    def __init__(
        self, store: Store, ids: Ids, catalog: Catalog, subscriptions: Subscriptions
    ) -> None:
        self.store, self.ids = store, ids
        self.catalog, self.subscriptions = catalog, subscriptions

    def create(self, at: int, subscription: Subscription, price: str) -> Object:
        """From the next period on, the first item has the price of this lookup key."""
        start, end = subscription.period
        every = subscription.items[0]["price"]["recurring"]
        count = SECOND_PHASE_PERIODS * every["interval_count"]
        last = after(end, every["interval"], count, moment(start).day)
        then = self.catalog.prices[price]["id"]
        schedule = blank(
            "subscription_schedule", id=self.ids.new("sub_sched"),
            billing_mode={"type": "classic", "flexible": None}, created=at,
            current_phase={"start_date": start, "end_date": end},
            customer=subscription.customer.id, default_settings=SETTINGS, end_behavior="release",
            livemode=False, metadata={}, pause_schedules=[],
            phases=[_phase(subscription, start, end, None), _phase(subscription, end, last, then)],
            status="active", subscription=subscription.id,
        )  # fmt: skip
        keep(self.store, at, "subscription_schedule.created", schedule)
        self.subscriptions.set(at, subscription, schedule=schedule["id"])
        return schedule

    def enter_phase(self, at: int, subscription: Subscription) -> None:
        """A period has begun: the schedule's next phase may begin with it, or its last one end."""
        if subscription.obj["schedule"] is None:
            return
        schedule = self.store.get("subscription_schedule", subscription.obj["schedule"])
        following = schedule["phases"][1]
        if at == following["start_date"]:
            span = {"start_date": at, "end_date": following["end_date"]}
            change(
                self.store, at, "subscription_schedule.updated", schedule, current_phase=span
            )  # fmt: skip
            id = following["items"][0]["price"]
            price = next(name for name, p in self.catalog.prices.items() if p["id"] == id)
            self.subscriptions.swap(at, subscription, price)
        elif at >= following["end_date"]:
            self._release(at, subscription, schedule)

    def _release(self, at: int, subscription: Subscription, schedule: Object) -> None:
        change(
            self.store, at, "subscription_schedule.released", schedule, status="released",
            current_phase=None, released_at=at, released_subscription=subscription.id,
            subscription=None,
        )  # fmt: skip
        self.subscriptions.set(at, subscription, schedule=None)

    def cancel(self, at: int, subscription: Subscription) -> None:
        """The subscription ends, and its schedule with it."""
        if subscription.obj["schedule"] is not None:
            schedule = self.store.get("subscription_schedule", subscription.obj["schedule"])
            change(
                self.store, at, "subscription_schedule.canceled", schedule, status="canceled",
                canceled_at=at, current_phase=None,
            )  # fmt: skip


def _phase(subscription: Subscription, start: int, end: int, price: str | None) -> Object:
    items = [
        {"price": item["price"]["id"], "quantity": item.get("quantity"), "metadata": {},
         "discounts": [], "plan": item["price"]["id"], "tax_rates": [],
         "billing_thresholds": None}
        for item in subscription.items
    ]  # fmt: skip
    if price is not None:
        items[0] |= {"price": price, "plan": price}
    return {
        "add_invoice_items": [], "application_fee_percent": None, "billing_cycle_anchor": None,
        "billing_thresholds": None, "collection_method": None,
        "currency": subscription.customer.currency, "default_payment_method": None,
        "default_tax_rates": [], "description": None, "discounts": [], "end_date": end,
        "invoice_settings": None, "items": items, "metadata": {}, "on_behalf_of": None,
        "proration_behavior": "none", "start_date": start, "transfer_data": None,
        "trial_end": None,
    }  # fmt: skip
