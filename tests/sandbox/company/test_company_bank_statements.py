"""The bank books every payout but the planted one, and its statements hang together."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import mt940
import pytest
from company_account import DAY, NOW, build, default_company
from defusedxml import ElementTree

from heirpay_pipelines.sandbox.bank import STRAY_CREDIT, missing_payout, write_bank_statements

NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
Booking = tuple[date, int, str]
Read = tuple[int, int, list[Booking]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bank")
    write_bank_statements(default_company().store, path)
    return path


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def read_camt053(path: Path) -> Read:
    root = ElementTree.fromstring(path.read_bytes())
    sign = {"CRDT": 1, "DBIT": -1}

    def amount(node: Any) -> int:
        mark = sign[node.findtext("c:CdtDbtInd", namespaces=NS)]
        return mark * minor(node.findtext("c:Amt", namespaces=NS))

    balances = {
        bal.findtext("c:Tp/c:CdOrPrtry/c:Cd", namespaces=NS): amount(bal)
        for bal in root.iter(f"{{{NS['c']}}}Bal")
    }
    entries = [
        (date.fromisoformat(n.findtext("c:BookgDt/c:Dt", namespaces=NS)), amount(n),
         n.findtext("c:NtryDtls/c:TxDtls/c:RmtInf/c:Ustrd", namespaces=NS))
        for n in root.iter(f"{{{NS['c']}}}Ntry")
    ]  # fmt: skip
    return balances["OPBD"], balances["CLBD"], entries


def read_mt940(path: Path) -> Read:
    parsed = mt940.parse(path.read_text())
    opening = parsed.data["final_opening_balance"].amount.amount
    closing = parsed.data["final_closing_balance"].amount.amount
    entries = [
        (entry.data["date"], int(entry.data["amount"].amount * 100),
         entry.data["transaction_details"])
        for entry in parsed
    ]  # fmt: skip
    return int(opening * 100), int(closing * 100), entries


def read_csv(path: Path) -> Read:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    entries = [(date.fromisoformat(row["Booking date"]), minor(row["Amount"]), row["Description"])
               for row in rows]  # fmt: skip
    closing = minor(rows[-1]["Balance"])
    return minor(rows[0]["Balance"]) - entries[0][1], closing, entries


READERS = {".xml": read_camt053, ".sta": read_mt940, ".csv": read_csv}


def test_statements_follow_each_other(folder: Path) -> None:
    """Opening + bookings = closing, and each begins where the one before it ended."""
    seen = set()
    for currency in ("usd", "eur"):
        balance = None
        for path in sorted(folder.glob(f"{currency}-*"), key=lambda p: (len(p.stem) > 14, p.name)):
            opening, closing, entries = READERS[path.suffix](path)
            assert opening + sum(amount for _, amount, _ in entries) == closing
            assert balance in (None, opening), path.name
            balance = closing
            seen.add(path.suffix)
            assert path.stat().st_mode & 0o777 == 0o600
    assert seen == set(READERS)


def test_the_bank_books_the_payouts(folder: Path) -> None:
    store = default_company().store
    lost = missing_payout(store)
    assert lost is not None
    for currency in ("usd", "eur"):
        booked = [
            (day, amount)
            for path in folder.glob(f"{currency}-*")
            for day, amount, text in READERS[path.suffix](path)[2]
            if "STRIPE" in text and "TOP-UP" not in text
        ]
        until = max(day for day, _ in booked)
        paid = [p for p in store.all("payout") if p["currency"] == currency
                and p["status"] == "paid" and p["id"] != lost["id"]]  # fmt: skip
        old = [p for p in paid if _day(p["arrival_date"]) < _day(NOW - 12 * DAY)]
        total = sum(amount for _, amount in booked) - (STRAY_CREDIT if currency == "usd" else 0)
        recent = [p["amount"] for p in paid if p not in old]
        still_out = sum(p["amount"] for p in paid) - total
        assert still_out == 0 or still_out in _sums(recent)
        assert until <= _day(NOW - DAY)
        assert not any(amount == lost["amount"] and currency == "usd" for _, amount in booked)
    collective = [1 for path in folder.iterdir()
                  for _, _, text in READERS[path.suffix](path)[2]
                  if "COLLECTIVE" in text]  # fmt: skip
    assert len(collective) >= 2


def _sums(amounts: list[int]) -> set[int]:
    """What one or two of the newest payouts add up to."""
    return set(amounts[-3:]) | {a + b for a in amounts[-3:] for b in amounts[-3:]}


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def test_a_statement_never_changes(folder: Path, tmp_path: Path) -> None:
    earlier = build(NOW - 20 * DAY)
    written = write_bank_statements(earlier.store, tmp_path)
    assert len(written) > 30
    for path in written:
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
