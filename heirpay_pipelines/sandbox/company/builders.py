"""A small account by hand: each call makes correct objects, their events and their movements.

Renewals, retries, bank debits and payouts follow by themselves as time goes on, by the same code
that the company lives by. Everything succeeds and nobody complains unless it is asked for. Instants
are epoch seconds and may not go back; amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heirpay_pipelines.sandbox.company.company import Company
from heirpay_pipelines.sandbox.company.credit import credit_line
from heirpay_pipelines.sandbox.company.customers import Customer, customer_at
from heirpay_pipelines.sandbox.company.lines import Line, tax
from heirpay_pipelines.sandbox.company.luck import ScriptedLuck
from heirpay_pipelines.sandbox.company.subscriptions import Subscription
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


class Workbench:
    """An empty account that opens at `start`; `daily` payouts on business days, else on Mondays."""

    def __init__(self, store: Store, start: int, *, seed: int = 0, daily: bool = True) -> None:
        self.luck = ScriptedLuck()
        self.company = Company(store, seed, start, populated=False, luck=self.luck)
        self.company.books.daily_from = 0 if daily else self.company.books.daily_from
        self.store, self.start = store, self.company.start

    def advance_to(self, now: int) -> None:
        """Let time pass up to and with this instant."""
        self.company.live_through(now)

    def price(
        self, name: str, amount: int | str | None, currency: str = "usd", **terms: Any
    ) -> Object:
        """A price under a lookup key; `terms` as `Catalog.add_price` has them (interval, count,
        tiers, tiers_mode, transform, metered, tax_behavior, product)."""
        return self.company.catalog.add_price(self.start, name, amount, currency, **terms)

    def coupon(self, code: str, **terms: Any) -> Object:
        """A coupon of Stripe's terms: percent_off, or amount_off and currency; duration …"""
        return self.company.catalog.add_coupon(self.start, code, **terms)

    def tax_rate(self, place: str, percent: str, **terms: Any) -> Object:
        """A tax rate under a place (DE, US-CA, US-CA-county) that customers can be charged."""
        return self.company.catalog.add_tax_rate(self.start, place, percent, **terms)

    def customer(
        self, at: int, currency: str = "usd", country: str = "US", state: str | None = None, *,
        taxes: Sequence[str] = (), method: str = "card", name: str = "Ada Adler",
    ) -> Customer:  # fmt: skip
        """A customer who is charged the tax rates of these places."""
        self.advance_to(at)
        company = self.company
        customer = customer_at(
            self.store, company.ids, company.rng("customer", len(company.customers)), at,
            name=name, currency=currency, kind=method,
            address={"city": None, "country": country, "line1": "1 Main Street", "line2": None,
                     "postal_code": None, "state": state},
        )  # fmt: skip
        customer.rates = tuple(taxes)
        company.customers.append(customer)
        return customer

    def decline(self, customer: Customer, *outcomes: str | None) -> None:
        """Decline the customer's next card payments with these codes; None lets one succeed."""
        self.luck.script[customer.id].extend(outcomes)

    def subscribe(
        self, at: int, customer: Customer, *items: tuple[str, int], coupons: Sequence[str] = (),
        trial_days: int = 0,
    ) -> Subscription:  # fmt: skip
        """Subscribe to (price's lookup key, quantity) and pay for the first period."""
        self.advance_to(at)
        return self.company.business.subscribe(at, customer, items, tuple(coupons), trial_days)

    def change(
        self, at: int, subscription: Subscription, *, quantity: int | None = None,
        price: str | None = None,
    ) -> None:  # fmt: skip
        """Change the first item in mid-period and pay the prorations."""
        self.advance_to(at)
        self.company.business.change(at, subscription, quantity, price)

    def schedule(self, at: int, subscription: Subscription, price: str) -> Object:
        """Schedule another price for the first item from the next period on."""
        self.advance_to(at)
        return self.company.schedules.create(at, subscription, price)

    def update(self, at: int, subscription: Subscription, **fields: Any) -> None:
        """Set fields of the subscription (pause_collection, status …) with their event."""
        self.advance_to(at)
        self.company.subscriptions.set(at, subscription, **fields)

    def cancel(self, at: int, subscription: Subscription, *, at_period_end: bool = False) -> None:
        self.advance_to(at)
        if at_period_end:
            self.company.business.cancel_at_period_end(at, subscription)
        else:
            self.company.business.end(at, subscription, "cancellation_requested")

    def invoice(
        self, at: int, customer: Customer, *lines: tuple[int, str], collect: bool = True
    ) -> Object:
        """A manual invoice of (amount, description), paid at once unless not to `collect`."""
        self.advance_to(at)
        billed = [Line(None, 1, amount, at, at, text) for amount, text in lines]
        tax(billed, self.company.rates_of(customer))
        invoice = self.company.invoicing.issue(at, customer, billed, "manual")
        if collect:
            self.company.collecting.start(at, invoice, customer, None)
        return invoice

    def credit(self, at: int, invoice: Object, *, to_balance: bool = False) -> Object | None:
        """Credit the invoice's last line."""
        self.advance_to(at)
        return credit_line(self.company, at, invoice, to_balance=to_balance)

    def charge(self, at: int, customer: Customer, amount: int, **intent: Any) -> Object:
        """A one-off payment in the customer's currency."""
        self.advance_to(at)
        company = self.company
        made = company.payments.intent(at, customer, amount, customer.currency, **intent)
        decline = self.luck.decline(company.rng(at), customer.id, 0, one_off=True)
        return company.payments.attempt(at, customer, made, company.rng("charge", at), decline)

    def refund(self, at: int, charge: Object, amount: int | None = None) -> Object:
        self.advance_to(at)
        return self.company.payments.refund(
            at, charge, amount or charge["amount"], "requested_by_customer"
        )

    def dispute(
        self, at: int, charge: Object, reason: str = "fraudulent", amount: int | None = None,
        *, inquiry: bool = False,
    ) -> Object:  # fmt: skip
        self.advance_to(at)
        return self.company.disputes.open(at, charge, reason, inquiry=inquiry, amount=amount)

    def close_dispute(self, at: int, dispute: Object, *, won: bool) -> None:
        self.advance_to(at)
        self.company.disputes.close(at, dispute, won=won)
