"""Beside subscriptions: marketplace flows, top-ups, fees, schedules, card testing, odd payouts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.subscriptions import Subscription
from heirpay_pipelines.sandbox.company.templates import blank, empty_list

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
CONNECTED = "acct_1ConnectedSeller00001"
# Days of the company's life on which something out of the ordinary happens.
TOPUP_DAYS = (120, 300, 480)
MANUAL_PAYOUT_DAY, INSTANT_PAYOUT_DAY = 20, 400
FAILED_PAYOUT_FROM_DAY = 500
CARD_TESTING_DAY = 455
CREDIT_NOTE_DAYS = (90, 210, 330, 450, 520)
NEGATIVE_DAY = 441


class Platform:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def day(self) -> None:
        company, number = self.company, self.company.number
        noon = company.day + DAY // 2
        if number % 5 == 2 and company.customers:
            company.plan(noon, self.marketplace_sale)
        if number % 30 == 29:
            company.plan(noon + 60, self.monthly_fee)
        if number in TOPUP_DAYS:
            company.plan(noon + 120, self.top_up)
        if number in (MANUAL_PAYOUT_DAY, INSTANT_PAYOUT_DAY):
            method = "standard" if number == MANUAL_PAYOUT_DAY else "instant"
            company.plan(noon + 180, partial(self.payout_by_hand, method))
        if number == CARD_TESTING_DAY:
            company.plan(noon + 240, self.card_testing)
        if number in CREDIT_NOTE_DAYS:
            company.plan(noon + 300, self.credit_note)
        if number == NEGATIVE_DAY:
            company.plan(noon + 360, self.clawback)

    def marketplace_sale(self, at: int) -> None:
        """A destination charge: the platform keeps an application fee and transfers the rest."""
        company = self.company
        rng = company.rng("marketplace", at)
        customer = rng.choice([c for c in company.customers if c.currency == "usd"] or [None])
        if customer is None:
            return
        amount = rng.choice((4500, 8000, 15000))
        intent = company.payments.intent(at, customer, amount, "usd")
        group = f"group_{intent['id']}"
        extra = {"transfer_data": {"amount": None, "destination": CONNECTED},
                 "transfer_group": group, "application_fee_amount": amount // 10}  # fmt: skip
        charge = company.payments.attempt(at + 2, customer, intent, rng, None, extra)
        transfer = self.transfer(at + 3, charge, amount, group)
        fee = self.application_fee(at + 3, charge, amount // 10)
        charge.update(transfer=transfer["id"], application_fee=fee["id"])
        company.store.put(charge)
        if rng.random() < 0.15:
            company.plan(at + 2 * DAY, partial(self.reverse, transfer))

    def transfer(self, at: int, charge: Object, amount: int, group: str) -> Object:
        company = self.company
        id = company.ids.new("tr")
        transfer = blank(
            "transfer", id=id, amount=amount, amount_reversed=0, created=at, currency="usd",
            destination=CONNECTED, livemode=False, metadata={}, reversed=False,
            reversals=empty_list(f"/v1/transfers/{id}/reversals"),
            source_transaction=charge["id"], source_type="card", transfer_group=group,
        )  # fmt: skip
        entry = company.books.record(at, "transfer", "transfer", -amount, "usd", id, days=2)
        transfer["balance_transaction"] = entry["id"]
        company.store.put(transfer)
        company.store.emit("transfer.created", transfer, at)
        return transfer

    def application_fee(self, at: int, charge: Object, amount: int) -> Object:
        company = self.company
        id = company.ids.new("fee")
        entry = company.books.record(
            at, "application_fee", "platform_earning", amount, "usd", id, days=2
        )
        fee = blank(
            "application_fee", id=id, account=CONNECTED, amount=amount, amount_refunded=0,
            application="ca_SandboxPlatform00000000000000", balance_transaction=entry["id"],
            charge=charge["id"], created=at, currency="usd", livemode=False, refunded=False,
            refunds=empty_list(f"/v1/application_fees/{id}/refunds"),
        )  # fmt: skip
        company.store.put(fee)
        company.store.emit("application_fee.created", fee, at)
        return fee

    def reverse(self, transfer: Object, at: int) -> None:
        company = self.company
        amount = transfer["amount"] // 2
        id = company.ids.new("trr")
        entry = company.books.record(
            at, "transfer_refund", "transfer_reversal", amount, "usd", id, days=0
        )
        reversal = blank(
            "transfer_reversal", id=id, amount=amount, balance_transaction=entry["id"], created=at,
            currency="usd", metadata={}, transfer=transfer["id"],
        )  # fmt: skip
        before = {"amount_reversed": transfer["amount_reversed"]}
        transfer["reversals"]["data"].append(reversal)
        transfer["amount_reversed"] += amount
        company.store.put(reversal)
        company.store.put(transfer)
        company.store.emit("transfer.reversed", transfer, at, before)

    def monthly_fee(self, at: int) -> None:
        self.company.books.record(
            at, "stripe_fee", "fee", -1990, "usd", None, days=0, description="Radar for Teams"
        )

    def clawback(self, at: int) -> None:
        """So large an adjustment that the next payout debits the bank account."""
        company = self.company
        amount = company.books.balance_of("eur", at) + 250_000
        company.books.record(
            at, "adjustment", "other_adjustment", -amount, "eur", None, days=0,
            description="Correction of a duplicate settlement",
        )  # fmt: skip

    def top_up(self, at: int) -> None:
        company = self.company
        id = company.ids.new("tu")
        entry = company.books.record(at, "topup", "topup", 100_000, "usd", id, days=0)
        topup = blank(
            "topup", id=id, amount=100_000, balance_transaction=entry["id"], created=at,
            currency="usd", livemode=False, metadata={}, source=None, status="succeeded",
        )  # fmt: skip
        company.store.put(topup)
        company.store.emit("topup.succeeded", topup, at)

    def payout_by_hand(self, method: str, at: int) -> None:
        """A manual or instant payout of all that is available: it has no composition."""
        books = self.company.books
        ready = [e for e in books.unpaid["usd"] if e["available_on"] <= at]
        total = sum(e["net"] for e in ready)
        fee = total // 100 if method == "instant" else 0
        if total - fee <= 0:
            return
        books.unpaid["usd"] = [e for e in books.unpaid["usd"] if e["available_on"] > at]
        books.payout(at, total - fee, "usd", automatic=False, method=method, fee=fee)

    def card_testing(self, at: int) -> None:
        """Somebody tries stolen cards: a burst of small attempts, nearly all declined."""
        company = self.company
        customer = company.new_customer(at - 30)
        for number in range(45):
            rng = company.rng("card testing", number)
            when = at + number * 7
            intent = company.payments.intent(when, customer, 100, customer.currency)
            decline = None if number % 22 == 21 else rng.choice(("fraudulent", "generic_decline"))
            charge = company.payments.attempt(when, customer, intent, rng, decline)
            if decline is None:
                company.payments.fraud_warning(when + 300, charge)

    def credit_note(self, at: int) -> None:
        """Credit a part of a recent paid invoice, back to the card."""
        company = self.company
        paid = [i for i in company.store.all("invoice")[-80:]
                if i["status"] == "paid" and i["amount_paid"] > 1000
                and not i["post_payment_credit_notes_amount"]]  # fmt: skip
        if paid:
            from heirpay_pipelines.sandbox.company.credit import credit_last_line

            credit_last_line(company, at, paid[-1])

    def schedule(self, at: int, subscription: Subscription) -> None:
        """Plan the subscription's next price in two phases."""
        company = self.company
        start, end = subscription.period
        items = [{"price": i["price"]["id"], "quantity": i.get("quantity"), "metadata": {},
                  "discounts": [], "plan": i["price"]["id"], "tax_rates": [],
                  "billing_thresholds": None} for i in subscription.items]  # fmt: skip
        phases = [_phase(subscription, start, end, items),
                  _phase(subscription, end, end + 365 * DAY, items)]  # fmt: skip
        schedule = blank(
            "subscription_schedule", id=company.ids.new("sub_sched"), created=at,
            billing_mode={"type": "classic", "flexible": None},
            current_phase={"start_date": start, "end_date": end},
            customer=subscription.customer.id,
            default_settings={"application_fee_percent": None, "billing_cycle_anchor": "automatic",
                              "billing_thresholds": None, "collection_method":
                              "charge_automatically", "default_payment_method": None,
                              "default_source": None, "description": None,
                              "invoice_settings": {"account_tax_ids": None,
                                                   "days_until_due": None,
                                                   "issuer": {"type": "self"}},
                              "on_behalf_of": None, "transfer_data": None},
            end_behavior="release", livemode=False, metadata={}, phases=phases, status="active",
            subscription=subscription.id,
        )  # fmt: skip
        company.store.put(schedule)
        company.store.emit("subscription_schedule.created", schedule, at)
        company.subscriptions.set(at, subscription, schedule=schedule["id"])


def _phase(subscription: Subscription, start: int, end: int, items: list[Object]) -> Object:
    return {
        "add_invoice_items": [], "application_fee_percent": None, "billing_cycle_anchor": None,
        "billing_thresholds": None, "collection_method": None,
        "currency": subscription.customer.currency, "default_payment_method": None,
        "default_tax_rates": [], "description": None, "discounts": [], "end_date": end,
        "invoice_settings": None, "items": items, "metadata": {}, "on_behalf_of": None,
        "proration_behavior": "create_prorations", "start_date": start, "transfer_data": None,
        "trial_end": None,
    }  # fmt: skip
