"""What can follow a payment: refunds, disputes, fraud warnings, reviews."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.disputes import REASONS

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
REFUNDED_WHOLE, REFUNDED, DISPUTED, REVIEWED = 0.010, 0.019, 0.029, 0.035
REFUND_FAILS, INQUIRY, PART, ANSWERED, WON = 0.12, 0.25, 0.15, 0.75, 0.45


class Aftermath:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def follow(self, at: int, charge: Object, rng: Random) -> None:
        """Decide what becomes of a payment that succeeded."""
        company = self.company
        draw, card = company.luck.misfortune(rng), "card" in charge["payment_method_details"]
        if draw < REFUNDED:
            amount = charge["amount"] if draw < REFUNDED_WHOLE else _half(charge)
            company.plan(at + rng.randrange(1, 20) * DAY, partial(self._refund, charge, amount))
        elif draw < DISPUTED and card:
            company.plan(at + rng.randrange(5, 45) * DAY, partial(self._complaint, charge))
        elif draw < REVIEWED and card:
            review = company.payments.review(at + 20, charge)
            company.plan(at + 7_200, partial(self._approve, review))

    def _approve(self, review: Object, at: int) -> None:
        self.company.payments.close_review(at, review, "approved")

    def _refund(self, charge: Object, amount: int, at: int) -> None:
        company = self.company
        if charge["disputed"] or charge["amount_refunded"] or charge["status"] != "succeeded":
            return
        rng = company.rng("refund", charge["id"])
        reason = rng.choice(("requested_by_customer", "requested_by_customer", "duplicate", None))
        refund = company.payments.refund(at, charge, amount, reason)
        company.taxed_payments.refunded(at + 1, refund)
        if rng.random() < REFUND_FAILS:
            company.plan(
                at + 3 * DAY, lambda when: company.payments.refund_fails(when, refund, charge)
            )

    def _complaint(self, charge: Object, at: int) -> None:
        self.complain(at, charge)

    def complain(self, at: int, charge: Object) -> None:
        """The cardholder complains; of fraud the issuer warns a day before."""
        company = self.company
        if charge["disputed"] or charge["amount_refunded"]:
            return
        rng = company.rng("dispute", charge["id"])
        reason = rng.choice(("fraudulent", "fraudulent", *REASONS))
        if reason == "fraudulent":
            company.payments.fraud_warning(at, charge)
            at += DAY
        company.plan(at, partial(self._dispute, charge, reason))

    def _dispute(self, charge: Object, reason: str, at: int) -> None:
        company = self.company
        if charge["amount_refunded"]:
            return
        rng = company.rng("evidence", charge["id"])
        amount = _half(charge) if rng.random() < PART else charge["amount"]
        inquiry = rng.random() < INQUIRY
        dispute = company.disputes.open(at, charge, reason, inquiry=inquiry, amount=amount)
        answered, won = rng.random() < ANSWERED, rng.random() < WON
        if answered:
            company.plan(at + 5 * DAY, lambda when: company.disputes.respond(when, dispute))
        company.plan(
            at + rng.randrange(20, 40) * DAY,
            lambda when: company.disputes.close(when, dispute, won=answered and won),
        )


def _half(charge: Object) -> int:
    """About half; in a three-decimal currency Stripe takes only multiples of ten."""
    return int(charge["amount"] // 20 * 10) or int(charge["amount"])
