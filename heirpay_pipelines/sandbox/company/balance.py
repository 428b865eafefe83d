"""The account's books: balance transactions, payouts, and the balance that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heirpay_pipelines.sandbox.company.calendar import DAY, business_day_after, moment
from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
SETTLEMENT_DAYS = 2
DAILY_FROM_DAY = 488
"""Payouts are weekly (Mondays) until this day of the company's life, then on business days."""
BANK_ACCOUNT = {"usd": "ba_1SandboxBankUSD00000000", "eur": "ba_1SandboxBankEUR00000000"}
CURRENCIES = ("usd", "eur")


class Books:
    """Records every movement; an automatic payout takes what has become available."""

    def __init__(self, store: Store, ids: Ids, start: int) -> None:
        self.store, self.ids, self.start = store, ids, start
        self.daily_from = DAILY_FROM_DAY
        self.unpaid: dict[str, list[Object]] = {currency: [] for currency in CURRENCIES}
        self.in_transit: list[Object] = []
        self.pending: list[Object] = []

    def record(
        self, at: int, kind: str, category: str, amount: int, currency: str, source: str | None,
        *, fee: int = 0, rate: float | None = None, days: int = SETTLEMENT_DAYS,
        description: str | None = None, payable: bool = True,
    ) -> Object:  # fmt: skip
        """One balance transaction. `payable` ones wait for an automatic payout."""
        available = business_day_after(at, days) if days else at
        details = (
            [{"amount": fee, "application": None, "currency": currency,
              "description": "Stripe processing fees", "type": "stripe_fee"}] if fee else []
        )  # fmt: skip
        entry = blank(
            "balance_transaction", id=self.ids.new("txn"), amount=amount, available_on=available,
            balance_type="payments", created=at, currency=currency, description=description,
            exchange_rate=rate, fee=fee, fee_details=details, net=amount - fee,
            reporting_category=category, source=source,
            status="available" if available <= at else "pending", type=kind,
        )  # fmt: skip
        self.store.put(entry)
        if available > at:
            self.pending.append(entry)
        if payable:
            self.unpaid[currency].append(entry)
        return entry

    def available(self, currency: str, at: int) -> int:
        """What is available for payout at an instant."""
        return sum(e["net"] for e in self.unpaid[currency] if e["available_on"] <= at)

    def take_available(self, currency: str, at: int) -> list[Object]:
        """What a payout of all that is available is made of; it waits for no other payout."""
        ready = [e for e in self.unpaid[currency] if e["available_on"] <= at]
        self.unpaid[currency] = [e for e in self.unpaid[currency] if e["available_on"] > at]
        return ready

    def pay_out_day(self, day: int) -> None:
        """Make the automatic payouts that are due on this day (its first instant)."""
        number, weekday = (day - self.start) // DAY, moment(day).weekday()
        due = weekday < 5 if number >= self.daily_from else weekday == 0
        for currency in CURRENCIES if due else ():
            self._automatic(day + 300, currency)

    def _automatic(self, at: int, currency: str) -> None:
        total = self.available(currency, at)
        if total == 0:
            return
        ready = self.take_available(currency, at)
        payout = self.payout(at, total, currency, automatic=True, method="standard")
        self.store.link_payout(
            payout["id"], [*(e["id"] for e in ready), payout["balance_transaction"]]
        )

    def payout(
        self, at: int, amount: int, currency: str, *, automatic: bool, method: str,
        fee: int = 0,
    ) -> Object:  # fmt: skip
        """A payout to the bank and the balance transaction that takes it from the balance."""
        arrival = at - at % DAY if method == "instant" else business_day_after(at, 2)
        payout = blank(
            "payout", id=self.ids.new("po"), amount=amount, arrival_date=arrival,
            automatic=automatic, created=at, currency=currency, description="STRIPE PAYOUT",
            destination=BANK_ACCOUNT[currency], livemode=False, metadata={}, method=method,
            reconciliation_status="in_progress" if automatic else "not_applicable",
            source_type="card", statement_descriptor=None, status="in_transit",
            trace_id={"status": "supported", "value": None}, type="bank_account",
        )  # fmt: skip
        entry = self.record(
            at, "payout", "payout", -amount, currency, payout["id"], fee=fee, days=0,
            description="STRIPE PAYOUT", payable=False,
        )  # fmt: skip
        payout["balance_transaction"] = entry["id"]
        keep(self.store, at, "payout.created", payout)
        self.in_transit.append(payout)
        return payout

    def settle_payouts(self, day: int, failing: Iterable[str] = ()) -> None:
        """Payouts that arrive on this day are paid; those in `failing` come back."""
        arrived = [payout for payout in self.in_transit if payout["arrival_date"] <= day]
        self.in_transit = [payout for payout in self.in_transit if payout["arrival_date"] > day]
        for payout in arrived:
            if payout["id"] in failing:
                self._return(payout, day + 7_200)
                continue
            trace = f"TRACE{payout['id'][-10:].upper()}"
            change(
                self.store, day + 7_200, "payout.paid", payout, status="paid",
                trace_id={"status": "supported", "value": trace},
            )  # fmt: skip
            if payout["automatic"]:
                change(
                    self.store, day + 7_260, "payout.reconciliation_completed", payout,
                    reconciliation_status="completed",
                )  # fmt: skip

    def _return(self, payout: Object, at: int) -> None:
        """The bank refused it: the money comes back as a transaction of its own."""
        entry = self.record(
            at, "payout_failure", "payout_reversal", payout["amount"], payout["currency"],
            payout["id"], days=0, description="Failed payout",
        )  # fmt: skip
        done = "completed" if payout["automatic"] else "not_applicable"
        change(
            self.store, at, "payout.failed", payout, status="failed",
            failure_code="account_closed", failure_message="The bank account has been closed.",
            failure_balance_transaction=entry["id"], reconciliation_status=done,
        )  # fmt: skip

    def cancel(self, at: int, payout: Object) -> None:
        """A manual payout is cancelled on its own day: its amount never left."""
        entry = self.record(
            at, "payout_cancel", "payout_reversal", payout["amount"], payout["currency"],
            payout["id"], days=0, description="Cancelled payout", payable=False,
        )  # fmt: skip
        self.in_transit.remove(payout)
        change(
            self.store, at, "payout.canceled", payout, status="canceled",
            failure_balance_transaction=entry["id"],
        )  # fmt: skip

    def close(self, now: int) -> None:
        """Set what depends on the clock: which transactions are available, and the balance."""
        for entry in self.pending:
            if entry["available_on"] <= now:
                entry["status"] = "available"
                self.store.put(entry)
        self.pending = [e for e in self.pending if e["status"] == "pending"]
        sums: dict[tuple[str, str], int] = {}
        for entry in self.store.all("balance_transaction"):
            key = (entry["status"], entry["currency"])
            sums[key] = sums.get(key, 0) + entry["net"]
        parts = {
            status: [
                {"amount": sums.get((status, currency), 0), "currency": currency,
                 "source_types": {"card": sums.get((status, currency), 0)}}
                for currency in CURRENCIES
            ]
            for status in ("available", "pending")
        }  # fmt: skip
        self.store.put({"object": "balance", "id": "balance", "livemode": False, **parts})
