"""Sales beside subscriptions: payments without invoice, manual invoices, drafts, credit notes."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.credit import credit_line, void_credit_note
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.lines import Line, tax
from heirpay_pipelines.sandbox.company.payments import DEBIT_DAYS, DEBITS

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
SERVICES = ("Workshop", "Data migration", "Audit support", "Custom report", "On-site training")
AMOUNTS = {"kwd": (15_000, 49_000), "jpy": (3_000, 9_800)}
MANY_LINES = (11, 24)
HANDBOOKS = {"GB": ("handbook_gbp", "GB-zero", "zero_rated"),
             "DE": ("handbook_eur", "DE-reduced", "reduced_rated"),
             "FR": ("handbook_eur", "FR-reduced", "reduced_rated")}  # fmt: skip


class OneOffs:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def sell(self, customer: Customer, at: int) -> None:
        """Something that is bought once, in one of the ways in which that can be paid."""
        rng = self.company.rng("once", customer.id, at)
        draw = rng.random()
        if draw < 0.18:
            self._invoice(at, customer, rng)
        elif draw < 0.30 and customer.country in HANDBOOKS and not customer.reverse_charge:
            self._handbook(at, customer)
        elif draw < 0.35 and customer.method["type"] == "card":
            self._capture_later(at, customer, rng)
        else:
            self._payment(at, customer, rng)

    def _payment(self, at: int, customer: Customer, rng: Random) -> None:
        company = self.company
        amount = rng.choice(AMOUNTS.get(customer.currency, (1500, 4900, 12000)))
        saved = "off_session" if rng.random() < 0.2 else None
        intent = company.payments.intent(
            at, customer, amount, customer.currency, setup_future_usage=saved,
            **company.taxed_payments.hooks(customer, at),
        )  # fmt: skip
        decline = None
        if customer.method["type"] == "card":
            decline = company.luck.decline(rng, customer.id, 0, one_off=True)
        charge = company.payments.attempt(at + 2, customer, intent, rng, decline)
        if charge["payment_method_details"]["type"] in DEBITS:
            company.plan(at + DEBIT_DAYS * DAY, partial(self._debited, customer, intent, charge))
        elif decline is None:
            company.taxed_payments.paid(at + 3, customer, intent)
            company.aftermath.follow(at + 2, charge, rng)

    def _debited(self, customer: Customer, intent: Object, charge: Object, at: int) -> None:
        self.company.payments.debit_succeeds(at, intent, charge)
        self.company.taxed_payments.paid(at + 1, customer, intent)

    def _capture_later(self, at: int, customer: Customer, rng: Random) -> None:
        """Authorise now, capture tomorrow, sometimes less than was authorised."""
        company = self.company
        amount = AMOUNTS.get(customer.currency, (12_000,))[0]
        intent = company.payments.intent(
            at, customer, amount, customer.currency, capture_method="manual"
        )
        charge = company.payments.attempt(at + 2, customer, intent, rng, None)
        taken = amount * 3 // 4 if rng.random() < 0.4 else amount
        company.plan(at + DAY, lambda when: company.payments.capture(when, intent, charge, taken))

    def _handbook(self, at: int, customer: Customer) -> None:
        """Books have a tax rate of their own in some countries."""
        company = self.company
        name, place, reason = HANDBOOKS[customer.country]
        price = company.catalog.prices[name]
        lines = [Line(price, 1, price["unit_amount"], at, at, "Handbook")]
        tax(lines, [(company.catalog.rates[place], reason)])
        invoice = company.invoicing.issue(at, customer, lines, "manual")
        company.collecting.start(at + 5, invoice, customer, None)

    def _invoice(self, at: int, customer: Customer, rng: Random) -> None:
        """A manual invoice: drafted, finalised two days later, charged or paid by hand."""
        company = self.company
        count = rng.randint(*MANY_LINES) if rng.random() < 0.25 else rng.randint(1, 3)
        amounts = AMOUNTS.get(customer.currency, (1500, 4900, 12000))
        lines = [
            Line(None, 1, rng.choice(amounts), at, at, f"{rng.choice(SERVICES)} {number}")
            for number in range(1, count + 1)
        ]
        tax(lines, company.rates_of(customer))
        send = customer.business and rng.random() < 0.5
        invoice = company.invoicing.draft(at, customer, lines, "manual", send=send)
        company.plan(at + 2 * DAY, partial(self._finalise, customer, invoice, rng.random()))

    def _finalise(self, customer: Customer, invoice: Object, draw: float, at: int) -> None:
        company = self.company
        company.invoicing.finalise(at, customer, invoice)
        if draw < 0.06:
            company.plan(at + DAY, lambda when: company.invoicing.void(when, customer.obj, invoice))
        elif invoice["collection_method"] == "charge_automatically":
            company.collecting.start(at + 5, invoice, customer, None)
        elif draw < 0.12:
            company.plan(at + 95 * DAY, partial(self._write_off, invoice))
        else:
            self._sent(at, customer, invoice, draw)

    def _sent(self, at: int, customer: Customer, invoice: Object, draw: float) -> None:
        """The customer has the invoice: pays it in time, late, or after a line was credited."""
        company = self.company
        if draw < 0.45:
            company.plan(at + 3 * DAY, lambda when: _credit(company, when, invoice, draw < 0.2))
        days = 10 + int(draw * 40)
        company.plan(at + days * DAY, partial(self._pay, customer, invoice))

    def _pay(self, customer: Customer, invoice: Object, at: int) -> None:
        if invoice["status"] == "open":
            self.company.collecting.start(at, invoice, customer, None)

    def _write_off(self, invoice: Object, at: int) -> None:
        if invoice["status"] == "open":
            self.company.invoicing.write_off(at, invoice)


def _credit(company: Company, at: int, invoice: Object, taken_back: bool) -> None:
    if invoice["status"] != "open" or len(invoice["lines"]["data"]) < 2:
        return
    note = credit_line(company, at, invoice)
    if note is not None and taken_back and invoice["status"] == "open":
        void_credit_note(company, at + 3_600, note, invoice)
