"""The planted problems: what the demo's report must find. `planted.yaml` describes them.

Nothing in the objects says that they were planted. `Planted.found` has their ids.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change
from heirpay_pipelines.sandbox.company.customers import Customer, add_tax_id
from heirpay_pipelines.sandbox.company.lines import Line, tax

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
# A test number, published for that purpose: no card's.
TEST_CARD = "4242 4242 4242 4242"
BAD_VAT_ID = "DE136695970"
FIRST_DAY = 505
"""From this day of the company's life on, a problem a day."""
FAILED_PAYOUT_FROM_DAY = 500


class Planted:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.found: dict[str, list[str]] = {}

    def day(self) -> None:
        company, number = self.company, self.company.number
        problems = (
            self.duplicate_charge, self.paid_without_payment, self.payment_without_invoice,
            self.invoice_total, self.charge_amount, self.tax_total, self.card_number,
            self.bad_vat_id, self.wrong_vat_rate, self.no_seller_tax_id,
        )  # fmt: skip
        if 0 <= number - FIRST_DAY < len(problems):
            company.plan(company.day + DAY // 2 + 900, problems[number - FIRST_DAY])
        if number == FAILED_PAYOUT_FROM_DAY:
            company.plan(company.day + DAY // 2 + 960, self.failed_payout)

    def _buyer(self) -> Customer:
        """A consumer in Oregon or Texas … who pays in dollars by card."""
        return next(c for c in self.company.customers if c.currency == "usd"
                    and c.method["type"] == "card" and not c.business)  # fmt: skip

    def note(self, kind: str, *ids: str) -> None:
        self.found.setdefault(kind, []).extend(ids)

    def _manual(self, at: int, buyer: Customer, amount: int, text: str) -> Object:
        lines = [Line(None, 1, amount, at, at, text)]
        tax(lines, self.company.rates_of(buyer))
        return self.company.invoicing.issue(at, buyer, lines, "manual")

    def _update(self, at: int, obj: Object, **fields: Any) -> None:
        change(self.company.store, at, f"{obj['object']}.updated", obj, **fields)

    def duplicate_charge(self, at: int) -> None:
        """The same customer is charged the same amount twice within seconds."""
        company, buyer = self.company, self._buyer()
        ids = []
        for second in (0, 40):
            intent = company.payments.intent(at + second, buyer, 7_700, "usd")
            rng = company.rng("duplicate", second)
            ids.append(company.payments.attempt(at + second, buyer, intent, rng, None)["id"])
        self.note("duplicate_charge", *ids)

    def paid_without_payment(self, at: int) -> None:
        """An invoice says paid, and nothing paid it."""
        invoice = self._manual(at, self._buyer(), 18_000, "Onboarding")
        self.company.invoicing.paid(at + 5, invoice, None)
        self.note("invoice_paid_without_payment", invoice["id"])

    def payment_without_invoice(self, at: int) -> None:
        """An invoice was paid, and says that it is open."""
        company, buyer = self.company, self._buyer()
        invoice = self._manual(at, buyer, 9_100, "Audit support")
        intent = company.payments.intent(at + 5, buyer, invoice["amount_due"], "usd")
        payment = company.invoicing.expect_payment(at + 5, invoice, intent)
        rng = company.rng("without invoice")
        charge = company.payments.attempt(at + 5, buyer, intent, rng, None)
        company.invoicing.paid(at + 6, invoice, payment)
        self._update(
            at + 7, invoice, status="open", amount_paid=0, amount_remaining=invoice["amount_due"],
            status_transitions=invoice["status_transitions"] | {"paid_at": None},
        )  # fmt: skip
        self.note("payment_without_invoice", charge["id"], invoice["id"])

    def invoice_total(self, at: int) -> None:
        """A total that its lines do not add up to."""
        invoice = self._manual(at, self._buyer(), 6_000, "Training")
        self._update(at + 1, invoice, total=invoice["total"] + 500)
        self.note("invoice_total_mismatch", invoice["id"])

    def charge_amount(self, at: int) -> None:
        """A charge whose balance transaction has another amount."""
        company, buyer = self.company, self._buyer()
        intent = company.payments.intent(at, buyer, 12_300, "usd")
        charge = company.payments.attempt(at, buyer, intent, company.rng("amount"), None)
        self._update(at + 1, charge, amount=13_200, amount_captured=13_200)
        self.note("charge_amount_mismatch", charge["id"])

    def tax_total(self, at: int) -> None:
        """An invoice whose total tax is not the sum of its lines' tax."""
        buyer = next(c for c in self.company.customers if c.currency == "usd"
                     and not c.exempt and any(r["percentage"] for r, _ in
                                              self.company.rates_of(c)))  # fmt: skip
        invoice = self._manual(at, buyer, 20_000, "Integration")
        taxes = copy.deepcopy(invoice["total_taxes"])
        taxes[0]["amount"] += 111
        self._update(at + 1, invoice, total_taxes=taxes)
        self.note("tax_total_mismatch", invoice["id"])

    def card_number(self, at: int) -> None:
        """Somebody typed a card number into a customer's description."""
        customer = self._buyer().obj
        self._update(at, customer, description=f"Paid by phone, card {TEST_CARD}")
        self.note("card_number", customer["id"])

    def bad_vat_id(self, at: int) -> None:
        """A VAT id whose checksum is wrong."""
        customer = next(c for c in self.company.customers if c.country == "DE" and c.business)
        company = self.company
        tax_id = add_tax_id(company.store, company.ids, customer, at, "eu_vat", BAD_VAT_ID)
        self.note("bad_vat_id", tax_id["id"])

    def wrong_vat_rate(self, at: int) -> None:
        """A German consumer is charged the French rate, as if it were Germany's."""
        company = self.company
        buyer = next(c for c in company.customers if c.country == "DE" and not c.business)
        lines = [Line(None, 1, 10_000, at, at, "Course")]
        tax(lines, [(company.catalog.rates["FR"], "standard_rated")])
        invoice = company.invoicing.issue(at, buyer, lines, "manual")
        company.collecting.start(at + 5, invoice, buyer, None)
        self.note("wrong_vat_rate", invoice["id"])

    def no_seller_tax_id(self, at: int) -> None:
        """An invoice with German VAT does not tell the seller's tax id."""
        company = self.company
        buyer = next(c for c in company.customers if c.country == "DE" and not c.business)
        lines = [Line(None, 1, 5_000, at, at, "Book")]
        tax(lines, company.rates_of(buyer))
        invoice = company.invoicing.issue(at, buyer, lines, "manual")
        self._update(at + 1, invoice, account_tax_ids=None)
        company.collecting.start(at + 5, invoice, buyer, None)
        self.note("no_seller_tax_id", invoice["id"])

    def failed_payout(self, at: int) -> None:
        """The next payout in dollars that is still under way comes back from the bank."""
        company = self.company
        waiting = [payout for payout in company.books.in_transit
                   if payout["currency"] == "usd" and payout["amount"] > 0]  # fmt: skip
        if waiting:
            company.failing_payouts.add(waiting[-1]["id"])
            self.note("payout_failed", waiting[-1]["id"])
        else:
            company.plan(at + DAY, self.failed_payout)
