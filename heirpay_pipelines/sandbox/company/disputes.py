"""Disputes and inquiries: from the issuer's notice over the evidence to the bank's decision."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.sandbox.company.balance import Books
from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.money import DISPUTE_FEE, settled
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
EVIDENCE_DAYS = 9
# reason: network reason code
REASONS = {
    "fraudulent": "10.4", "product_not_received": "13.1", "subscription_canceled": "13.2",
    "credit_not_processed": "13.7", "duplicate": "12.6", "product_unacceptable": "13.3",
    "unrecognized": "10.4",
}  # fmt: skip


class Disputes:
    """A dispute takes its amount and a fee at once; an inquiry moves no money."""

    def __init__(self, store: Store, ids: Ids, books: Books) -> None:
        self.store, self.ids, self.books = store, ids, books

    def open(
        self, at: int, charge: Object, reason: str, *, inquiry: bool = False,
        amount: int | None = None,
    ) -> Object:  # fmt: skip
        """Dispute a charge, or a part of it."""
        card = charge["payment_method_details"].get("card", {"brand": "visa"})
        dispute = blank(
            "dispute", id=self.ids.new("du"), amount=amount or charge["amount"],
            balance_transactions=[], charge=charge["id"], created=at, currency=charge["currency"],
            enhanced_eligibility_types=[], evidence=_no_evidence(),
            evidence_details={"due_by": at + EVIDENCE_DAYS * DAY, "enhanced_eligibility": {},
                              "has_evidence": False, "past_due": False, "submission_count": 0,
                              "submission_method": "not_submitted"},
            is_charge_refundable=inquiry, livemode=False, metadata={},
            payment_intent=charge["payment_intent"],
            payment_method_details={"type": "card", "card": {
                "brand": card["brand"], "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["brand"], "network_reason_code": REASONS[reason]}},
            reason=reason, status="warning_needs_response" if inquiry else "needs_response",
        )  # fmt: skip
        self.store.put(dispute)
        if not inquiry:
            self._withdraw(at, dispute)
        self.store.emit("charge.dispute.created", dispute, at)
        if not inquiry:
            self.store.emit("charge.dispute.funds_withdrawn", dispute, at)
            change(self.store, at, "charge.updated", charge, disputed=True)
        return dispute

    def _withdraw(self, at: int, dispute: Object) -> None:
        amount, currency, rate = settled(dispute["amount"], dispute["currency"])
        entry = self.books.record(
            at, "adjustment", "dispute", -amount, currency, dispute["id"], fee=DISPUTE_FEE,
            rate=rate, days=0, description=f"Chargeback withdrawal for {dispute['charge']}",
        )  # fmt: skip
        dispute["balance_transactions"] = [entry]

    def respond(self, at: int, dispute: Object) -> None:
        """Hand in evidence."""
        inquiry = dispute["status"].startswith("warning")
        change(
            self.store, at, "charge.dispute.updated", dispute,
            status="warning_under_review" if inquiry else "under_review",
            evidence_details=dispute["evidence_details"] | {
                "has_evidence": True, "submission_count": 1, "submission_method": "manual"},
        )  # fmt: skip

    def close(self, at: int, dispute: Object, *, won: bool) -> None:
        """The bank decides. A won dispute's amount comes back; the fee does not."""
        if dispute["status"].startswith("warning"):
            change(self.store, at, "charge.dispute.closed", dispute, status="warning_closed")
            return
        if won:
            self._reinstate(at, dispute)
        details = dispute["evidence_details"]
        change(
            self.store, at, "charge.dispute.closed", dispute, status="won" if won else "lost",
            evidence_details=details | {"past_due": not details["has_evidence"]},
        )  # fmt: skip

    def _reinstate(self, at: int, dispute: Object) -> None:
        amount, currency, rate = settled(dispute["amount"], dispute["currency"])
        entry = self.books.record(
            at, "adjustment", "dispute_reversal", amount, currency, dispute["id"], rate=rate,
            days=0, description=f"Chargeback reversal for {dispute['charge']}",
        )  # fmt: skip
        change(
            self.store, at, "charge.dispute.funds_reinstated", dispute,
            balance_transactions=[*dispute["balance_transactions"], entry],
        )  # fmt: skip


def _no_evidence() -> Object:
    from stripe import Dispute

    return {**dict.fromkeys(Dispute.Evidence.__annotations__), "enhanced_evidence": {}}
