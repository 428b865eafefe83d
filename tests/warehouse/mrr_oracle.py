"""MRR by METRICS.md section 2 in plain fractions, from what the embedded account itself knows.

It reads the account's store (objects and its whole event log), no table and no code of the
pipeline. Amounts are fractions of minor units. A day's end is UTC midnight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
PER_YEAR = {"day": 365, "week": 52, "month": 12, "year": 1}
COUNTED = ("active", "past_due")
Key = tuple[str, str]
"""(customer, currency)."""


class Truth:
    """What each customer's subscriptions were worth at the end of any day."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lives: dict[str, list[Object]] = defaultdict(list)
        """The states of each subscription with the instant from which they hold, oldest first."""
        for event in store.all("event"):
            if event["type"].startswith("customer.subscription."):
                seen = event["data"]["object"]
                self.lives[seen["id"]].append(seen | {"since": event["created"]})
        self.billed: dict[str, list[Object]] = defaultdict(list)
        """The invoice lines of each subscription item, by the beginning of their period."""
        for invoice in store.all("invoice"):
            for line in invoice["lines"]["data"]:
                parent = line["parent"] or {}
                details = parent.get("subscription_item_details") or {}
                if details.get("subscription_item"):
                    self.billed[details["subscription_item"]].append(line)
        for lines in self.billed.values():
            lines.sort(key=lambda line: line["period"]["start"])

    def days(self) -> list[date]:
        """Every day on which a state of some subscription begins, or one of its discounts ends."""
        found = {_day(state["since"]) for states in self.lives.values() for state in states}
        ends = {_day(d["end"]) for d in self.store.all("discount") if d["end"]}
        return sorted(found | {day for day in ends if day <= _day(self.store.now)})

    def mrr(self, day: date) -> dict[Key, Fraction]:
        """MRR of each customer and currency at the end of a day; those of zero are left out."""
        end = int(datetime.combine(day + timedelta(1), datetime.min.time(), UTC).timestamp())
        at = min(end - 1, self.store.now)
        found: dict[Key, Fraction] = defaultdict(Fraction)
        for states in self.lives.values():
            past = [state for state in states if state["since"] <= at]
            if past:
                found[(past[-1]["customer"], past[-1]["currency"])] += self._worth(past[-1], at)
        return {key: worth for key, worth in found.items() if worth}

    def movements(self) -> Iterator[tuple[date, str, str, str, Fraction]]:
        """(day, customer, currency, movement, change) of every movement there ever was."""
        before: dict[Key, Fraction] = {}
        ever: set[Key] = set()
        for day in self.days():
            after = self.mrr(day)
            for key in sorted(before.keys() | after.keys()):
                was, now = before.get(key, Fraction(0)), after.get(key, Fraction(0))
                if was != now:
                    yield day, *key, _movement(was, now, key in ever), now - was
            before = after
            ever |= after.keys()

    def _worth(self, state: Object, at: int) -> Fraction:
        pause = state["pause_collection"]
        void = pause and pause["behavior"] == "void"
        resumed = void and pause["resumes_at"] is not None and pause["resumes_at"] <= at
        if state["status"] not in COUNTED or (void and not resumed):
            return Fraction(0)
        items = [i for i in state["items"]["data"] if not _is_metered(i["price"])]
        billed = {i["id"]: self._list_amount(i, state["currency"]) for i in items}
        for coupon in self._coupons(state, at):
            _reduce(billed, coupon)
        return sum((self._monthly(i, billed[i["id"]], at) for i in items), Fraction(0))

    def _list_amount(self, item: Object, currency: str) -> Fraction:
        """What the item's quantity is billed for one period, before discounts and with tax."""
        price = self.store.get("price", item["price"]["id"])
        assert price["currency"] == currency
        units = item["quantity"]
        if rule := price["transform_quantity"]:
            up = rule["round"] == "up"
            units = -(-units // rule["divide_by"]) if up else units // rule["divide_by"]
        if price["billing_scheme"] == "per_unit":
            return Fraction(price["unit_amount_decimal"]) * units
        return _tiered(price, units)

    def _coupons(self, state: Object, at: int) -> list[Object]:
        """What still reduces every bill: percentages first, else in the order given."""
        running = [self.store.get("discount", each) for each in state["discounts"]]
        coupons = [
            self.store.get("coupon", each["source"]["coupon"])
            for each in running
            if each["start"] <= at and (each["end"] is None or at < each["end"])
        ]
        lasting = [each for each in coupons if each["duration"] != "once"]
        return sorted(lasting, key=lambda each: not each["percent_off"])

    def _monthly(self, item: Object, amount: Fraction, at: int) -> Fraction:
        every = item["price"]["recurring"]
        monthly = amount * PER_YEAR[every["interval"]] / (12 * every["interval_count"])
        if item["price"]["tax_behavior"] == "inclusive":
            monthly /= 1 + self._contained_tax(item["id"], at) / 100
        return monthly

    def _contained_tax(self, item_id: str, at: int) -> Fraction:
        """The percentage that the item's latest bill applied; before any, that its first will."""
        lines = self.billed[item_id]
        past = [line for line in lines if line["period"]["start"] <= at]
        line = past[-1] if past else lines[0]
        rates = [each["tax_rate_details"]["tax_rate"] for each in line["taxes"]]
        percent = (self.store.get("tax_rate", rate)["percentage"] for rate in rates)
        return sum((Fraction(str(each)) for each in percent), Fraction(0))


def _is_metered(price: Object) -> bool:
    return bool(price["recurring"]["usage_type"] == "metered")


def _tiered(price: Object, units: int) -> Fraction:
    total, below = Fraction(0), 0
    graduated = price["tiers_mode"] == "graduated"
    for tier in price["tiers"]:
        last = tier["up_to"] is None or units <= tier["up_to"]
        if graduated or last:
            of_tier = (units if last else tier["up_to"]) - (below if graduated else 0)
            total += Fraction(tier["unit_amount_decimal"]) * of_tier + (tier["flat_amount"] or 0)
        if last:
            break
        below = tier["up_to"]
    return total


def _reduce(billed: dict[str, Fraction], coupon: Object) -> None:
    """Take one coupon off a period's bill: a share, or a fixed amount spread in proportion."""
    whole = sum(billed.values(), Fraction(0))
    if not whole:
        return
    if coupon["percent_off"]:
        left = 1 - Fraction(str(coupon["percent_off"])) / 100
    else:
        left = max(1 - coupon["amount_off"] / whole, Fraction(0))
    for item in billed:
        billed[item] *= left


def _movement(before: Fraction, after: Fraction, ever: bool) -> str:
    if before == 0:
        return "reactivation" if ever else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


def _day(instant: int) -> date:
    return datetime.fromtimestamp(instant, UTC).date()
