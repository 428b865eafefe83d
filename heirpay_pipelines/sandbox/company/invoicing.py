"""Invoices: lines, discounts, tax, totals, payment, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.sandbox.company.catalog import Catalog
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.money import rounded, share
from heirpay_pipelines.sandbox.company.templates import blank, empty_list
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


@dataclass
class Line:
    """What one line bills: amount before discount, its period, price and subscription item."""

    price: Object | None
    quantity: int
    amount: int
    start: int
    end: int
    description: str
    item: str | None = None
    proration: bool = False
    discounts: list[tuple[str, int]] = field(default_factory=list)
    taxes: list[Object] = field(default_factory=list)

    @property
    def net(self) -> int:
        return self.amount - sum(amount for _, amount in self.discounts)

    @property
    def inclusive(self) -> bool:
        return self.price is not None and self.price["tax_behavior"] == "inclusive"


class Invoicing:
    """Makes finalised invoices whose totals follow from their lines."""

    def __init__(self, store: Store, ids: Ids, catalog: Catalog) -> None:
        self.store, self.ids, self.catalog = store, ids, catalog

    def discount(self, lines: Sequence[Line], coupons: Sequence[tuple[str, Object]]) -> None:
        """Apply discounts in order, each to what the one before left; (discount id, coupon).

        A fixed amount is spread over the lines in proportion and never takes more than is there.
        """
        for discount_id, coupon in coupons:
            base = sum(line.net for line in lines if line.net > 0)
            fixed = min(coupon["amount_off"] or 0, base)
            spent = 0
            positive = [line for line in lines if line.net > 0]
            for line in positive:
                if coupon["percent_off"]:
                    amount = share(line.net, int(coupon["percent_off"] * 100), 10_000)
                else:
                    amount = fixed - spent if line is positive[-1] else share(fixed, line.net, base)
                    spent += amount
                line.discounts.append((discount_id, amount))

    def tax(self, customer: Customer, lines: Sequence[Line], wrong_rate: str | None = None) -> None:
        """Put the tax lines of the customer's place on each line."""
        for line in lines:
            if customer.reverse_charge:
                line.taxes = [self._tax_line(customer.country, line, 0, "reverse_charge")]
            elif customer.exempt and customer.tax_places:
                line.taxes = [self._tax_line(customer.tax_places[0], line, 0, "customer_exempt")]
            elif not customer.tax_places and customer.country == "US":
                line.taxes = []
            else:
                places = [wrong_rate] if wrong_rate else customer.tax_places
                line.taxes = [self._charged(place, line) for place in places]

    def _charged(self, place: str, line: Line) -> Object:
        percent = self.catalog.rates[place]["percentage"]
        basis = int(round(percent * 100))  # hundredths of a percent
        if line.inclusive:
            amount = line.net - rounded(_decimal(line.net) * 10_000 / (10_000 + basis))
        else:
            amount = rounded(_decimal(line.net) * basis / 10_000)
        return self._tax_line(place, line, amount, "standard_rated")

    def _tax_line(self, place: str, line: Line, amount: int, reason: str) -> Object:
        taxable = line.net - (amount if line.inclusive else 0)
        return {
            "amount": amount, "tax_behavior": "inclusive" if line.inclusive else "exclusive",
            "tax_rate_details": {"tax_rate": self.catalog.rates[place]["id"]},
            "taxability_reason": reason, "taxable_amount": taxable if amount else line.net,
            "type": "tax_rate_details",
        }  # fmt: skip

    def finalise(
        self, at: int, customer: Customer, lines: Sequence[Line], reason: str,
        subscription: Object | None = None, discounts: Sequence[str] = (), status: str = "open",
    ) -> Object:  # fmt: skip
        """Store a finalised (or draft) invoice with these lines and emit its events."""
        id = self.ids.new("in")
        currency = customer.currency
        objects = [self._line(id, line, currency, subscription) for line in lines]
        subtotal = sum(line.amount for line in lines)
        off = _by_key([(d, a) for line in lines for d, a in line.discounts])
        exclusive = sum(t["amount"] for x in lines for t in x.taxes if not x.inclusive)
        inclusive = sum(t["amount"] for x in lines for t in x.taxes if x.inclusive)
        total = subtotal - sum(off.values()) + exclusive
        start_balance = int(customer.obj["balance"])
        due = max(total + start_balance, 0) if total > 0 else 0
        number = int(customer.obj["next_invoice_sequence"])
        customer.obj["next_invoice_sequence"] = number + 1
        details = {"metadata": {}, "subscription": subscription["id"]} if subscription else None
        invoice = blank(
            "invoice", id=id, amount_due=due, amount_overpaid=0, amount_paid=0,
            amount_remaining=due, amount_shipping=0, attempt_count=0, attempted=False,
            auto_advance=status == "open",
            automatic_tax={"enabled": False, "disabled_reason": None, "liability": None,
                           "provider": None, "status": None},
            billing_reason=reason, collection_method="charge_automatically", created=at,
            currency=currency, customer=customer.id, customer_address=customer.obj["address"],
            customer_email=customer.obj["email"], customer_name=customer.obj["name"],
            customer_tax_exempt=customer.obj["tax_exempt"], account_country="US",
            account_name="Meridian Software Inc", account_tax_ids=None,
            customer_tax_ids=[{"type": t["type"], "value": t["value"]} for t in
                              self.store.all("tax_id") if t["customer"] == customer.id],
            default_tax_rates=[], discounts=list(discounts), effective_at=at,
            ending_balance=start_balance, id_number=None, issuer={"type": "self"},
            lines=empty_list(f"/v1/invoices/{id}/lines", objects), livemode=False, metadata={},
            number=f"{customer.obj['invoice_prefix']}-{number:04d}",
            parent={"type": "subscription_details", "quote_details": None,
                    "subscription_details": details} if details else None,
            payment_settings={"default_mandate": None, "payment_method_options": None,
                              "payment_method_types": None},
            period_start=min(x.start for x in lines), period_end=max(x.end for x in lines),
            post_payment_credit_notes_amount=0, pre_payment_credit_notes_amount=0,
            starting_balance=start_balance, status=status,
            status_transitions={"finalized_at": at if status == "open" else None,
                                "marked_uncollectible_at": None, "paid_at": None,
                                "voided_at": None},
            subtotal=subtotal, subtotal_excluding_tax=subtotal - inclusive, total=total,
            total_excluding_tax=total - exclusive - inclusive,
            total_discount_amounts=[{"amount": a, "discount": d} for d, a in off.items()],
            total_taxes=_total_taxes(lines),
        )  # fmt: skip
        del invoice["id_number"]
        self.store.put(invoice)
        self.store.emit("invoice.created", invoice, at)
        if status == "open":
            self.store.emit("invoice.finalized", invoice, at)
            self._use_balance(at, customer, invoice, total, due)
        return invoice

    def _use_balance(
        self, at: int, customer: Customer, invoice: Object, total: int, due: int
    ) -> None:
        """A credit balance pays first; a negative total becomes one."""
        change = total if total < 0 else due - total
        if change == 0:
            return
        used = -change if total >= 0 else total
        ending = int(customer.obj["balance"]) + used
        entry = blank(
            "customer_balance_transaction", id=self.ids.new("cbtxn"), amount=used, created=at,
            currency=invoice["currency"], customer=customer.id, ending_balance=ending,
            invoice=invoice["id"], livemode=False, metadata={},
            type="applied_to_invoice" if used > 0 else "adjustment",
        )  # fmt: skip
        self.store.put(entry)
        before = {"balance": customer.obj["balance"]}
        customer.obj["balance"] = ending
        invoice["ending_balance"] = ending
        self.store.put(customer.obj)
        self.store.put(invoice)
        self.store.emit("customer.updated", customer.obj, at, before)

    def _line(self, invoice: str, line: Line, currency: str, subscription: Object | None) -> Object:
        parent: Object | None = None
        if subscription is not None and line.item is not None:
            parent = {"type": "subscription_item_details", "invoice_item_details": None,
                      "subscription_item_details": {
                          "invoice_item": None, "proration": line.proration,
                          "proration_details": {"credited_items": None},
                          "subscription": subscription["id"], "subscription_item": line.item}}  # fmt: skip
        elif line.price is None:
            parent = {"type": "invoice_item_details", "subscription_item_details": None,
                      "invoice_item_details": {
                          "invoice_item": self.ids.new("ii"), "proration": False,
                          "proration_details": {"credited_items": None}, "subscription": None}}  # fmt: skip
        pricing = None
        if line.price is not None:
            pricing = {"type": "price_details", "unit_amount_decimal":
                       line.price["unit_amount_decimal"], "price_details": {
                           "price": line.price["id"], "product": line.price["product"]}}  # fmt: skip
        return blank(
            "line_item", id=self.ids.new("il"), amount=line.amount, currency=currency,
            description=line.description,
            discount_amounts=[{"amount": a, "discount": d} for d, a in line.discounts],
            discountable=True, discounts=[d for d, _ in line.discounts], invoice=invoice,
            livemode=False, metadata={}, parent=parent,
            period={"start": line.start, "end": line.end}, pretax_credit_amounts=[],
            pricing=pricing, quantity=line.quantity,
            subscription=subscription["id"] if subscription else None, subtotal=line.amount,
            taxes=line.taxes,
        )  # fmt: skip

    def paid(self, at: int, invoice: Object, intent: Object | None) -> None:
        """Mark the invoice paid, by a payment intent or, when nothing was due, by itself."""
        before = {"status": invoice["status"], "amount_paid": invoice["amount_paid"],
                  "amount_remaining": invoice["amount_remaining"]}  # fmt: skip
        if intent is not None:
            self.store.put(
                blank(
                    "invoice_payment",
                    id=self.ids.new("inpay"),
                    amount_paid=intent["amount"],
                    amount_requested=intent["amount"],
                    created=at,
                    currency=invoice["currency"],
                    invoice=invoice["id"],
                    is_default=True,
                    livemode=False,
                    payment={"type": "payment_intent", "payment_intent": intent["id"]},
                    status="paid",
                    status_transitions={"canceled_at": None, "paid_at": at},
                )  # fmt: skip
            )
        invoice.update(
            status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, attempted=True,
            attempt_count=invoice["attempt_count"] + (1 if intent else 0),
            status_transitions=invoice["status_transitions"] | {"paid_at": at},
            auto_advance=False, next_payment_attempt=None,
        )  # fmt: skip
        self.store.put(invoice)
        self.store.emit("invoice.paid", invoice, at, before)

    def close(self, at: int, invoice: Object, status: str) -> None:
        """Void an open invoice or write it off as uncollectible."""
        stamp = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
        before = {"status": invoice["status"]}
        invoice["status"] = status
        invoice["status_transitions"] = invoice["status_transitions"] | {stamp: at}
        self.store.put(invoice)
        name = {"void": "voided", "uncollectible": "marked_uncollectible"}[status]
        self.store.emit(f"invoice.{name}", invoice, at, before)


def _decimal(value: int) -> Any:
    from decimal import Decimal

    return Decimal(value)


def _by_key(pairs: Sequence[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, 0) + amount
    return sums


def _total_taxes(lines: Sequence[Line]) -> list[Object]:
    """The lines' taxes added up by rate, behaviour and reason."""
    totals: dict[tuple[str, str, str], Object] = {}
    for tax in (tax for line in lines for tax in line.taxes):
        rate = tax["tax_rate_details"]["tax_rate"]
        key = (rate, tax["tax_behavior"], tax["taxability_reason"])
        if key not in totals:
            totals[key] = tax | {"amount": 0, "taxable_amount": 0}
        totals[key]["amount"] += tax["amount"]
        totals[key]["taxable_amount"] += tax["taxable_amount"]
    return list(totals.values())
