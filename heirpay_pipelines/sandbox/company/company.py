"""The company's days: who arrives, what renews, what goes wrong. The order of a day is fixed, and
every draw comes from the seed and the day, so that building it later or advancing it is the same."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.balance import Books
from heirpay_pipelines.sandbox.company.calendar import DAY, moment
from heirpay_pipelines.sandbox.company.catalog import Catalog
from heirpay_pipelines.sandbox.company.customers import Customer, create_customer
from heirpay_pipelines.sandbox.company.ids import Ids, chance
from heirpay_pipelines.sandbox.company.invoicing import Invoicing
from heirpay_pipelines.sandbox.company.payments import Payments
from heirpay_pipelines.sandbox.company.subscriptions import Subscription, Subscriptions
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
Action = Callable[[int], None]


class Company:
    """The simulation. `day` is the first instant of the day that comes next."""

    def __init__(self, store: Store, seed: int, start: int, scale: int) -> None:
        from heirpay_pipelines.sandbox.company.business import Business
        from heirpay_pipelines.sandbox.company.planted import Planted
        from heirpay_pipelines.sandbox.company.platform import Platform

        self.store, self.seed, self.start, self.scale = store, seed, start, scale
        self.day = start - start % DAY
        self.ids = Ids(seed)
        self.books = Books(store, self.ids, self.day)
        self.catalog = Catalog(store, self.ids, self.day)
        self.payments = Payments(store, self.ids, self.books)
        self.invoicing = Invoicing(store, self.ids, self.catalog)
        self.subscriptions = Subscriptions(store, self.ids, self.catalog)
        self.customers: list[Customer] = []
        self.running: dict[str, Subscription] = {}
        self.failing_payouts: set[str] = set()
        self._agenda: list[tuple[int, int, Action]] = []
        self._planned = 0
        self._open_account()
        self.business = Business(self)
        self.platform = Platform(self)
        self.planted = Planted(self)

    def plan(self, at: int, action: Action) -> None:
        """Do something at an instant to come."""
        self._planned += 1
        heapq.heappush(self._agenda, (at, self._planned, action))

    def rng(self, *what: object) -> Random:
        return chance(self.seed, *what)

    @property
    def number(self) -> int:
        """How many days the company is old."""
        return (self.day - self.start) // DAY

    def new_customer(self, at: int) -> Customer:
        customer = create_customer(
            self.store, self.ids, self.rng("customer", len(self.customers)), at
        )
        self.customers.append(customer)
        return customer

    def advance_to(self, now: int) -> None:
        """Live every day that ends by `now`; then the account's clock is `now`."""
        while self.day + DAY <= now:
            self._live()
            self.day += DAY
        self.store.now = now
        self.books.close(now)

    def _live(self) -> None:
        self.books.settle_payouts(self.day, self.failing_payouts)
        self.books.pay_out_day(self.day)
        self.business.arrivals()
        self.platform.day()
        self.planted.day()
        while self._agenda and self._agenda[0][0] < self.day + DAY:
            at, _, action = heapq.heappop(self._agenda)
            action(at)

    def _open_account(self) -> None:
        self.store.put(
            blank(
                "account",
                id=self.store.account_id,
                business_type="company",
                charges_enabled=True,
                country="US",
                created=self.start,
                default_currency="usd",
                details_submitted=True,
                email="finance@meridian.example",
                payouts_enabled=True,
                type="standard",
                business_profile={"mcc": "5734", "name": "Meridian Software Inc"},
                settings={"payouts": {"schedule": {"delay_days": 2, "interval": "daily"}}},
            )  # fmt: skip
        )


def build_company(store: Store, seed: int, start: int, now: int, scale: int = 1) -> Company:
    """The company from its first day until `now` (epoch seconds), in `store`."""
    company = Company(store, seed, start, scale)
    company.advance_to(now)
    return company


def weekday(day: int) -> int:
    return moment(day).weekday()
