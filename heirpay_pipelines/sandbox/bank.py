"""The company's bank: statements of its two accounts, as the bank would deliver them.

Both accounts get a statement for each month until `DAILY_FROM_DAY` of the company's life and one
for each day with bookings after that: in euros as camt.053, in dollars first as CSV, then as MT940.
A statement never changes once its last day is over, and only such statements are written.
"""

from __future__ import annotations

import hashlib
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from heirpay_pipelines.sandbox.bank_formats import (
    NO_REFERENCE,
    Account,
    Entry,
    Statement,
    camt053,
    csv,
    mt940,
)
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
ACCOUNTS = {
    "usd": Account("4417005821", "HPBKUS33", "usd", 1_250_000),
    "eur": Account("DE75512108001245126199", "SSKMDEMM", "eur", 980_000),
}
DAILY_FROM_DAY = 488
MISSING_PAYOUT_DAY, STRAY_CREDIT_DAY = 512, 516
STRAY_CREDIT = 48_731
# What else happens on a bank account, as (day of the month, text, reference, minor units).
OTHER_BOOKINGS = (
    (3, "RENT OFFICE HARBOUR STREET", "RENT", -42_000),
    (15, "WIRE FROM NORTHWIND TRADING INV 1180", "NW", 161_500),
    (25, "SALARIES", "PAYROLL", -183_000),
)


@dataclass(frozen=True)
class _Period:
    first: date
    last: date


def write_bank_statements(store: Store, folder: Path) -> list[Path]:
    """Write every statement that is complete at the account's clock; returns their paths.

    Two problems are planted (`planted.yaml`): one payout in dollars never arrives, and one credit
    that names Stripe belongs to no payout.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = store.get("account", store.account_id)
    opened = _day(account["created"])
    today = _day(store.now)
    written = []
    for currency, bank_account in ACCOUNTS.items():
        entries = _entries(store, currency, opened, today)
        written += _write(folder, bank_account, entries, opened, today)
    return written


def missing_payout(store: Store) -> Object | None:
    """The payout that the bank never books: the first in dollars due from a given day on."""
    from_day = _day(store.get("account", store.account_id)["created"]) + timedelta(
        days=MISSING_PAYOUT_DAY
    )
    due = [
        payout
        for payout in store.all("payout")
        if payout["currency"] == "usd"
        and payout["automatic"]
        and payout["status"] == "paid"
        and payout["amount"] > 0
        and _day(payout["arrival_date"]) >= from_day
    ]
    return min(due, key=lambda payout: (payout["arrival_date"], payout["id"]), default=None)


def _write(
    folder: Path, account: Account, entries: list[Entry], opened: date, today: date
) -> list[Path]:
    written, balance, number = [], account.opening, 0
    daily_from = _month_after(opened + timedelta(days=DAILY_FROM_DAY))
    for period in _periods(opened, today, daily_from):
        booked = [entry for entry in entries if period.first <= entry.booked_on <= period.last]
        if not booked:
            continue
        number += 1
        statement = Statement(account, number, period.first, period.last, balance, booked)
        balance = statement.closing
        path = folder / _file_name(statement, daily_from)
        path.write_bytes(_render(statement, daily_from))
        path.chmod(0o600)
        written.append(path)
    return written


def _render(statement: Statement, daily_from: date) -> bytes:
    if statement.account.currency == "eur":
        return camt053(statement)
    return csv(statement) if statement.first < daily_from else mt940(statement)


def _file_name(statement: Statement, daily_from: date) -> str:
    currency = statement.account.currency
    if statement.first < daily_from:
        suffix = "camt053.xml" if currency == "eur" else "csv"
        return f"{currency}-{statement.first:%Y-%m}.{suffix}"
    suffix = "camt053.xml" if currency == "eur" else "sta"
    return f"{currency}-{statement.first:%Y-%m-%d}.{suffix}"


def _periods(opened: date, today: date, daily_from: date) -> list[_Period]:
    """Whole months, then days; only those that are over."""
    periods, first = [], opened.replace(day=1)
    while first < today:
        if first < daily_from:
            last = first.replace(day=monthrange(first.year, first.month)[1])
        else:
            last = first
        if last < today:
            periods.append(_Period(first, last))
        first = last + timedelta(days=1)
    return periods


def _entries(store: Store, currency: str, opened: date, today: date) -> list[Entry]:
    entries = [
        *_payouts(store, currency),
        *_top_ups(store, currency),
        *_other_bookings(currency, opened, today),
    ]
    if currency == "usd":
        day = _bank_day(opened + timedelta(days=STRAY_CREDIT_DAY))
        entries.append(Entry(day, STRAY_CREDIT, "STRIPE9F31C07", "STRIPE PAYOUT"))
    return sorted(entries, key=lambda entry: (entry.booked_on, entry.reference, entry.amount))


def _payouts(store: Store, currency: str) -> list[Entry]:
    """Each payout that reached the bank, some a day late, some two in one line."""
    lost = missing_payout(store)
    paid = [
        payout
        for payout in store.all("payout")
        if payout["currency"] == currency
        and payout["status"] == "paid"
        and (lost is None or payout["id"] != lost["id"])
    ]
    paid.sort(key=lambda payout: (payout["arrival_date"], payout["id"]))
    entries: list[Entry] = []
    joined: Object | None = None
    for payout in paid:
        arrived = _day(payout["arrival_date"])
        draw = _draw(payout["id"])
        if joined is not None:
            entries.append(_both(joined, payout))
            joined = None
        elif payout["amount"] > 0 and payout["automatic"] and draw < 0.04:
            joined = payout
        else:
            late = timedelta(days=1 if 0.04 <= draw < 0.14 else 0)
            trace = payout["trace_id"]["value"] if draw < 0.9 else NO_REFERENCE
            booked = _bank_day(arrived + late)
            entries.append(Entry(booked, payout["amount"], trace, "STRIPE PAYOUT"))
    return entries


def _both(first: Object, second: Object) -> Entry:
    """One line for two payouts that follow each other, without their traces."""
    booked = _bank_day(_day(second["arrival_date"]))
    return Entry(
        booked, first["amount"] + second["amount"], NO_REFERENCE, "STRIPE COLLECTIVE CREDIT"
    )


def _top_ups(store: Store, currency: str) -> list[Entry]:
    return [
        Entry(_bank_day(_day(topup["created"])), -topup["amount"], "TOPUP", "STRIPE TOP-UP")
        for topup in store.all("topup")
        if topup["currency"] == currency and topup["status"] == "succeeded"
    ]


def _other_bookings(currency: str, opened: date, today: date) -> list[Entry]:
    """Rent, salaries, a customer who pays by wire: what matching has to leave alone."""
    entries, month = [], opened.replace(day=1)
    while month < today:
        for day, text, reference, amount in OTHER_BOOKINGS:
            spread = Random(f"{currency}:{month}:{reference}").randrange(-9_000, 9_000)  # noqa: S311
            booked = _bank_day(month.replace(day=day))
            entries.append(Entry(booked, amount + spread, f"{reference}{month:%y%m}", text))
        month = _month_after(month)
    return [entry for entry in entries if opened <= entry.booked_on < today]


def _month_after(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _bank_day(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _draw(text: str) -> float:
    """A number in [0, 1) that follows from the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32
