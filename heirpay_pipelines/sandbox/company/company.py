"""The company's days.

What is due happens in the order of its instants, and every draw comes from the seed and what it is
for. So building the company later and letting it live on give the same account.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.aftermath import Aftermath
from heirpay_pipelines.sandbox.company.balance import Books
from heirpay_pipelines.sandbox.company.business import Business
from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.catalog import Catalog
from heirpay_pipelines.sandbox.company.collecting import Collecting
from heirpay_pipelines.sandbox.company.customers import Customer, create_customer
from heirpay_pipelines.sandbox.company.disputes import Disputes
from heirpay_pipelines.sandbox.company.fates import Fates
from heirpay_pipelines.sandbox.company.ids import Ids, chance
from heirpay_pipelines.sandbox.company.invoicing import Invoicing, register_seller
from heirpay_pipelines.sandbox.company.luck import Luck, RandomLuck
from heirpay_pipelines.sandbox.company.occasions import Occasions
from heirpay_pipelines.sandbox.company.one_offs import OneOffs
from heirpay_pipelines.sandbox.company.payments import Payments
from heirpay_pipelines.sandbox.company.planted import Planted
from heirpay_pipelines.sandbox.company.platform import Platform
from heirpay_pipelines.sandbox.company.schedules import Schedules
from heirpay_pipelines.sandbox.company.subscriptions import Subscription, Subscriptions
from heirpay_pipelines.sandbox.company.taxed_payments import TaxedPayments
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
Action = Callable[[int], object]
ACCOUNT_SETTINGS: Object = {
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": True},
                      "statement_descriptor_prefix": None},
    "dashboard": {"display_name": "Meridian Software", "timezone": "Etc/UTC"},
    "payments": {"statement_descriptor": "MERIDIAN SOFTWARE"},
    "payouts": {"debit_negative_balances": True, "statement_descriptor": None,
                "schedule": {"delay_days": 2, "interval": "daily"}},
}  # fmt: skip


class Company:
    """The simulation. `day` is the first instant of the day that is being lived, or comes next.

    A `populated` company has customers of its own and the planted problems. In one that is not,
    only what is asked of it happens (`builders.py`), with everything that follows from it.
    """

    def __init__(
        self, store: Store, seed: int, start: int, scale: int = 1, *, populated: bool = True,
        luck: Luck | None = None,
    ) -> None:  # fmt: skip
        self.store, self.seed, self.scale, self.populated = store, seed, scale, populated
        self.start = self.day = start - start % DAY
        self.luck = luck or RandomLuck()
        self.ids = Ids(seed)
        self.books = Books(store, self.ids, self.day)
        self.catalog = Catalog(store, self.ids)
        self.payments = Payments(store, self.ids, self.books)
        self.disputes = Disputes(store, self.ids, self.books)
        self.invoicing = Invoicing(store, self.ids)
        self.subscriptions = Subscriptions(store, self.ids, self.catalog)
        self.schedules = Schedules(store, self.ids, self.catalog, self.subscriptions)
        self.collecting, self.aftermath = Collecting(self), Aftermath(self)
        self.taxed_payments = TaxedPayments(self)
        self.business, self.fates, self.one_offs = Business(self), Fates(self), OneOffs(self)
        self.platform, self.occasions, self.planted = Platform(self), Occasions(self), Planted(self)
        self.customers: list[Customer] = []
        self.running: dict[str, Subscription] = {}
        self.failing_payouts: set[str] = set()
        self._agenda: list[tuple[int, int, Action]] = []
        self._planned = 0
        self._awake = False
        self._open()

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
        rng = self.rng("customer", len(self.customers))
        self.customers.append(create_customer(self.store, self.ids, rng, at))
        return self.customers[-1]

    def rates_of(self, customer: Customer) -> list[tuple[Object, str]]:
        """(tax rate, taxability reason) of what this customer buys."""
        return [(self.catalog.rates[name], reason) for name, reason in customer.taxes()]

    def advance_to(self, now: int) -> None:
        """Live every day that ends by `now`; then the account's clock is `now`."""
        with _no_garbage():
            self._live_until(now - now % DAY)
            self._set_clock(now)

    def live_through(self, at: int) -> None:
        """Live up to and with this instant, which may be in the middle of a day."""
        self._live_until(at + 1)
        self._set_clock(at)

    def _set_clock(self, now: int) -> None:
        self.store.now = now
        self.books.close(now)

    def _live_until(self, end: int) -> None:
        """Everything before the instant `end`."""
        while self.day < end:
            self._wake_up()
            while self._agenda and self._agenda[0][0] < min(end, self.day + DAY):
                at, _, action = heapq.heappop(self._agenda)
                action(at)
            if self.day + DAY > end:
                break
            self.day += DAY
            self._awake = False

    def _wake_up(self) -> None:
        """What is done first on each day."""
        if self._awake:
            return
        self._awake = True
        self.books.settle_payouts(self.day, self.failing_payouts)
        self.books.pay_out_day(self.day)
        if self.populated:
            self.business.arrivals()
            self.platform.day()
            self.occasions.day()
            self.planted.day()

    def _open(self) -> None:
        self.store.put(
            blank(
                "account", id=self.store.account_id, business_type="company",
                charges_enabled=True, country="US", created=self.start,
                default_currency="usd", details_submitted=True,
                email="finance@meridian.example", payouts_enabled=True, type="standard",
                business_profile={"mcc": "5734", "name": "Meridian Software Inc"},
                settings=ACCOUNT_SETTINGS,
            )
        )  # fmt: skip
        if self.populated:
            self.catalog.stock(self.start)
            self.platform.open_accounts(self.start)
            register_seller(self.store, self.start)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Look for no garbage while objects are made that all stay: that takes longer than making."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def build_company(store: Store, seed: int, start: int, now: int, scale: int = 1) -> Company:
    """The company from its first day until `now` (epoch seconds), in `store`."""
    company = Company(store, seed, start, scale)
    company.advance_to(now)
    return company
