"""Payment intents, charges and refunds, and what they do to the balance."""

from __future__ import annotations

from random import Random
from typing import Any

from heirpay_pipelines.sandbox.company.balance import Books
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.customers import Customer
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.luck import DECLINES, MASTERCARD_ADVICE
from heirpay_pipelines.sandbox.company.money import processing_fee, settled
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
CODE_OF = {"expired_card": "expired_card", "processing_error": "processing_error",
           "incorrect_cvc": "incorrect_cvc"}  # fmt: skip
EEA = ("DE", "FR", "ES", "IE")
DEBITS = ("us_bank_account", "sepa_debit")
"""Methods whose success is only known days later."""
DEBIT_DAYS = 4


class Payments:
    """Moves money: everything here ends in the books."""

    def __init__(self, store: Store, ids: Ids, books: Books) -> None:
        self.store, self.ids, self.books = store, ids, books

    def intent(
        self, at: int, customer: Customer | None, amount: int, currency: str, **extra: Any
    ) -> Object:
        """A payment intent; without a customer it is a guest's."""
        method = customer.method if customer else None
        intent = blank(
            "payment_intent", id=self.ids.new("pi"), amount=amount, amount_capturable=0,
            amount_details={"tip": {}}, amount_received=0, capture_method="automatic",
            client_secret=None, confirmation_method="automatic", created=at, currency=currency,
            customer=customer.id if customer else None, excluded_payment_method_types=None,
            livemode=False, metadata={}, payment_method=method["id"] if method else None,
            payment_method_options={}, payment_method_types=[method["type"] if method else "card"],
            status="requires_confirmation",
        ) | extra  # fmt: skip
        return keep(self.store, at, "payment_intent.created", intent)

    def attempt(
        self, at: int, customer: Customer, intent: Object, rng: Random, decline: str | None,
        **extra: Any,
    ) -> Object:  # fmt: skip
        """Charge an intent once; `decline` is a decline code, None succeeds.

        A bank debit is pending at first: `debit_succeeds` or `debit_fails` settles it.
        """
        charge = self._charge(at, customer, intent, rng, decline) | extra
        self.store.put(charge)
        if decline is not None:
            self._declined(at, intent, charge, decline)
        elif charge["payment_method_details"]["type"] in DEBITS:
            self._pending(at, intent, charge)
        elif intent["capture_method"] == "manual":
            self._authorised(at, intent, charge)
        else:
            self._book(at, charge)
            self.store.emit("charge.succeeded", charge, at)
            self._intent_succeeds(at, intent, charge)
        return charge

    def _declined(self, at: int, intent: Object, charge: Object, decline: str) -> None:
        self.store.emit("charge.failed", charge, at)
        change(
            self.store, at, "payment_intent.payment_failed", intent, latest_charge=charge["id"],
            status="requires_payment_method", last_payment_error=_error(charge, decline),
        )  # fmt: skip

    def _intent_succeeds(self, at: int, intent: Object, charge: Object) -> None:
        change(
            self.store, at, "payment_intent.succeeded", intent, latest_charge=charge["id"],
            status="succeeded", amount_received=charge["amount_captured"], amount_capturable=0,
            last_payment_error=None,
        )  # fmt: skip

    def _pending(self, at: int, intent: Object, charge: Object) -> None:
        charge.update(status="pending", paid=False)
        self._book(at, charge)
        self.store.emit("charge.pending", charge, at)
        change(
            self.store, at, "payment_intent.processing", intent, latest_charge=charge["id"],
            status="processing",
        )  # fmt: skip

    def debit_succeeds(self, at: int, intent: Object, charge: Object) -> None:
        change(self.store, at, "charge.succeeded", charge, status="succeeded", paid=True)
        self._intent_succeeds(at, intent, charge)

    def debit_fails(self, at: int, intent: Object, charge: Object) -> None:
        """A bank debit comes back days later: the money is taken again (`charge_failure`)."""
        amount, currency, rate = settled(charge["amount"], charge["currency"])
        entry = self.books.record(
            at, "payment_failure_refund", "charge_failure", -amount, currency, charge["id"],
            rate=rate, days=0,
        )  # fmt: skip
        change(
            self.store, at, "charge.failed", charge, status="failed", paid=False,
            failure_code="debit_not_authorized", failure_message="The debit was not authorized.",
            failure_balance_transaction=entry["id"],
        )  # fmt: skip
        change(
            self.store, at, "payment_intent.payment_failed", intent,
            status="requires_payment_method",
            last_payment_error=_error(charge, "debit_not_authorized"),
        )  # fmt: skip

    def _authorised(self, at: int, intent: Object, charge: Object) -> None:
        charge.update(captured=False, amount_captured=0)
        self.store.emit("charge.succeeded", charge, at)
        change(
            self.store, at, "payment_intent.amount_capturable_updated", intent,
            latest_charge=charge["id"], status="requires_capture",
            amount_capturable=charge["amount"],
        )  # fmt: skip

    def capture(self, at: int, intent: Object, charge: Object, amount: int) -> None:
        """Capture an authorised charge. What is not captured is reversed, as its own movement."""
        entry = self._movement(at, charge)
        fields: Object = {
            "captured": True, "amount_captured": amount, "balance_transaction": entry["id"],
        }  # fmt: skip
        if left := charge["amount"] - amount:
            self._refund_object(at, charge, left, None, category="partial_capture_reversal")
            fields["amount_refunded"] = left
        change(self.store, at, "charge.captured", charge, **fields)
        self._intent_succeeds(at, intent, charge)

    def _charge(
        self, at: int, customer: Customer, intent: Object, rng: Random, decline: str | None
    ) -> Object:
        method, paid = customer.method, decline is None
        return blank(
            "charge", id=self.ids.new("ch" if method["type"] == "card" else "py"),
            amount=intent["amount"], amount_captured=intent["amount"] if paid else 0,
            amount_refunded=0, billing_details=method["billing_details"], captured=paid,
            created=at, currency=intent["currency"], customer=intent["customer"], disputed=False,
            failure_code=None if paid else CODE_OF.get(decline or "", "card_declined"),
            failure_message=None if paid else "Your card was declined.", fraud_details={},
            livemode=False, metadata={}, outcome=_outcome(method, rng, decline), paid=paid,
            payment_intent=intent["id"], payment_method=method["id"],
            payment_method_details=_method_details(method, customer, rng), refunded=False,
            status="succeeded" if paid else "failed",
        )  # fmt: skip

    def _book(self, at: int, charge: Object) -> None:
        charge["balance_transaction"] = self._movement(at, charge)["id"]
        self.store.put(charge)

    def _movement(self, at: int, charge: Object) -> Object:
        amount, currency, rate = settled(charge["amount"], charge["currency"])
        kind = charge["payment_method_details"]["type"]
        return self.books.record(
            at, "charge" if kind == "card" else "payment", "charge", amount, currency,
            charge["id"], fee=processing_fee(amount, kind), rate=rate,
            days=5 if kind in DEBITS else 2,
        )  # fmt: skip

    def refund(self, at: int, charge: Object, amount: int, reason: str | None) -> Object:
        """Refund a part or all of a charge; the processing fee is not returned."""
        refund = self._refund_object(at, charge, amount, reason, category="refund")
        total = charge["amount_refunded"] + amount
        change(
            self.store, at, "charge.refunded", charge, amount_refunded=total,
            refunded=total == charge["amount"],
        )  # fmt: skip
        return refund

    def _refund_object(
        self, at: int, charge: Object, amount: int, reason: str | None, category: str
    ) -> Object:
        value, currency, rate = settled(amount, charge["currency"])
        kind = charge["payment_method_details"]["type"]
        refund = blank(
            "refund", id=self.ids.new("re" if kind == "card" else "pyr"), amount=amount,
            charge=charge["id"], created=at, currency=charge["currency"],
            destination_details=_destination(kind), metadata={},
            payment_intent=charge["payment_intent"], reason=reason, status="succeeded",
        )  # fmt: skip
        entry = self.books.record(
            at, "refund" if kind == "card" else "payment_refund", category, -value, currency,
            refund["id"], rate=rate, days=0,
        )  # fmt: skip
        refund["balance_transaction"] = entry["id"]
        return keep(self.store, at, "refund.created", refund)

    def refund_fails(self, at: int, refund: Object, charge: Object) -> None:
        """The customer's bank cannot take a refund: the money comes back."""
        value, currency, rate = settled(refund["amount"], refund["currency"])
        entry = self.books.record(
            at, "refund_failure", "refund_failure", value, currency, refund["id"], rate=rate,
            days=0,
        )  # fmt: skip
        change(
            self.store, at, "refund.failed", refund, status="failed",
            failure_reason="expired_or_canceled_card", failure_balance_transaction=entry["id"],
        )  # fmt: skip
        left = charge["amount_refunded"] - refund["amount"]
        change(
            self.store, at, "charge.updated", charge, amount_refunded=left, refunded=False
        )  # fmt: skip

    def review(self, at: int, charge: Object) -> Object:
        """Radar asks a person to look at a payment of elevated risk."""
        review = blank(
            "review", id=self.ids.new("prv"), charge=charge["id"], created=at, livemode=False,
            open=True, opened_reason="rule", payment_intent=charge["payment_intent"],
            reason="rule",
        )  # fmt: skip
        keep(self.store, at, "review.opened", review)
        change(
            self.store, at, "charge.updated", charge, review=review["id"],
            outcome=charge["outcome"] | {"type": "manual_review", "risk_level": "elevated",
                                         "risk_score": 68},
        )  # fmt: skip
        return review

    def close_review(self, at: int, review: Object, reason: str) -> None:
        change(
            self.store, at, "review.closed", review, open=False, closed_reason=reason, reason=reason
        )

    def fraud_warning(self, at: int, charge: Object) -> Object:
        """The card's issuer warns that a payment was fraudulent."""
        warning = blank(
            "radar.early_fraud_warning", id=self.ids.new("issfr"), actionable=True,
            charge=charge["id"], created=at, fraud_type="made_with_stolen_card", livemode=False,
            payment_intent=charge["payment_intent"],
        )  # fmt: skip
        return keep(self.store, at, "radar.early_fraud_warning.created", warning)


def _outcome(method: Object, rng: Random, decline: str | None) -> Object:
    risk = rng.randint(76, 99) if decline == "fraudulent" else rng.randint(5, 45)
    if decline is None:
        return {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
            "risk_score": risk, "seller_message": "Payment complete.", "type": "authorized",
        }  # fmt: skip
    _, network_code, advice, kind = DECLINES[decline]
    blocked = kind == "blocked"
    mastercard = method["type"] == "card" and method["card"]["brand"] == "mastercard"
    return {
        "advice_code": advice,
        "network_advice_code":
            rng.choice(MASTERCARD_ADVICE[advice]) if mastercard and not blocked else None,
        "network_decline_code": network_code,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline,
        "risk_level": "highest" if blocked else "normal", "risk_score": risk,
        "seller_message": "Stripe blocked this payment as too risky." if blocked
        else "The bank did not approve this payment.",
        "type": kind,
    }  # fmt: skip


def _error(charge: Object, decline: str) -> Object:
    return {
        "charge": charge["id"], "code": charge["failure_code"], "decline_code": decline,
        "message": charge["failure_message"], "type": "card_error",
    }  # fmt: skip


def _destination(kind: str) -> Object:
    if kind == "card":
        details = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
        return {"type": "card", "card": {"type": "refund", **details}}
    return {"type": kind} | ({} if kind in DEBITS else {kind: {}})


def _method_details(method: Object, customer: Customer, rng: Random) -> Object:
    kind = method["type"]
    details = {name: value for name, value in method.get(kind, {}).items()
               if name not in NOT_ON_A_CHARGE}  # fmt: skip
    if kind == "card":
        draw = rng.random()
        details |= {
            "network": details["brand"], "amount_authorized": None, "mandate": None,
            "installments": None, "network_token": {"used": False},
            "three_d_secure": _three_d_secure(draw) if customer.country in EEA else None,
        }  # fmt: skip
    return {"type": kind, kind: details}


def _three_d_secure(draw: float) -> Object | None:
    """Most payments in Europe are authenticated, some exempt, some neither."""
    if draw > 0.92:
        return None
    exempt = draw > 0.8
    challenge = draw < 0.25
    return {
        "authentication_flow":
            None if exempt else ("challenge" if challenge else "frictionless"),
        "electronic_commerce_indicator": None if exempt else "05",
        "exemption_indicator": "low_risk" if exempt else None,
        "result": "exempted" if exempt else "authenticated", "result_reason": None,
        "transaction_id": None, "version": "2.2.0",
    }  # fmt: skip


NOT_ON_A_CHARGE = (
    "display_brand", "generated_from", "networks", "three_d_secure_usage",
    "financial_connections_account", "status_details",
)  # fmt: skip
