"""The planted problems: what the demo's report must find. `planted.yaml` describes them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.customers import Customer, add_tax_id
from heirpay_pipelines.sandbox.company.invoicing import Line
from heirpay_pipelines.sandbox.company.platform import FAILED_PAYOUT_FROM_DAY
from heirpay_pipelines.sandbox.company.subscriptions import Subscription

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
TEST_CARD = "4242 4242 4242 4242"
BAD_VAT_ID = "DE136695970"
FIRST_DAY = 505
"""From this day of the company's life on, a problem a day."""


class Planted:
    """One problem on each of a few days. Each marks its object's metadata with nothing: the
    pipeline has to find it."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.found: dict[str, list[str]] = {}
        self._wrong: set[str] = set()

    def day(self) -> None:
        company, number = self.company, self.company.number
        noon = company.day + DAY // 2
        problems = (
            self.duplicate_charge, self.paid_without_payment, self.payment_without_invoice,
            self.invoice_total, self.charge_amount, self.tax_total, self.card_number,
            self.bad_vat_id, self.wrong_vat_rate,
        )  # fmt: skip
        if 0 <= number - FIRST_DAY < len(problems):
            company.plan(noon + 900, problems[number - FIRST_DAY])
        if number == FAILED_PAYOUT_FROM_DAY:
            company.plan(noon + 960, self.failed_payout)

    def wrong_rate(self, subscription: Subscription) -> str | None:
        """The rate to charge instead of the right one, for the subscription it was planted on."""
        return "FR" if subscription.id in self._wrong else None

    def _buyer(self, currency: str = "usd") -> Customer:
        return next(c for c in self.company.customers if c.currency == currency
                    and c.method["type"] == "card" and not c.business)  # fmt: skip

    def _note(self, kind: str, *ids: str) -> None:
        self.found.setdefault(kind, []).extend(ids)

    def duplicate_charge(self, at: int) -> None:
        """The same customer is charged the same amount twice within seconds."""
        company, buyer = self.company, self._buyer()
        ids = []
        for second in (0, 40):
            intent = company.payments.intent(at + second, buyer, 7_700, "usd")
            rng = company.rng("duplicate", second)
            ids.append(company.payments.attempt(at + second, buyer, intent, rng, None)["id"])
        self._note("duplicate_charge", *ids)

    def _manual(self, at: int, buyer: Customer, amount: int, text: str) -> Object:
        company = self.company
        lines = [Line(None, 1, amount, at, at, text)]
        company.invoicing.tax(buyer, lines)
        return company.invoicing.finalise(at, buyer, lines, "manual")

    def paid_without_payment(self, at: int) -> None:
        """An invoice says paid, and nothing paid it."""
        invoice = self._manual(at, self._buyer(), 18_000, "Onboarding")
        self.company.invoicing.paid(at + 5, invoice, None)
        self._note("invoice_paid_without_payment", invoice["id"])

    def payment_without_invoice(self, at: int) -> None:
        """An invoice payment refers to an invoice that is still open."""
        company, buyer = self.company, self._buyer()
        invoice = self._manual(at, buyer, 9_100, "Audit support")
        intent = company.payments.intent(at + 5, buyer, invoice["amount_due"], "usd")
        rng = company.rng("without invoice")
        charge = company.payments.attempt(at + 5, buyer, intent, rng, None)
        company.invoicing.paid(at + 6, invoice, intent)
        before = {"status": "paid"}
        invoice.update(status="open", amount_paid=0, amount_remaining=invoice["amount_due"])
        company.store.put(invoice)
        company.store.emit("invoice.updated", invoice, at + 7, before)
        self._note("payment_without_invoice", charge["id"], invoice["id"])

    def invoice_total(self, at: int) -> None:
        """A total that its lines do not add up to."""
        invoice = self._manual(at, self._buyer(), 6_000, "Training")
        invoice["total"] += 500
        self.company.store.put(invoice)
        self.company.store.emit("invoice.updated", invoice, at, {"total": invoice["total"] - 500})
        self._note("invoice_total_mismatch", invoice["id"])

    def charge_amount(self, at: int) -> None:
        """A charge whose balance transaction has another amount."""
        company, buyer = self.company, self._buyer()
        intent = company.payments.intent(at, buyer, 12_300, "usd")
        charge = company.payments.attempt(at, buyer, intent, company.rng("amount"), None)
        charge["amount"] = charge["amount_captured"] = 13_200
        company.store.put(charge)
        company.store.emit("charge.updated", charge, at + 1, {"amount": 12_300})
        self._note("charge_amount_mismatch", charge["id"])

    def tax_total(self, at: int) -> None:
        """An invoice whose total tax is not the sum of its lines' tax."""
        buyer = next(c for c in self.company.customers if c.tax_places and c.currency == "usd"
                     and not c.exempt)  # fmt: skip
        invoice = self._manual(at, buyer, 20_000, "Integration")
        before = {"total_taxes": copy.deepcopy(invoice["total_taxes"])}
        invoice["total_taxes"][0]["amount"] += 111
        self.company.store.put(invoice)
        self.company.store.emit("invoice.updated", invoice, at + 1, before)
        self._note("tax_total_mismatch", invoice["id"])

    def card_number(self, at: int) -> None:
        """Somebody typed a card number into a customer's description."""
        customer = self._buyer().obj
        before = {"description": customer["description"]}
        customer["description"] = f"Paid by phone, card {TEST_CARD}"
        self.company.store.put(customer)
        self.company.store.emit("customer.updated", customer, at, before)
        self._note("card_number", customer["id"])

    def bad_vat_id(self, at: int) -> None:
        """A VAT id whose checksum is wrong."""
        customer = next(c for c in self.company.customers if c.country == "DE").obj
        tax_id = add_tax_id(self.company.store, self.company.ids, customer, at, BAD_VAT_ID)
        self._note("bad_vat_id", tax_id["id"])

    def wrong_vat_rate(self, at: int) -> None:
        """A German consumer is charged the French rate."""
        company = self.company
        buyer = next(c for c in company.customers if c.country == "DE" and not c.business)
        lines = [Line(None, 1, 10_000, at, at, "Course")]
        company.invoicing.tax(buyer, lines, "FR")
        invoice = company.invoicing.finalise(at, buyer, lines, "manual")
        self._note("wrong_vat_rate", invoice["id"])

    def failed_payout(self, at: int) -> None:
        """The next payout in dollars that is still under way comes back from the bank."""
        company = self.company
        waiting = [p for p in company.books.in_transit if p["currency"] == "usd"]
        if waiting:
            company.failing_payouts.add(waiting[-1]["id"])
            self._note("payout_failed", waiting[-1]["id"])
        else:
            company.plan(at + DAY, self.failed_payout)
