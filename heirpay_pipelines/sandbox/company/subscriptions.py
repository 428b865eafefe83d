"""Subscriptions: how they begin, renew, change and end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.sandbox.company.calendar import DAY, after, moment
from heirpay_pipelines.sandbox.company.catalog import Catalog, amount_of
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.invoicing import Line
from heirpay_pipelines.sandbox.company.money import share
from heirpay_pipelines.sandbox.company.templates import blank, empty_list
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


@dataclass
class Subscription:
    """A subscription of the simulation: its Stripe object, its customer, its coupons."""

    obj: Object
    customer: Customer
    coupons: list[tuple[str, Object, int | None]] = field(default_factory=list)
    """(discount id, coupon, the instant at which it ends)."""
    failures: int = 0

    @property
    def id(self) -> str:
        return str(self.obj["id"])

    @property
    def items(self) -> list[Object]:
        data: list[Object] = self.obj["items"]["data"]
        return data

    @property
    def live(self) -> bool:
        return self.obj["status"] in ("active", "past_due", "trialing")

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
        id = self.ids.new("sub")
        trial_end = at + trial_days * DAY if trial_days else None
        first = self.catalog.prices[items[0][0]]["recurring"]
        anchor = moment(at).day
        end = trial_end or after(at, first["interval"], first["interval_count"], anchor)
        obj = blank(
            "subscription", id=id,
            automatic_tax={"enabled": False, "disabled_reason": None, "liability": None},
            billing_cycle_anchor=trial_end or at, billing_mode={"type": "classic", "flexible": None},
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
        for code in coupons:
            subscription.coupons.append(self._discount(at, subscription, code))
        obj["discounts"] = [discount for discount, _, _ in subscription.coupons]
        customer.subscriptions.append(id)
        self.store.put(obj)
        self.store.emit("customer.subscription.created", obj, at)
        return subscription

    def _item(self, subscription: str, at: int, end: int, name: str, quantity: int) -> Object:
        price = self.catalog.prices[name]
        metered = price["recurring"]["usage_type"] == "metered"
        item = blank(
            "subscription_item", id=self.ids.new("si", 14), created=at, current_period_end=end,
            current_period_start=at, discounts=[], metadata={}, price=embedded(price),
            quantity=quantity, subscription=subscription, tax_rates=[],
        )  # fmt: skip
        if metered:
            del item["quantity"]
        item["plan"] = None
        del item["plan"]
        return item

    def _discount(
        self, at: int, subscription: Subscription, code: str
    ) -> tuple[str, Object, int | None]:
        coupon = self.catalog.coupons[code]
        months = coupon["duration_in_months"]
        end = after(at, "month", months, moment(at).day) if months else None
        discount = blank(
            "discount", id=self.ids.new("di"), customer=subscription.customer.id, end=end,
            source={"type": "coupon", "coupon": coupon["id"]}, start=at,
            subscription=subscription.id,
        )  # fmt: skip
        self.store.put(discount)
        self.store.emit("customer.discount.created", discount, at)
        return discount["id"], coupon, end

    def active_coupons(self, subscription: Subscription, at: int) -> list[tuple[str, Object]]:
        """Discounts that apply to an invoice now; a `once` one applies to the first only."""
        first = subscription.obj["latest_invoice"] is None
        return [
            (discount, coupon)
            for discount, coupon, end in subscription.coupons
            if (end is None or at < end) and (coupon["duration"] != "once" or first)
        ]

    def period_lines(self, subscription: Subscription, rng: Any) -> list[Line]:
        """A line for each item, for its current period; usage is billed for the one before."""
        lines = []
        for item in subscription.items:
            price = self.catalog.prices[item["price"]["lookup_key"]]
            start, end = item["current_period_start"], item["current_period_end"]
            quantity = item.get("quantity")
            if quantity is None:
                quantity, end = rng.randint(2_000, 60_000), start
                start = start - 30 * DAY
            amount = amount_of(price, quantity)
            text = f"{quantity} × {price['lookup_key']}"
            lines.append(Line(price, quantity, amount, start, end, text, item["id"]))
        return lines

    def renew(self, at: int, subscription: Subscription) -> None:
        """Begin the next period of every item."""
        before = {"items": {"data": copy.deepcopy(subscription.items)}}
        for item in subscription.items:
            recurring = item["price"]["recurring"]
            anchor = moment(subscription.obj["billing_cycle_anchor"]).day
            start = item["current_period_end"]
            item["current_period_start"] = start
            item["current_period_end"] = after(
                start, recurring["interval"], recurring["interval_count"], anchor
            )
        self._expire_discounts(at, subscription, before)
        self.update(at, subscription, before)

    def _expire_discounts(self, at: int, subscription: Subscription, before: Object) -> None:
        kept = [
            (discount, coupon, end)
            for discount, coupon, end in subscription.coupons
            if (end is None or end > at) and coupon["duration"] != "once"
        ]
        if len(kept) != len(subscription.coupons):
            before["discounts"] = subscription.obj["discounts"]
            subscription.coupons = kept
            subscription.obj["discounts"] = [discount for discount, _, _ in kept]

    def change_item(
        self, at: int, subscription: Subscription, quantity: int, price_name: str | None = None
    ) -> list[Line]:
        """Change the first item in mid-period; returns the two proration lines."""
        item = subscription.items[0]
        old = self.catalog.prices[item["price"]["lookup_key"]]
        new = self.catalog.prices[price_name] if price_name else old
        start, end = subscription.period
        before = {"items": {"data": copy.deepcopy(subscription.items)}}
        left, whole = end - at, end - start
        unused = Line(
            old, item["quantity"], -share(amount_of(old, item["quantity"]), left, whole), at,
            end, f"Unused time on {old['lookup_key']}", item["id"], proration=True,
        )  # fmt: skip
        if old["recurring"] == new["recurring"]:
            added = Line(
                new, quantity, share(amount_of(new, quantity), left, whole), at, end,
                f"Remaining time on {new['lookup_key']}", item["id"], proration=True,
            )  # fmt: skip
        else:
            # Another interval begins a new period, which is billed in full.
            every = new["recurring"]
            end = after(at, every["interval"], every["interval_count"], moment(at).day)
            text = f"{quantity} × {new['lookup_key']}"
            added = Line(new, quantity, amount_of(new, quantity), at, end, text, item["id"])
            item["current_period_start"], item["current_period_end"] = at, end
            before["billing_cycle_anchor"] = subscription.obj["billing_cycle_anchor"]
            subscription.obj["billing_cycle_anchor"] = at
        lines = [unused, added]
        item["price"], item["quantity"] = embedded(new), quantity
        self.update(at, subscription, before)
        return lines

    def set(self, at: int, subscription: Subscription, **fields: Any) -> None:
        """Change fields of the object; the event tells what they were."""
        before = {name: subscription.obj[name] for name in fields}
        subscription.obj.update(fields)
        self.update(at, subscription, before)

    def update(self, at: int, subscription: Subscription, before: Object) -> None:
        self.store.put(subscription.obj)
        self.store.emit("customer.subscription.updated", subscription.obj, at, before)

    def cancel(self, at: int, subscription: Subscription, reason: str) -> None:
        """End it now. `reason` is Stripe's: cancellation_requested, payment_failed …"""
        subscription.obj.update(
            status="canceled", canceled_at=subscription.obj["canceled_at"] or at, ended_at=at,
            cancellation_details={"comment": None, "feedback": None, "reason": reason},
        )  # fmt: skip
        self.store.put(subscription.obj)
        self.store.emit("customer.subscription.deleted", subscription.obj, at)


def embedded(price: Object) -> Object:
    """A price as it stands inside another object: without its tiers."""
    return {
        name: value for name, value in price.items() if name not in ("tiers", "currency_options")
    }
