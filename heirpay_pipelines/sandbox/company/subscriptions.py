"""Subscriptions: how they begin, renew, change and end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.calendar import DAY, after, moment
from heirpay_pipelines.sandbox.company.catalog import Catalog
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.lines import Line, after_discounts, amount_of
from heirpay_pipelines.sandbox.company.money import share
from heirpay_pipelines.sandbox.company.templates import blank, empty_list
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


@dataclass
class Subscription:
    """A subscription of the simulation: its Stripe object, its customer, its coupons."""

    obj: Object
    customer: Customer
    coupons: list[tuple[Object, Object]] = field(default_factory=list)
    """(discount, coupon) of those that still run."""

    @property
    def id(self) -> str:
        return str(self.obj["id"])

    @property
    def items(self) -> list[Object]:
        data: list[Object] = self.obj["items"]["data"]
        return data

    @property
    def status(self) -> str:
        return str(self.obj["status"])

    @property
    def live(self) -> bool:
        return self.status in ("active", "past_due", "trialing")

    @property
    def period(self) -> tuple[int, int]:
        item = self.items[0]
        return int(item["current_period_start"]), int(item["current_period_end"])


class Subscriptions:
    """Every change keeps the object and its event log true to each other."""

    def __init__(self, store: Store, ids: Ids, catalog: Catalog) -> None:
        self.store, self.ids, self.catalog = store, ids, catalog

    def create(
        self, at: int, customer: Customer, items: Sequence[tuple[str, int]], *,
        trial_days: int = 0, coupons: Sequence[str] = (), status: str = "active",
    ) -> Subscription:  # fmt: skip
        """A subscription of (price's lookup key, quantity); all items have one billing period."""
        id = self.ids.new("sub")
        trial_end = at + trial_days * DAY if trial_days else None
        every = self.catalog.prices[items[0][0]]["recurring"]
        end = trial_end or after(at, every["interval"], every["interval_count"], moment(at).day)
        obj = blank(
            "subscription", id=id,
            automatic_tax={"enabled": False, "disabled_reason": None, "liability": None},
            billing_cycle_anchor=trial_end or at,
            billing_mode={"type": "classic", "flexible": None}, billing_schedules=[],
            cancel_at_period_end=False, collection_method="charge_automatically", created=at,
            currency=customer.currency, customer=customer.id, default_tax_rates=[], discounts=[],
            invoice_settings={"account_tax_ids": None, "issuer": {"type": "self"}}, livemode=False,
            items=empty_list(f"/v1/subscription_items?subscription={id}",
                             [self._item(id, at, end, *item) for item in items]),
            metadata={}, payment_settings={"payment_method_options": None,
                                           "payment_method_types": None,
                                           "save_default_payment_method": "off"},
            start_date=at, status="trialing" if trial_days else status, trial_end=trial_end,
            trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
            trial_start=at if trial_days else None,
        )  # fmt: skip
        subscription = Subscription(obj, customer)
        subscription.coupons = [self._discount(at, subscription, code) for code in coupons]
        obj["discounts"] = [discount["id"] for discount, _ in subscription.coupons]
        customer.subscriptions.append(id)
        keep(self.store, at, "customer.subscription.created", obj)
        return subscription

    def _item(self, subscription: str, at: int, end: int, name: str, quantity: int) -> Object:
        price = self.catalog.prices[name]
        item = blank(
            "subscription_item", id=self.ids.new("si", 14), created=at, current_period_end=end,
            current_period_start=at, discounts=[], metadata={}, plan=plan_of(price),
            price=embedded(price),
            quantity=quantity, subscription=subscription, tax_rates=[],
        )  # fmt: skip
        if price["recurring"]["usage_type"] == "metered":
            del item["quantity"]
        return item

    def _discount(self, at: int, subscription: Subscription, code: str) -> tuple[Object, Object]:
        coupon = self.catalog.coupons[code]
        months = coupon["duration_in_months"]
        discount = blank(
            "discount", id=self.ids.new("di"), customer=subscription.customer.id,
            end=after(at, "month", months, moment(at).day) if months else None,
            promotion_code=self.catalog.redeem(at, code),
            source={"type": "coupon", "coupon": coupon["id"]}, start=at,
            subscription=subscription.id,
        )  # fmt: skip
        return keep(self.store, at, "customer.discount.created", discount), coupon

    def coupons_of(self, subscription: Subscription, at: int) -> list[tuple[str, Object]]:
        """(discount id, coupon) of what reduces an invoice now."""
        return [(discount["id"], coupon) for discount, coupon in subscription.coupons
                if discount["end"] is None or at < discount["end"]]  # fmt: skip

    def spend_once(self, at: int, subscription: Subscription) -> None:
        """After an invoice: coupons for one invoice are used up, others may have run out."""
        gone = [discount for discount, coupon in subscription.coupons
                if coupon["duration"] == "once"
                or (discount["end"] is not None and discount["end"] <= at)]  # fmt: skip
        if not gone:
            return
        subscription.coupons = [pair for pair in subscription.coupons if pair[0] not in gone]
        for discount in gone:
            self.store.emit("customer.discount.deleted", discount, at)
        self.set(at, subscription, discounts=[d["id"] for d, _ in subscription.coupons])

    def period_lines(
        self, subscription: Subscription, rng: Random, before: int | None = None
    ) -> list[Line]:
        """A line for each item for its current period; usage is billed for the one before, which
        began at `before` (None: there was none)."""
        lines = []
        for item in subscription.items:
            price = self.catalog.prices[item["price"]["lookup_key"]]
            start, end = item["current_period_start"], item["current_period_end"]
            quantity = item.get("quantity")
            if quantity is None and before is None:
                continue
            if quantity is None:
                quantity, start, end = rng.randint(2_000, 60_000), before, start
            text = f"{quantity} × {price['lookup_key']}"
            if subscription.status == "trialing":
                lines.append(Line(price, quantity, 0, start, end, f"Trial of {text}", item["id"]))
                continue
            amount = amount_of(price, quantity)
            lines.append(Line(price, quantity, amount, start, end, text, item["id"]))
        return lines

    def renew(self, at: int, subscription: Subscription, **fields: Any) -> None:
        """Begin the next period of every item; `fields` change in the same step."""
        items = copy.deepcopy(subscription.items)
        anchor = moment(subscription.obj["billing_cycle_anchor"]).day
        for item in items:
            every = item["price"]["recurring"]
            start = item["current_period_end"]
            end = after(start, every["interval"], every["interval_count"], anchor)
            item.update(current_period_start=start, current_period_end=end)
        self.set(at, subscription, items=subscription.obj["items"] | {"data": items}, **fields)

    def restart(self, at: int, subscription: Subscription) -> None:
        """Resume a paused subscription: a new period begins now, and its anchor with it."""
        items = copy.deepcopy(subscription.items)
        for item in items:
            every = item["price"]["recurring"]
            end = after(at, every["interval"], every["interval_count"], moment(at).day)
            item.update(current_period_start=at, current_period_end=end)
        items_list = subscription.obj["items"] | {"data": items}
        self.set(at, subscription, "resumed", items=items_list, status="active",
                 billing_cycle_anchor=at)  # fmt: skip

    def change_item(
        self, at: int, subscription: Subscription, quantity: int | None = None,
        price: str | None = None,
    ) -> list[Line]:  # fmt: skip
        """Change the first item in mid-period; returns the proration lines to bill.

        Prorations are net of running discounts. A price of another interval begins a new period,
        which is billed in full.
        """
        item = copy.deepcopy(subscription.items[0])
        old = self.catalog.prices[item["price"]["lookup_key"]]
        new = self.catalog.prices[price] if price else old
        quantity = quantity or item["quantity"]
        start, end = subscription.period
        coupons = [c for c in self.coupons_of(subscription, at) if c[1]["duration"] != "once"]

        def part(of: Object, units: int) -> int:
            return share(after_discounts(amount_of(of, units), coupons), end - at, end - start)

        unused = Line(
            old, item["quantity"], -part(old, item["quantity"]), at, end,
            f"Unused time on {old['lookup_key']}", item["id"], proration=True,
        )  # fmt: skip
        fields: Object = {}
        if old["recurring"] == new["recurring"]:
            added = Line(
                new, quantity, part(new, quantity), at, end,
                f"Remaining time on {new['lookup_key']}", item["id"], proration=True,
            )  # fmt: skip
        else:
            every = new["recurring"]
            end = after(at, every["interval"], every["interval_count"], moment(at).day)
            text = f"{quantity} × {new['lookup_key']}"
            added = Line(new, quantity, amount_of(new, quantity), at, end, text, item["id"])
            item.update(current_period_start=at, current_period_end=end)
            fields["billing_cycle_anchor"] = at
        item.update(price=embedded(new), plan=plan_of(new), quantity=quantity)
        items = subscription.obj["items"] | {"data": [item, *subscription.items[1:]]}
        self.set(at, subscription, items=items, **fields)
        return [unused, added]

    def swap(self, at: int, subscription: Subscription, price: str, **fields: Any) -> None:
        """Give the first item another price from now on, without proration."""
        new = self.catalog.prices[price]
        item = subscription.items[0] | {"price": embedded(new), "plan": plan_of(new)}
        items = subscription.obj["items"] | {"data": [item, *subscription.items[1:]]}
        self.set(at, subscription, items=items, **fields)

    def set(
        self, at: int, subscription: Subscription, event: str = "updated", **fields: Any
    ) -> None:
        """Change fields of the object; the event tells what they were."""
        change(self.store, at, f"customer.subscription.{event}", subscription.obj, **fields)

    def cancel(self, at: int, subscription: Subscription, reason: str) -> None:
        """End it now. `reason` is Stripe's: cancellation_requested, payment_failed …"""
        details = subscription.obj["cancellation_details"] or {"comment": None, "feedback": None}
        subscription.obj.update(
            status="canceled", canceled_at=subscription.obj["canceled_at"] or at, ended_at=at,
            cancellation_details=details | {"reason": reason},
        )  # fmt: skip
        keep(self.store, at, "customer.subscription.deleted", subscription.obj)


def embedded(price: Object) -> Object:
    """A price as it stands inside another object: without its tiers."""
    return {k: v for k, v in price.items() if k not in ("tiers", "currency_options")}


def plan_of(price: Object) -> Object:
    """The price in its older form, which items still carry."""
    every = price["recurring"]
    return blank(
        "plan", id=price["id"], active=price["active"], amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"], billing_scheme=price["billing_scheme"],
        created=price["created"], currency=price["currency"], interval=every["interval"],
        interval_count=every["interval_count"], livemode=False, metadata={},
        meter=every["meter"], product=price["product"], tiers_mode=price["tiers_mode"],
        usage_type=every["usage_type"],
    )  # fmt: skip
