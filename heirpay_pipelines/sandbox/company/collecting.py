"""Collecting what invoices ask for: attempts, bank debits, retries, new cards, giving up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change
from heirpay_pipelines.sandbox.company.customers import Customer, use_method
from heirpay_pipelines.sandbox.company.luck import HARD
from heirpay_pipelines.sandbox.company.methods import new_method
from heirpay_pipelines.sandbox.company.payments import DEBIT_DAYS
from heirpay_pipelines.sandbox.company.subscriptions import Subscription

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
RETRY_DAYS = (3, 5, 7)
NEW_CARD, SUCCEEDS_LATE, STAYS_UNPAID, IS_WRITTEN_OFF = 0.55, 0.35, 0.3, 0.65
DEBIT_RETURNS = 0.035


@dataclass
class Collection:
    """One invoice being collected."""

    invoice: Object
    customer: Customer
    subscription: Subscription | None
    intent: Object
    payment: Object
    attempt: int = 0


class Collecting:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def start(
        self, at: int, invoice: Object, customer: Customer, subscription: Subscription | None,
        *, fails: bool = False,
    ) -> None:  # fmt: skip
        """Collect an open invoice now; one with nothing due is paid by itself.

        With `fails` the first attempt is declined whatever luck says.
        """
        if invoice["amount_remaining"] == 0:
            self.company.invoicing.paid(at, invoice, None)
            return
        intent = self.company.payments.intent(
            at, customer, invoice["amount_remaining"], invoice["currency"],
            setup_future_usage="off_session" if subscription else None,
        )  # fmt: skip
        payment = self.company.invoicing.expect_payment(at, invoice, intent)
        case = Collection(invoice, customer, subscription, intent, payment)
        self._try(case, at, "insufficient_funds" if fails else None)

    def _try(self, case: Collection, at: int, decline: str | None = None) -> None:
        company = self.company
        if case.invoice["status"] not in ("open", "uncollectible"):
            return
        rng = company.rng("collect", case.invoice["id"], case.attempt)
        if decline is None and case.customer.method["type"] == "card":
            decline = company.luck.decline(rng, case.customer.id, case.attempt, one_off=False)
        charge = company.payments.attempt(at, case.customer, case.intent, rng, decline)
        if decline is not None:
            self._failed(case, at, decline)
        elif charge["status"] == "pending":
            returned = company.luck.misfortune(rng) < DEBIT_RETURNS
            company.plan(at + DEBIT_DAYS * DAY, partial(self._debit, case, charge, returned))
        else:
            self._succeeded(case, charge, at)

    def _debit(self, case: Collection, charge: Object, returned: bool, at: int) -> None:
        if returned:
            self.company.payments.debit_fails(at, case.intent, charge)
            self._failed(case, at, "debit_not_authorized")
        else:
            self.company.payments.debit_succeeds(at, case.intent, charge)
            self._succeeded(case, charge, at)

    def _succeeded(self, case: Collection, charge: Object, at: int) -> None:
        company, subscription = self.company, case.subscription
        company.invoicing.paid(at, case.invoice, case.payment)
        if subscription is not None and subscription.status in ("past_due", "incomplete"):
            company.subscriptions.set(at, subscription, status="active")
        rng = company.rng("aftermath", charge["id"])
        company.aftermath.follow(at, charge, rng)

    def _failed(self, case: Collection, at: int, decline: str) -> None:
        company, invoice, subscription = self.company, case.invoice, case.subscription
        last = case.attempt >= len(RETRY_DAYS) or invoice["status"] != "open"
        first = subscription is not None and subscription.status == "incomplete"
        retry = None if last or first else at + RETRY_DAYS[case.attempt] * DAY
        case.attempt += 1
        change(
            company.store, at, "invoice.payment_failed", invoice, attempt_count=case.attempt,
            attempted=True, next_payment_attempt=retry,
        )  # fmt: skip
        if subscription is not None and subscription.status == "active":
            company.subscriptions.set(at, subscription, status="past_due")
        if first:
            self._after_first(case, at)
        elif retry is not None:
            self._plan_retry(case, at, retry, decline)
        elif invoice["status"] == "open":
            self._give_up(case, at)

    def _after_first(self, case: Collection, at: int) -> None:
        """The first payment of a subscription failed: the customer tries again, or it expires."""
        company = self.company
        if company.rng("first", case.invoice["id"]).random() < 0.5:
            company.plan(at + 1_800, partial(self._with_new_card, case))
        company.plan(at + DAY - 3_600, partial(self._expire, case))

    def _expire(self, case: Collection, at: int) -> None:
        company, subscription = self.company, case.subscription
        if subscription is None or subscription.status != "incomplete":
            return
        company.subscriptions.set(at, subscription, status="incomplete_expired", ended_at=at)
        company.running.pop(subscription.id, None)
        company.invoicing.void(at, case.customer.obj, case.invoice)
        change(
            company.store, at, "payment_intent.canceled", case.intent, status="canceled",
            canceled_at=at, cancellation_reason="void_invoice",
        )  # fmt: skip

    def _plan_retry(self, case: Collection, at: int, retry: int, decline: str) -> None:
        """Try again later; after a hard decline only if the customer gives another card."""
        company = self.company
        if decline not in HARD:
            company.plan(retry, partial(self._try, case))
        elif company.rng("new card", case.invoice["id"], case.attempt).random() < NEW_CARD:
            company.plan(retry - 2 * 3_600, partial(self._with_new_card, case))
        else:
            company.plan(at + sum(RETRY_DAYS[case.attempt - 1 :]) * DAY, partial(self._end, case))

    def _with_new_card(self, case: Collection, at: int) -> None:
        company, customer = self.company, case.customer
        if case.invoice["status"] != "open":
            return
        rng = company.rng("card", case.invoice["id"], case.attempt)
        method = new_method(company.ids, rng, at, customer.obj, customer.currency, "card")
        use_method(company.store, at, customer, method)
        # The attempt's own events tell of the intent's new payment method.
        case.intent.update(payment_method=method["id"], payment_method_types=["card"])
        self._try(case, at + 60)

    def _end(self, case: Collection, at: int) -> None:
        if case.invoice["status"] == "open":
            self._give_up(case, at)

    def _give_up(self, case: Collection, at: int) -> None:
        """No more retries: the subscription ends or stays unpaid; the invoice is written off."""
        company, subscription = self.company, case.subscription
        draw = company.rng("give up", case.invoice["id"]).random()
        if subscription is not None and subscription.live:
            if draw < STAYS_UNPAID:
                company.subscriptions.set(at + 10, subscription, status="unpaid")
                company.running.pop(subscription.id, None)
                return
            company.business.end(at + 10, subscription, "payment_failed")
        if draw < IS_WRITTEN_OFF:
            company.invoicing.write_off(at + 20, case.invoice)
            if draw - STAYS_UNPAID < SUCCEEDS_LATE / 2:
                company.plan(at + 20 * DAY, partial(self._pays_late, case))

    def _pays_late(self, case: Collection, at: int) -> None:
        """A customer pays what had been written off."""
        company = self.company
        rng = company.rng("late", case.invoice["id"])
        charge = company.payments.attempt(at, case.customer, case.intent, rng, None)
        if charge["status"] == "succeeded":
            company.invoicing.paid(at, case.invoice, case.payment)
        else:
            company.plan(at + DEBIT_DAYS * DAY, partial(self._debit, case, charge, False))
