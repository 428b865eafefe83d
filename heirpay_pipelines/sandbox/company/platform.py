"""Marketplace flows: destination charges, split payments, application fees, and their reversals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from heirpay_pipelines.sandbox.company.calendar import DAY
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.templates import blank, empty_list

if TYPE_CHECKING:
    from heirpay_pipelines.sandbox.company.company import Company

Object = dict[str, Any]
SELLERS = {"acct_1ConnectedSeller00001": "Juniper Templates",
           "acct_1ConnectedSeller00002": "Quarry Analytics"}  # fmt: skip
SALE_EVERY_DAYS, DIRECT_EVERY_DAYS, SPLIT_EVERY_DAYS = 5, 9, 21


class Platform:
    """`company` is the whole that it acts in."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def open_accounts(self, at: int) -> None:
        """The connected accounts of the marketplace's sellers."""
        for id, name in SELLERS.items():
            account = blank(
                "account", id=id, business_type="company", charges_enabled=True, country="US",
                created=at, default_currency="usd", details_submitted=True,
                email="seller@example.com", payouts_enabled=True, type="express",
                business_profile={"mcc": "5734", "name": name},
            )  # fmt: skip
            keep(self.company.store, at, "account.updated", account)

    def day(self) -> None:
        company, number = self.company, self.company.number
        noon = company.day + DAY // 2
        if number % SALE_EVERY_DAYS == 2:
            company.plan(noon, self.destination_charge)
        if number % DIRECT_EVERY_DAYS == 4:
            company.plan(noon + 600, self.direct_charge)
        if number % SPLIT_EVERY_DAYS == 11:
            company.plan(noon + 1_200, self.split_payment)

    def destination_charge(self, at: int) -> None:
        """The platform charges, keeps an application fee, and transfers to the seller."""
        company = self.company
        rng = company.rng("marketplace", at)
        buyers = [
            c for c in company.customers if c.currency == "usd" and c.method["type"] == "card"
        ]
        if not buyers:
            return
        seller, amount = rng.choice(list(SELLERS)), rng.choice((4500, 8000, 15000))
        data = {"amount": None, "destination": seller}
        buyer = rng.choice(buyers)
        intent = company.payments.intent(
            at, buyer, amount, "usd", transfer_data=data, application_fee_amount=amount // 10
        )
        charge = company.payments.attempt(
            at + 2, buyer, intent, rng, None, transfer_data=data,
            transfer_group=f"group_{intent['id']}", application_fee_amount=amount // 10,
        )  # fmt: skip
        transfer = self.transfer(at + 3, seller, amount, charge)
        fee = self.application_fee(at + 3, seller, amount // 10, charge["id"])
        change(
            company.store, at + 3, "charge.updated", charge, transfer=transfer["id"],
            application_fee=fee["id"],
        )  # fmt: skip
        if rng.random() < 0.15:
            company.plan(at + 2 * DAY, partial(self.reverse, transfer))

    def direct_charge(self, at: int) -> None:
        """The seller charges on its own account: the platform only sees its application fee."""
        company = self.company
        rng = company.rng("direct", at)
        seller, amount = rng.choice(list(SELLERS)), rng.choice((450, 990))
        fee = self.application_fee(at, seller, amount, company.ids.new("py"))
        if rng.random() < 0.2:
            company.plan(at + DAY, partial(self.refund_fee, fee))

    def split_payment(self, at: int) -> None:
        """One payment, transferred to two sellers in parts (separate charges and transfers)."""
        company = self.company
        rng = company.rng("split", at)
        buyers = [
            c for c in company.customers if c.currency == "usd" and c.method["type"] == "card"
        ]
        if not buyers:
            return
        buyer = rng.choice(buyers)
        group = f"order_{company.number}"
        intent = company.payments.intent(at, buyer, 24_000, "usd", transfer_group=group)
        charge = company.payments.attempt(
            at + 2, buyer, intent, rng, None, transfer_group=group
        )  # fmt: skip
        for seller, amount in zip(SELLERS, (14_000, 7_000), strict=True):
            self.transfer(at + 30, seller, amount, charge)

    def transfer(self, at: int, seller: str, amount: int, charge: Object) -> Object:
        company = self.company
        id = company.ids.new("tr")
        transfer = blank(
            "transfer", id=id, amount=amount, amount_reversed=0, created=at, currency="usd",
            destination=seller, livemode=False, metadata={}, reversed=False,
            reversals=empty_list(f"/v1/transfers/{id}/reversals"), source_type="card",
            source_transaction=charge["id"], transfer_group=charge["transfer_group"],
        )  # fmt: skip
        entry = company.books.record(at, "transfer", "transfer", -amount, "usd", id, days=2)
        transfer["balance_transaction"] = entry["id"]
        return keep(company.store, at, "transfer.created", transfer)

    def reverse(self, transfer: Object, at: int) -> None:
        """Take half of a transfer back."""
        company = self.company
        amount, id = transfer["amount"] // 2, company.ids.new("trr")
        entry = company.books.record(
            at, "transfer_refund", "transfer_reversal", amount, "usd", id, days=0
        )
        reversal = blank(
            "transfer_reversal", id=id, amount=amount, balance_transaction=entry["id"], created=at,
            currency="usd", metadata={}, transfer=transfer["id"],
        )  # fmt: skip
        company.store.put(reversal)
        change(
            company.store, at, "transfer.reversed", transfer,
            amount_reversed=transfer["amount_reversed"] + amount,
            reversals=transfer["reversals"] | {"data": [reversal]},
        )  # fmt: skip

    def application_fee(self, at: int, seller: str, amount: int, charge: str) -> Object:
        company = self.company
        id = company.ids.new("fee")
        entry = company.books.record(
            at, "application_fee", "platform_earning", amount, "usd", id, days=2
        )
        fee = blank(
            "application_fee", id=id, account=seller, amount=amount, amount_refunded=0,
            application="ca_SandboxPlatform00000000000000", balance_transaction=entry["id"],
            charge=charge, created=at, currency="usd", livemode=False, refunded=False,
            refunds=empty_list(f"/v1/application_fees/{id}/refunds"),
        )  # fmt: skip
        return keep(company.store, at, "application_fee.created", fee)

    def refund_fee(self, fee: Object, at: int) -> None:
        """Give an application fee back to the seller."""
        company = self.company
        id = company.ids.new("fr")
        entry = company.books.record(
            at, "application_fee_refund", "platform_earning_refund", -fee["amount"], "usd", id,
            days=0,
        )  # fmt: skip
        refund = blank(
            "fee_refund", id=id, amount=fee["amount"], balance_transaction=entry["id"],
            created=at, currency="usd", fee=fee["id"], metadata={},
        )  # fmt: skip
        company.store.put(refund)
        change(
            company.store, at, "application_fee.refunded", fee, amount_refunded=fee["amount"],
            refunded=True, refunds=fee["refunds"] | {"data": [refund]},
        )  # fmt: skip
