"""Credit notes on paid invoices: the money goes back, and so does the tax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.templates import blank, empty_list

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]


def credit_last_line(company: Company, at: int, invoice: Object) -> Object | None:
    """Credit the invoice's last line whole, refunded to the charge that paid it.

    Does nothing when the invoice was not paid by one charge that could be refunded.
    """
    line = invoice["lines"]["data"][-1]
    charge = _charge_of(company, invoice)
    off = sum(d["amount"] for d in line["discount_amounts"])
    exclusive = sum(t["amount"] for t in line["taxes"] if t["tax_behavior"] == "exclusive")
    inclusive = sum(t["amount"] for t in line["taxes"] if t["tax_behavior"] == "inclusive")
    total = line["amount"] - off + exclusive
    if charge is None or total <= 0 or total > charge["amount"] - charge["amount_refunded"]:
        return None
    refund = company.payments.refund(at, charge, total, "requested_by_customer")
    id = company.ids.new("cn")
    note = blank(
        "credit_note", id=id, amount=total, amount_shipping=0, created=at,
        currency=invoice["currency"], customer=invoice["customer"], discount_amount=off,
        discount_amounts=line["discount_amounts"], effective_at=at, invoice=invoice["id"],
        lines=empty_list(f"/v1/credit_notes/{id}/lines", [_line(company, line)]), livemode=False,
        metadata={}, number=f"{invoice['number']}-CN-01", pdf="", post_payment_amount=total,
        pre_payment_amount=0, pretax_credit_amounts=[], reason="product_unsatisfactory",
        refunds=[{"amount_refunded": total, "payment_record_refund": None,
                  "refund": refund["id"], "type": "refund"}],
        status="issued", subtotal=line["amount"],
        subtotal_excluding_tax=line["amount"] - inclusive, total=total,
        total_excluding_tax=total - exclusive - inclusive, total_taxes=line["taxes"],
        type="post_payment",
    )  # fmt: skip
    company.store.put(note)
    company.store.emit("credit_note.created", note, at)
    before = {"post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"]}
    invoice["post_payment_credit_notes_amount"] += total
    company.store.put(invoice)
    company.store.emit("invoice.updated", invoice, at, before)
    return note


def _charge_of(company: Company, invoice: Object) -> Object | None:
    for payment in company.store.all("invoice_payment"):
        if payment["invoice"] == invoice["id"]:
            intent = company.store.get("payment_intent", payment["payment"]["payment_intent"])
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
