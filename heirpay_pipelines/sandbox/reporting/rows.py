"""The rows of each report, from the account's balance transactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from heirpay_pipelines.sandbox.reporting.cells import Line, date_text, major_units
from heirpay_pipelines.sandbox.store import Object, Store

PAYOUT_CATEGORIES = ("payout", "payout_reversal")


@dataclass(frozen=True)
class Span:
    """What a run asks for: instants from `start` until before `end`, and filters."""

    start: int
    end: int
    zone: ZoneInfo
    currency: str | None = None
    category: str | None = None

    def wants(self, transaction: Object) -> bool:
        return self.currency in (None, transaction["currency"]) and self.category in (
            None,
            transaction["reporting_category"],
        )

    def holds(self, instant: int) -> bool:
        return self.start <= instant < self.end


def effective_at(store: Store, transaction: Object) -> int:
    """When a transaction changes the balance as reports count it.

    An automatic payout leaves the balance on the day that it is expected at the bank; everything
    else counts when it is created.
    """
    if transaction["type"] == "payout":
        payout = store.find("payout", transaction["source"])
        if payout is not None and payout["automatic"]:
            return int(payout["arrival_date"])
    return int(transaction["created"])


def rows_of(report_type: str, store: Store, span: Span, columns: list[str]) -> Iterator[list[str]]:
    """The report's rows with these columns, in the order of their instants."""
    if report_type == "balance.summary.1":
        for row in _summary(store, span):
            yield [row[name] for name in columns]
        return
    chosen = {
        "balance_change_from_activity.itemized.3": _activity,
        "payout_reconciliation.itemized.5": _settled,
        "payouts.itemized.3": _payouts,
    }[report_type]
    for transaction, payout in chosen(store, span):
        line = Line(store, transaction, payout, span.zone)
        yield [line.cell(name) for name in columns]


def _activity(store: Store, span: Span) -> Iterator[tuple[Object, Object | None]]:
    """What changed the balance, but for payouts, with the automatic payout that settled it."""
    for transaction in store.all("balance_transaction"):
        if transaction["reporting_category"] in PAYOUT_CATEGORIES or not span.wants(transaction):
            continue
        if span.holds(transaction["created"]):
            payout = store.payout_of(transaction["id"])
            yield transaction, None if payout is None else store.find("payout", payout)


def _settled(store: Store, span: Span) -> Iterator[tuple[Object, Object | None]]:
    """What the automatic payouts settle that are effective in the interval, not they themselves."""
    for payout in sorted(store.all("payout"), key=lambda each: each["arrival_date"]):
        if payout["automatic"] and span.holds(payout["arrival_date"]):
            for transaction in store.payout_contents(payout["id"]):
                if transaction["id"] != payout["balance_transaction"] and span.wants(transaction):
                    yield transaction, payout


def _payouts(store: Store, span: Span) -> Iterator[tuple[Object, Object | None]]:
    """The payouts themselves, and those that came back."""
    for transaction in store.all("balance_transaction"):
        is_payout = transaction["reporting_category"] in PAYOUT_CATEGORIES
        if is_payout and span.wants(transaction) and span.holds(effective_at(store, transaction)):
            yield transaction, store.find("payout", transaction["source"])


def _summary(store: Store, span: Span) -> Iterator[dict[str, str]]:
    """Four rows for each currency: starting balance, activity, payouts, ending balance."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for transaction in store.all("balance_transaction"):
        at = effective_at(store, transaction)
        if at >= span.end or span.currency not in (None, transaction["currency"]):
            continue
        paid_out = transaction["reporting_category"] in PAYOUT_CATEGORIES
        part = "payouts" if paid_out else "activity"
        found = sums[transaction["currency"]]
        found["starting_balance" if at < span.start else part] += transaction["net"]
    first, last = (date_text(at, span.zone) for at in (span.start, span.end - 1))
    named = {
        "starting_balance": f"Starting balance ({first})",
        "activity": "Activity",
        "payouts": "Total payouts",
        "ending_balance": f"Ending balance ({last})",
    }
    for currency in sorted(sums):
        sums[currency]["ending_balance"] = sum(sums[currency].values())
        for category, description in named.items():
            amount = major_units(sums[currency][category], currency)
            yield {
                "category": category,
                "description": description,
                "net_amount": amount,
                "currency": currency,
            }
