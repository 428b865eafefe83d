"""What happens on a few days only: top-ups, odd payouts, fees, card testing, corrections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.credit import credit_line
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.methods import guest_method
from heirpay_pipelines.sandbox.company.templates import blank

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
# Days of the company's life.
TOPUP_DAYS = (120, 300, 480)
MANUAL_PAYOUT_DAYS, INSTANT_PAYOUT_DAYS, CANCELLED_PAYOUT_DAYS = (20, 260), (180, 400), (333,)
CARD_TESTING_DAYS = (455, 531)
CREDIT_NOTE_DAYS = (90, 150, 210, 270, 330, 390, 450, 520)
NEGATIVE_DAYS = (441,)
GOODWILL_DAYS = (100, 190, 280, 370, 460, 515)
DISPUTE_DAYS = range(510, 10_000, 6)
"""Toward the end there is always a dispute that waits for an answer."""
RETIRED_PRICE_DAY = 60
FEE_EVERY_DAYS = 30
CARD_TESTS = 45


class Occasions:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def day(self) -> None:
        company, number = self.company, self.company.number
        planned: tuple[tuple[bool, Any], ...] = (
            (number % FEE_EVERY_DAYS == FEE_EVERY_DAYS - 1, self.monthly_fee),
            (number in TOPUP_DAYS, self.top_up),
            (number in MANUAL_PAYOUT_DAYS, partial(self.payout_by_hand, "standard")),
            (number in INSTANT_PAYOUT_DAYS, partial(self.payout_by_hand, "instant")),
            (number in CANCELLED_PAYOUT_DAYS, self.cancelled_payout),
            (number in CARD_TESTING_DAYS, self.card_testing),
            (number in CREDIT_NOTE_DAYS, self.credit_note),
            (number in NEGATIVE_DAYS, self.clawback),
            (number in GOODWILL_DAYS, self.goodwill),
            (number == RETIRED_PRICE_DAY, self.retire_price),
            (number in DISPUTE_DAYS, self.complaint),
        )
        for position, (due, action) in enumerate(planned):
            if due:
                company.plan(company.day + DAY // 2 + 60 * position, action)

    def retire_price(self, at: int) -> None:
        self.company.catalog.retire(at, "starter_2024_usd")

    def monthly_fee(self, at: int) -> None:
        self.company.books.record(
            at, "stripe_fee", "fee", -1990, "usd", None, days=0, description="Radar for Teams"
        )

    def clawback(self, at: int) -> None:
        """So large a correction that the next payout debits the bank account."""
        company = self.company
        amount = company.books.available("eur", at) + 250_000
        company.books.record(
            at, "adjustment", "other_adjustment", -amount, "eur", None, days=0,
            description="Correction of a duplicate settlement",
        )  # fmt: skip

    def top_up(self, at: int) -> None:
        """Money from the bank account into the balance."""
        company = self.company
        topup = blank(
            "topup", id=company.ids.new("tu"), amount=100_000, created=at, currency="usd",
            expected_availability_date=at, livemode=False, metadata={}, status="pending",
        )  # fmt: skip
        keep(company.store, at, "topup.created", topup)
        entry = company.books.record(at + 60, "topup", "topup", 100_000, "usd", topup["id"], days=0)
        change(
            company.store, at + 60, "topup.succeeded", topup, status="succeeded",
            balance_transaction=entry["id"],
        )  # fmt: skip

    def payout_by_hand(self, method: str, at: int) -> None:
        """A manual or instant payout of all that is available: it has no composition."""
        books = self.company.books
        total = books.available("usd", at)
        fee = total // 100 if method == "instant" else 0
        if total - fee > 0:
            books.take_available("usd", at)
            books.payout(at, total - fee, "usd", automatic=False, method=method, fee=fee)

    def cancelled_payout(self, at: int) -> None:
        """A manual payout that is cancelled before the bank has it."""
        books = self.company.books
        if books.available("usd", at) < 10_000:
            self.company.plan(at + DAY, self.cancelled_payout)
            return
        payout = books.payout(at, 10_000, "usd", automatic=False, method="standard")
        books.cancel(at + 3_600, payout)

    def complaint(self, at: int) -> None:
        """The holder of a card complains of a payment of the last weeks."""
        company = self.company
        charges = [charge for charge in company.store.all("charge")[-120:]
                   if charge["status"] == "succeeded" and not charge["disputed"]
                   and charge["captured"] and not charge["amount_refunded"]
                   and "card" in charge["payment_method_details"]]  # fmt: skip
        if charges:
            company.aftermath.complain(at, company.rng("complaint", at).choice(charges))

    def card_testing(self, at: int) -> None:
        """Somebody tries stolen cards: a burst of small payments, nearly all declined."""
        company, charges = self.company, []
        for number in range(CARD_TESTS):
            rng = company.rng("card testing", at, number)
            when = at + number * 7
            method = company.store.put(guest_method(company.ids, rng, when))
            guest = Customer({"address": {"country": "US", "state": None}}, "usd", method)
            intent = company.payments.intent(when, None, 100, "usd")
            decline = None
            if number % 22 != 21:
                decline = rng.choice(("fraudulent", "incorrect_cvc", "generic_decline"))
            charge = company.payments.attempt(when, guest, intent, rng, decline)
            charges.append(charge["id"])
            if decline is None:
                company.plan(when + DAY, partial(self._warn, charge))
        company.planted.note("card_testing", *charges)

    def _warn(self, charge: Object, at: int) -> None:
        payments = self.company.payments
        payments.fraud_warning(at, charge)
        payments.refund(at + 600, charge, charge["amount"], "fraudulent")

    def goodwill(self, at: int) -> None:
        """A credit of five on the next invoice for somebody who had reason to complain."""
        company = self.company
        running = [s.customer for s in company.running.values() if s.customer.currency != "jpy"]
        if running:
            customer = company.rng("goodwill", at).choice(running)
            company.invoicing.move_balance(at, customer.obj, -500, "adjustment")

    def credit_note(self, at: int) -> None:
        """Credit a part of a recent paid invoice, to the card or to the customer's balance."""
        company = self.company
        paid = [invoice for invoice in company.store.all("invoice")[-120:]
                if invoice["status"] == "paid" and invoice["amount_paid"] > 1000
                and not invoice["post_payment_credit_notes_amount"]]  # fmt: skip
        to_balance = CREDIT_NOTE_DAYS.index(company.number) % 2 == 1
        for invoice in reversed(paid):
            if credit_line(company, at, invoice, to_balance=to_balance) is not None:
                break
