"""Credit notes: on what is still to be paid, on what was paid, or to the customer's balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.invoicing import total_taxes
from heirpay_pipelines.sandbox.company.templates import blank, empty_list

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
REASONS = ("product_unsatisfactory", "order_change", "duplicate")


def credit_line(
    company: Company, at: int, invoice: Object, *, to_balance: bool = False
) -> Object | None:
    """Credit the invoice's last line whole.

    An open invoice then has less to pay. A paid one's money goes back to the charge that paid it,
    or `to_balance`. Does nothing when the invoice cannot be credited so.
    """
    line = invoice["lines"]["data"][-1]
    off = sum(d["amount"] for d in line["discount_amounts"])
    exclusive = sum(t["amount"] for t in line["taxes"] if t["tax_behavior"] == "exclusive")
    total = line["amount"] - off + exclusive
    if total <= 0:
        return None
    note = _note(company, at, invoice, line, total, off)
    if invoice["status"] == "open":
        return _before_payment(company, at, invoice, note)
    return _after_payment(company, at, invoice, note, to_balance)


def _before_payment(company: Company, at: int, invoice: Object, note: Object) -> Object | None:
    amount = note["total"]
    if amount > invoice["amount_remaining"] or company.invoicing.payments_of(invoice):
        return None
    note.update(type="pre_payment", pre_payment_amount=amount)
    keep(company.store, at, "credit_note.created", note)
    change(
        company.store, at, "invoice.updated", invoice,
        amount_due=invoice["amount_due"] - amount,
        amount_remaining=invoice["amount_remaining"] - amount,
        pre_payment_credit_notes_amount=invoice["pre_payment_credit_notes_amount"] + amount,
    )  # fmt: skip
    if invoice["amount_remaining"] == 0:
        company.invoicing.paid(at, invoice, None)
    return note


def _after_payment(
    company: Company, at: int, invoice: Object, note: Object, to_balance: bool
) -> Object | None:
    amount = note["total"]
    note.update(type="post_payment", post_payment_amount=amount)
    if to_balance:
        customer = company.store.get("customer", invoice["customer"])
        entry = company.invoicing.move_balance(
            at, customer, -amount, "credit_note", credit_note=note["id"]
        )
        note["customer_balance_transaction"] = entry["id"]
    else:
        charge = _charge_of(company, invoice)
        if charge is None or amount > charge["amount"] - charge["amount_refunded"]:
            return None
        refund = company.payments.refund(at, charge, amount, "requested_by_customer")
        note["refunds"] = [{"amount_refunded": amount, "payment_record_refund": None,
                            "refund": refund["id"], "type": "refund"}]  # fmt: skip
    keep(company.store, at, "credit_note.created", note)
    change(
        company.store, at, "invoice.updated", invoice,
        post_payment_credit_notes_amount=invoice["post_payment_credit_notes_amount"] + amount,
    )  # fmt: skip
    return note


def void_credit_note(company: Company, at: int, note: Object, invoice: Object) -> None:
    """Take back a credit note on an open invoice: its amount is due again."""
    change(company.store, at, "credit_note.voided", note, status="void", voided_at=at)
    amount = note["total"]
    change(
        company.store, at, "invoice.updated", invoice,
        amount_due=invoice["amount_due"] + amount,
        amount_remaining=invoice["amount_remaining"] + amount,
        pre_payment_credit_notes_amount=invoice["pre_payment_credit_notes_amount"] - amount,
    )  # fmt: skip


def _note(company: Company, at: int, invoice: Object, line: Object, total: int, off: int) -> Object:
    id = company.ids.new("cn")
    tax = {behaviour: sum(t["amount"] for t in line["taxes"] if t["tax_behavior"] == behaviour)
           for behaviour in ("exclusive", "inclusive")}  # fmt: skip
    reason = company.rng("credit", invoice["id"]).choice(REASONS)
    return blank(
        "credit_note", id=id, amount=total, amount_shipping=0, created=at,
        currency=invoice["currency"], customer=invoice["customer"], discount_amount=off,
        discount_amounts=line["discount_amounts"], effective_at=at, invoice=invoice["id"],
        lines=empty_list(f"/v1/credit_notes/{id}/lines", [_line(company, line)]), livemode=False,
        metadata={}, number=f"{invoice['number']}-CN-01", pdf="", post_payment_amount=0,
        pre_payment_amount=0, pretax_credit_amounts=[], reason=reason, refunds=[],
        status="issued", subtotal=line["amount"],
        subtotal_excluding_tax=line["amount"] - tax["inclusive"], total=total,
        total_excluding_tax=total - tax["exclusive"] - tax["inclusive"],
        total_taxes=total_taxes(line["taxes"]),
    )  # fmt: skip


def _charge_of(company: Company, invoice: Object) -> Object | None:
    for payment in company.invoicing.payments_of(invoice):
        intent = company.store.get("payment_intent", payment["payment"]["payment_intent"])
        if payment["status"] == "paid":
            charge = company.store.get("charge", intent["latest_charge"])
            return None if charge["disputed"] or charge["status"] != "succeeded" else charge
    return None


def _line(company: Company, line: Object) -> Object:
    return blank(
        "credit_note_line_item", id=company.ids.new("cnli"), amount=line["amount"],
        description=line["description"],
        discount_amount=sum(d["amount"] for d in line["discount_amounts"]),
        discount_amounts=line["discount_amounts"], invoice_line_item=line["id"], livemode=False,
        metadata={}, pretax_credit_amounts=[], quantity=line["quantity"], tax_rates=[],
        taxes=line["taxes"], type="invoice_line_item", unit_amount=line["amount"],
        unit_amount_decimal=str(line["amount"]),
    )  # fmt: skip
