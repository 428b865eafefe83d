"""Invoices: drafts of lines, finalising, the customer's balance, payment, voiding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.lines import Line
from heirpay_pipelines.sandbox.company.templates import blank, empty_list
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
DUE_DAYS = 30


# The company's number in the EU's one-stop shop, of which each invoice tells.
SELLER_TAX_ID = "txi_1HeirPaySandboxSeller00"


def register_seller(store: Store, at: int) -> None:
    """Keep the company's own tax id."""
    owner = {"type": "self", "account": None, "application": None, "customer": None,
             "customer_account": None}  # fmt: skip
    store.put(
        blank(
            "tax_id", id=SELLER_TAX_ID, created=at, livemode=False, owner=owner,
            type="eu_oss_vat", value="EU372022454",
        )
    )  # fmt: skip


class Invoicing:
    """Makes invoices whose totals follow from their lines."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids
        self._payments: dict[str, list[Object]] = {}

    def issue(
        self, at: int, customer: Customer, lines: Sequence[Line], reason: str,
        subscription: Object | None = None, discounts: Sequence[str] = (),
        *, send: bool = False,
    ) -> Object:  # fmt: skip
        """Draft an invoice and finalise it at once."""
        invoice = self.draft(at, customer, lines, reason, subscription, discounts, send=send)
        self.finalise(at, customer, invoice)
        return invoice

    def draft(
        self, at: int, customer: Customer, lines: Sequence[Line], reason: str,
        subscription: Object | None = None, discounts: Sequence[str] = (),
        *, send: bool = False,
    ) -> Object:  # fmt: skip
        """A draft with these lines; with `send` the customer gets it by mail and pays by hand."""
        id = self.ids.new("in")
        currency = customer.currency
        objects = [self._line(at, id, line, customer, subscription) for line in lines]
        parent = subscription and {
            "type": "subscription_details", "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": subscription["id"]},
        }  # fmt: skip
        invoice = blank(
            "invoice", id=id, account_country="US", account_name="Meridian Software Inc",
            account_tax_ids=[SELLER_TAX_ID],
            amount_overpaid=0, amount_paid=0, amount_shipping=0, attempt_count=0, attempted=False,
            auto_advance=True,
            automatic_tax={"enabled": False, "disabled_reason": None, "liability": None,
                           "provider": None, "status": None},
            billing_reason=reason,
            collection_method="send_invoice" if send else "charge_automatically", created=at,
            currency=currency, customer=customer.id, customer_address=customer.obj["address"],
            customer_email=customer.obj["email"], customer_name=customer.obj["name"],
            customer_tax_exempt=customer.obj["tax_exempt"],
            customer_tax_ids=[{"type": t["type"], "value": t["value"]}
                              for t in customer.tax_ids],
            default_tax_rates=[], discounts=list(discounts),
            due_date=at + DUE_DAYS * DAY if send else None, issuer={"type": "self"},
            lines=empty_list(f"/v1/invoices/{id}/lines", objects), livemode=False, metadata={},
            parent=parent,
            payment_settings={"default_mandate": None, "payment_method_options": None,
                              "payment_method_types": None},
            period_start=min(x.start for x in lines), period_end=max(x.end for x in lines),
            post_payment_credit_notes_amount=0, pre_payment_credit_notes_amount=0,
            starting_balance=int(customer.obj["balance"]), status="draft",
            status_transitions={"finalized_at": None, "marked_uncollectible_at": None,
                                "paid_at": None, "voided_at": None},
            **_totals(lines),
        )  # fmt: skip
        due = _due(invoice["total"], invoice["starting_balance"])
        invoice.update(amount_due=due, amount_remaining=due)
        return keep(self.store, at, "invoice.created", invoice)

    def finalise(self, at: int, customer: Customer, invoice: Object) -> None:
        """Number the invoice and let the customer's balance pay first; what is left is due."""
        number = int(customer.obj["next_invoice_sequence"])
        customer.obj["next_invoice_sequence"] = number + 1
        start = int(customer.obj["balance"])
        due = _due(invoice["total"], start)
        # What the invoice takes from the balance (a credit is negative), or adds to it.
        used = invoice["total"] - due
        change(
            self.store, at, "invoice.finalized", invoice, status="open", effective_at=at,
            number=f"{customer.obj['invoice_prefix']}-{number:04d}", starting_balance=start,
            ending_balance=start + used, amount_due=due, amount_remaining=due,
            status_transitions=invoice["status_transitions"] | {"finalized_at": at},
        )  # fmt: skip
        if used:
            self.move_balance(at, customer.obj, used, "applied_to_invoice", invoice=invoice["id"])

    def move_balance(
        self, at: int, customer: Object, amount: int, kind: str, **source: Any
    ) -> Object:
        """Change a customer's balance; a credit is negative."""
        ending = int(customer["balance"]) + amount
        entry = blank(
            "customer_balance_transaction", id=self.ids.new("cbtxn"), amount=amount, created=at,
            currency=customer["currency"], customer=customer["id"], ending_balance=ending,
            livemode=False, metadata={}, type=kind, **source,
        )  # fmt: skip
        self.store.put(entry)
        change(self.store, at, "customer.updated", customer, balance=ending)
        return entry

    def _line(
        self, at: int, invoice: str, line: Line, customer: Customer, subscription: Object | None
    ) -> Object:
        if subscription is not None and line.item is not None:
            of_item = {"invoice_item": None, "proration": line.proration,
                       "proration_details": {"credited_items": None},
                       "subscription": subscription["id"],
                       "subscription_item": line.item}  # fmt: skip
            parent = {"type": "subscription_item_details", "invoice_item_details": None,
                      "subscription_item_details": of_item}  # fmt: skip
        else:
            item = self._invoice_item(at, invoice, line, customer)
            by_hand = {"invoice_item": item["id"], "proration": False,
                       "proration_details": {"credited_items": None},
                       "subscription": None}  # fmt: skip
            parent = {"type": "invoice_item_details", "invoice_item_details": by_hand,
                      "subscription_item_details": None}  # fmt: skip
        return blank(
            "line_item", id=self.ids.new("il"), amount=line.amount, currency=customer.currency,
            description=line.description,
            discount_amounts=[{"amount": a, "discount": d} for d, a in line.discounts],
            discountable=line.discountable, discounts=[d for d, _ in line.discounts],
            invoice=invoice, livemode=False, metadata={}, parent=parent,
            period={"start": line.start, "end": line.end}, pretax_credit_amounts=[],
            pricing=_pricing(line), quantity=line.quantity,
            subscription=subscription["id"] if subscription else None, subtotal=line.amount,
            taxes=line.taxes,
        )  # fmt: skip

    def _invoice_item(self, at: int, invoice: str, line: Line, customer: Customer) -> Object:
        item = blank(
            "invoiceitem", id=self.ids.new("ii"), amount=line.amount, currency=customer.currency,
            customer=customer.id, date=at, description=line.description, discountable=True,
            discounts=[], invoice=invoice, livemode=False, metadata={},
            period={"start": line.start, "end": line.end}, pricing=_pricing(line),
            proration=False, quantity=line.quantity, quantity_decimal=str(line.quantity),
            tax_rates=[],
        )  # fmt: skip
        return keep(self.store, at, "invoiceitem.created", item)

    def expect_payment(self, at: int, invoice: Object, intent: Object) -> Object:
        """The invoice payment that stands open until its payment intent succeeds."""
        payment = blank(
            "invoice_payment", id=self.ids.new("inpay"), amount_requested=intent["amount"],
            created=at, currency=invoice["currency"], invoice=invoice["id"], is_default=True,
            livemode=False, status="open",
            payment={"type": "payment_intent", "payment_intent": intent["id"]},
            status_transitions={"canceled_at": None, "paid_at": None},
        )  # fmt: skip
        self._payments.setdefault(invoice["id"], []).append(payment)
        return self.store.put(payment)

    def paid(self, at: int, invoice: Object, payment: Object | None) -> None:
        """Mark the invoice paid by an invoice payment; by none when nothing was due."""
        if payment is not None:
            change(
                self.store, at, "invoice_payment.paid", payment, status="paid",
                amount_paid=payment["amount_requested"],
                status_transitions=payment["status_transitions"] | {"paid_at": at},
            )  # fmt: skip
        change(
            self.store, at, "invoice.paid", invoice, status="paid",
            amount_paid=invoice["amount_due"], amount_remaining=0, attempted=True,
            attempt_count=invoice["attempt_count"] + (1 if payment else 0), auto_advance=False,
            next_payment_attempt=None,
            status_transitions=invoice["status_transitions"] | {"paid_at": at},
        )  # fmt: skip
        self.store.emit("invoice.payment_succeeded", invoice, at)

    def void(self, at: int, customer: Object, invoice: Object) -> None:
        """Void an open invoice; what it took from the customer's balance goes back."""
        change(
            self.store, at, "invoice.voided", invoice, status="void", auto_advance=False,
            status_transitions=invoice["status_transitions"] | {"voided_at": at},
        )  # fmt: skip
        for payment in self.payments_of(invoice):
            payment.update(
                status="canceled",
                status_transitions=payment["status_transitions"] | {"canceled_at": at},
            )
            self.store.put(payment)
        if used := invoice["ending_balance"] - invoice["starting_balance"]:
            self.move_balance(
                at, customer, -used, "unapplied_from_invoice", invoice=invoice["id"]
            )  # fmt: skip

    def write_off(self, at: int, invoice: Object) -> None:
        """Give up on an open invoice: it can still be paid."""
        change(
            self.store, at, "invoice.marked_uncollectible", invoice, status="uncollectible",
            auto_advance=False, next_payment_attempt=None,
            status_transitions=invoice["status_transitions"] | {"marked_uncollectible_at": at},
        )  # fmt: skip

    def payments_of(self, invoice: Object) -> list[Object]:
        """The invoice's payments, newest last."""
        return self._payments.get(invoice["id"], [])


def _due(total: int, balance: int) -> int:
    """What is to be paid of a total when the customer's balance (a credit is negative) is used."""
    return max(total + balance, 0) if total > 0 else 0


def _pricing(line: Line) -> Object | None:
    if line.price is None:
        return None
    return {
        "type": "price_details", "unit_amount_decimal": line.price["unit_amount_decimal"],
        "price_details": {"price": line.price["id"], "product": line.price["product"]},
    }  # fmt: skip


def _totals(lines: Sequence[Line]) -> Object:
    subtotal = sum(line.amount for line in lines)
    off: dict[str, int] = {}
    for discount, amount in (pair for line in lines for pair in line.discounts):
        off[discount] = off.get(discount, 0) + amount
    taxes = [tax for line in lines for tax in line.taxes]
    exclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    inclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    total = subtotal - sum(off.values()) + exclusive
    return {
        "subtotal": subtotal, "subtotal_excluding_tax": subtotal - inclusive, "total": total,
        "total_excluding_tax": total - exclusive - inclusive,
        "total_discount_amounts": [{"amount": a, "discount": d} for d, a in off.items()],
        "total_taxes": total_taxes(taxes),
    }  # fmt: skip


def total_taxes(taxes: Sequence[Object]) -> list[Object]:
    """The lines' taxes added up by rate, behaviour and reason."""
    totals: dict[tuple[str, str, str], Object] = {}
    for tax in taxes:
        rate = tax["tax_rate_details"]["tax_rate"]
        key = (rate, tax["tax_behavior"], tax["taxability_reason"])
        if key not in totals:
            totals[key] = tax | {"amount": 0, "taxable_amount": 0}
        totals[key]["amount"] += tax["amount"]
        totals[key]["taxable_amount"] += tax["taxable_amount"]
    return list(totals.values())
