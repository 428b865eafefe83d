"""Stripe Tax on payments without invoice: a calculation goes into the intent, and with the payment
and each refund Stripe records a tax transaction. No list serves these; their association does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.templates import blank, empty_list

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
PLACES = ("DE", "FR", "ES", "IE", "GB")
SHARE = 0.5
TAX_CODE = "txcd_20030000"  # services


class TaxedPayments:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def hooks(self, customer: Customer, at: int) -> Object:
        """Fields of an intent whose price includes a tax that Stripe calculated; none for those
        that the company sells to without."""
        company = self.company
        taxable = customer.country in PLACES and not customer.reverse_charge and not customer.exempt
        if not taxable or company.rng("taxed", customer.id, at).random() >= SHARE:
            return {}
        return {"hooks": {"inputs": {"tax": {"calculation": company.ids.new("taxcalc")}}}}

    def paid(self, at: int, customer: Customer, intent: Object) -> None:
        """Record the tax of a payment that succeeded, when it has one."""
        if not intent.get("hooks"):
            return
        ids, store = self.company.ids, self.company.store
        rate, _ = self.company.rates_of(customer)[0]
        percentage = round(rate["percentage"])
        # Half up, in integers: the part of a gross amount that is tax.
        tax = (2 * intent["amount"] * percentage + 100 + percentage) // (2 * (100 + percentage))
        transaction = self._transaction(
            at, customer, intent["id"], intent["currency"], intent["amount"], tax
        )
        association = blank(
            "tax.association", id=ids.new("taxa"), payment_intent=intent["id"],
            calculation=intent["hooks"]["inputs"]["tax"]["calculation"],
            tax_transaction_attempts=[_attempt(intent["id"], transaction)],
        )  # fmt: skip
        store.put(association)

    def refunded(self, at: int, refund: Object) -> None:
        """Take the tax of a refund back, when its payment had one."""
        store = self.company.store
        for association in store.having(
            "tax.association", "payment_intent", str(refund["payment_intent"])
        ):
            attempts = association["tax_transaction_attempts"]
            original = store.get("tax.transaction", attempts[0]["committed"]["transaction"])
            line = original["line_items"]["data"][0]
            tax = (2 * line["amount_tax"] * refund["amount"] + line["amount"]) // (
                2 * line["amount"]
            )
            reversal = self._reversal(at, refund, original, line, tax)
            store.put(
                association
                | {"tax_transaction_attempts": [*attempts, _attempt(refund["id"], reversal)]}
            )

    def _transaction(
        self, at: int, customer: Customer, reference: str, currency: str, amount: int, tax: int
    ) -> Object:
        names = ("city", "country", "line1", "line2", "postal_code", "state")
        address = {name: customer.obj["address"].get(name) for name in names}
        details: Object = {"address": address, "address_source": "billing", "ip_address": None,
                   "tax_ids": [], "taxability_override": "none"}  # fmt: skip
        return self._put(
            at, "transaction", reference, currency, amount, tax, None,
            customer=customer.id, customer_details=details, reversal=None, tax_date=at,
        )  # fmt: skip

    def _reversal(
        self, at: int, refund: Object, original: Object, line: Object, tax: int
    ) -> Object:
        return self._put(
            at, "reversal", refund["id"], refund["currency"], -refund["amount"], -tax, line["id"],
            customer=original["customer"], customer_details=original["customer_details"],
            reversal={"original_transaction": original["id"]}, tax_date=original["tax_date"],
        )  # fmt: skip

    def _put(
        self, at: int, kind: str, reference: str, currency: str, amount: int, tax: int,
        original_line: str | None, **fields: Any,
    ) -> Object:  # fmt: skip
        ids = self.company.ids
        id = ids.new("tax")
        line = {
            "id": ids.new("tax_li"), "object": "tax.transaction_line_item", "amount": amount,
            "amount_tax": tax, "livemode": False, "metadata": {}, "product": None, "quantity": 1,
            "reference": "L1", "tax_behavior": "inclusive", "tax_code": TAX_CODE, "type": kind,
            "reversal": {"original_line_item": original_line} if original_line else None,
        }  # fmt: skip
        transaction = blank(
            "tax.transaction", id=id, created=at, currency=currency, livemode=False, metadata={},
            posted_at=at, reference=reference, type=kind,
            line_items=empty_list(f"/v1/tax/transactions/{id}/line_items", [line]), **fields,
        )  # fmt: skip
        return self.company.store.put(transaction)


def _attempt(source: str, transaction: Object) -> Object:
    return {
        "source": source,
        "status": "committed",
        "committed": {"transaction": transaction["id"]},
    }
