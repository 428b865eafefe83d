"""Payment intents, charges, refunds, disputes, and what they do to the balance."""

from __future__ import annotations

from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.balance import Books
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.money import DISPUTE_FEE, processing_fee, settled, share
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
DAY = 86_400
# decline code: (share, network decline code, advice, outcome)
DECLINES = {
    "insufficient_funds": (40, "51", "try_again_later", "issuer_declined"),
    "generic_decline": (22, "05", "try_again_later", "issuer_declined"),
    "expired_card": (10, "54", "confirm_card_data", "issuer_declined"),
    "do_not_honor": (10, "05", "try_again_later", "issuer_declined"),
    "lost_card": (4, "41", "do_not_try_again", "issuer_declined"),
    "stolen_card": (3, "43", "do_not_try_again", "issuer_declined"),
    "processing_error": (6, "96", "try_again_later", "issuer_declined"),
    "fraudulent": (5, None, "do_not_try_again", "blocked"),
}
CODE_OF = {"expired_card": "expired_card", "processing_error": "processing_error"}
EEA = ("DE", "FR", "ES", "IE")


class Payments:
    """Moves money: everything here ends in the books."""

    def __init__(self, store: Store, ids: Ids, books: Books) -> None:
        self.store, self.ids, self.books = store, ids, books

    def intent(self, at: int, customer: Customer, amount: int, currency: str) -> Object:
        kind = customer.method["type"]
        intent = blank(
            "payment_intent", id=self.ids.new("pi"), amount=amount, amount_capturable=0,
            amount_details={"tip": {}}, amount_received=0, capture_method="automatic",
            client_secret=None, confirmation_method="automatic", created=at, currency=currency,
            customer=customer.id, excluded_payment_method_types=None, livemode=False, metadata={},
            payment_method=customer.method["id"], payment_method_options={},
            payment_method_types=[kind], status="requires_confirmation",
        )  # fmt: skip
        self.store.put(intent)
        self.store.emit("payment_intent.created", intent, at)
        return intent

    def attempt(
        self, at: int, customer: Customer, intent: Object, rng: Random, decline: str | None,
        extra: Object | None = None,
    ) -> Object:  # fmt: skip
        """Charge an intent once; `decline` is a decline code, None succeeds."""
        charge = self._charge(at, customer, intent, rng, decline)
        charge.update(extra or {})
        before: Object = {"status": intent["status"], "latest_charge": intent["latest_charge"]}
        intent["latest_charge"] = charge["id"]
        if decline is None:
            self._book(at, charge)
            intent.update(status="succeeded", amount_received=intent["amount"])
        else:
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = _error(charge, decline)
        self.store.put(charge)
        self.store.put(intent)
        outcome = "succeeded" if decline is None else "failed"
        self.store.emit(f"charge.{outcome}", charge, at)
        name = "payment_intent.succeeded" if decline is None else "payment_intent.payment_failed"
        self.store.emit(name, intent, at, before)
        return charge

    def _charge(
        self, at: int, customer: Customer, intent: Object, rng: Random, decline: str | None
    ) -> Object:
        method, paid = customer.method, decline is None
        risk = rng.randint(5, 45) if decline != "fraudulent" else rng.randint(76, 99)
        _, network_code, advice, network = DECLINES.get(decline or "", (0, None, None, None))
        blocked = network == "blocked"
        return blank(
            "charge", id=self.ids.new("ch"), amount=intent["amount"],
            amount_captured=intent["amount"] if paid else 0, amount_refunded=0,
            billing_details=method["billing_details"], captured=paid, created=at,
            currency=intent["currency"], customer=customer.id, disputed=False,
            failure_code=None if paid else CODE_OF.get(decline or "", "card_declined"),
            failure_message=None if paid else "Your card was declined.", fraud_details={},
            livemode=False, metadata={},
            outcome={
                "advice_code": advice, "network_advice_code": None,
                "network_decline_code": network_code,
                "network_status": "not_sent_to_network" if blocked
                else ("approved_by_network" if paid else "declined_by_network"),
                "reason": None if paid else ("highest_risk_level" if blocked else decline),
                "risk_level": "normal" if risk < 65 else "highest", "risk_score": risk,
                "seller_message": "Payment complete." if paid else "The payment was declined.",
                "type": "authorized" if paid else network,
            },
            paid=paid, payment_intent=intent["id"], payment_method=method["id"],
            payment_method_details=_method_details(method, customer, rng), refunded=False,
            status="succeeded" if paid else "failed",
        )  # fmt: skip

    def _book(self, at: int, charge: Object) -> None:
        amount, currency, rate = settled(charge["amount"], charge["currency"])
        kind = charge["payment_method_details"]["type"]
        entry = self.books.record(
            at, "charge" if kind == "card" else "payment", "charge", amount, currency,
            charge["id"], fee=processing_fee(amount, kind), rate=rate,
            days=5 if kind in ("sepa_debit", "us_bank_account") else 2,
        )  # fmt: skip
        charge["balance_transaction"] = entry["id"]

    def refund(self, at: int, charge: Object, amount: int, reason: str | None) -> Object:
        """Refund a part or all of a charge; the processing fee is not returned."""
        value, currency, rate = settled(amount, charge["currency"])
        kind = charge["payment_method_details"]["type"]
        refund = blank(
            "refund", id=self.ids.new("re"), amount=amount, charge=charge["id"], created=at,
            currency=charge["currency"], destination_details={"type": kind},
            metadata={}, payment_intent=charge["payment_intent"], reason=reason,
            status="succeeded",
        )  # fmt: skip
        entry = self.books.record(
            at, "refund" if kind == "card" else "payment_refund", "refund", -value, currency,
            refund["id"], rate=rate, days=0,
        )  # fmt: skip
        refund["balance_transaction"] = entry["id"]
        self.store.put(refund)
        before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.store.put(charge)
        self.store.emit("refund.created", refund, at)
        self.store.emit("charge.refunded", charge, at, before)
        return refund

    def late_failure(self, at: int, charge: Object) -> None:
        """A bank debit comes back days later: the money is taken again (`charge_failure`)."""
        amount, currency, rate = settled(charge["amount"], charge["currency"])
        entry = self.books.record(
            at, "payment_failure_refund", "charge_failure", -amount, currency, charge["id"],
            rate=rate, days=0,
        )  # fmt: skip
        before = {"status": charge["status"], "paid": charge["paid"]}
        charge.update(
            status="failed", paid=False, failure_code="debit_not_authorized",
            failure_message="The debit was not authorized.",
            failure_balance_transaction=entry["id"],
        )  # fmt: skip
        self.store.put(charge)
        self.store.emit("charge.failed", charge, at, before)

    def dispute(self, at: int, charge: Object, reason: str, *, inquiry: bool = False) -> Object:
        """A dispute (or an inquiry, which moves no money)."""
        amount, currency, rate = settled(charge["amount"], charge["currency"])
        dispute = blank(
            "dispute", id=self.ids.new("du"), amount=charge["amount"], balance_transactions=[],
            charge=charge["id"], created=at, currency=charge["currency"],
            enhanced_eligibility_types=[], evidence=_no_evidence(),
            evidence_details={"due_by": at + 9 * DAY, "enhanced_eligibility": {},
                              "has_evidence": False, "past_due": False, "submission_count": 0},
            is_charge_refundable=inquiry, livemode=False, metadata={},
            payment_intent=charge["payment_intent"],
            payment_method_details={"type": "card", "card": {
                "brand": "visa", "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4" if reason == "fraudulent" else "13.1"}},
            reason=reason, status="warning_needs_response" if inquiry else "needs_response",
        )  # fmt: skip
        if not inquiry:
            entry = self.books.record(
                at, "adjustment", "dispute", -amount, currency, dispute["id"], fee=DISPUTE_FEE,
                rate=rate, days=0, description=f"Chargeback withdrawal for {charge['id']}",
            )  # fmt: skip
            dispute["balance_transactions"].append(entry)
        before = {"disputed": charge["disputed"]}
        charge["disputed"] = True
        self.store.put(charge)
        self.store.put(dispute)
        self.store.emit("charge.updated", charge, at, before)
        self.store.emit("charge.dispute.created", dispute, at)
        return dispute

    def close_dispute(self, at: int, dispute: Object, *, won: bool) -> None:
        """The bank decides. A won dispute's amount comes back; the fee does not."""
        before = {"status": dispute["status"], "evidence_details": dispute["evidence_details"]}
        inquiry = dispute["status"].startswith("warning")
        dispute["evidence_details"] = before["evidence_details"] | {
            "has_evidence": True, "submission_count": 1,
        }  # fmt: skip
        dispute["status"] = "warning_closed" if inquiry else ("won" if won else "lost")
        if won and not inquiry:
            amount, currency, rate = settled(dispute["amount"], dispute["currency"])
            entry = self.books.record(
                at, "adjustment", "dispute_reversal", amount, currency, dispute["id"], rate=rate,
                days=0, description=f"Chargeback reversal for {dispute['charge']}",
            )  # fmt: skip
            dispute["balance_transactions"].append(entry)
        self.store.put(dispute)
        self.store.emit("charge.dispute.closed", dispute, at, before)

    def fraud_warning(self, at: int, charge: Object) -> None:
        warning = blank(
            "radar.early_fraud_warning", id=self.ids.new("issfr"), actionable=True,
            charge=charge["id"], created=at, fraud_type="made_with_stolen_card", livemode=False,
            payment_intent=charge["payment_intent"],
        )  # fmt: skip
        self.store.put(warning)
        self.store.emit("radar.early_fraud_warning.created", warning, at)

    def half(self, charge: Object) -> int:
        return share(charge["amount"], 1, 2) if charge["currency"] != "kwd" else charge["amount"]


def pick_decline(rng: Random) -> str:
    return rng.choices(list(DECLINES), [terms[0] for terms in DECLINES.values()])[0]


def _error(charge: Object, decline: str) -> Object:
    return {
        "charge": charge["id"], "code": charge["failure_code"], "decline_code": decline,
        "message": charge["failure_message"], "type": "card_error",
    }  # fmt: skip


def _method_details(method: Object, customer: Customer, rng: Random) -> Object:
    kind = method["type"]
    details = {name: value for name, value in method.get(kind, {}).items()
               if name not in NOT_ON_A_CHARGE}  # fmt: skip
    if kind == "card":
        secured = customer.country in EEA and rng.random() < 0.8
        details |= {
            "network": details["brand"], "amount_authorized": None, "mandate": None,
            "installments": None, "network_token": {"used": False},
            "three_d_secure": {
                "authentication_flow": "frictionless", "result": "authenticated",
                "result_reason": None, "version": "2.2.0", "electronic_commerce_indicator": "05",
                "exemption_indicator": None, "transaction_id": None,
            } if secured else None,
        }  # fmt: skip
    return {"type": kind, kind: details}


NOT_ON_A_CHARGE = (
    "display_brand", "generated_from", "networks", "three_d_secure_usage",
    "financial_connections_account", "status_details",
)  # fmt: skip


def _no_evidence() -> Object:
    from stripe import Dispute

    return {**dict.fromkeys(Dispute.Evidence.__annotations__), "enhanced_evidence": {}}
