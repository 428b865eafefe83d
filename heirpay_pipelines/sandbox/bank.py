"""The bank's statements for the account's payouts: camt.053 for euros, MT940 and CSV for dollars."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from heirpay_pipelines.sandbox.store import Store

EUR_ACCOUNT, USD_ACCOUNT = "DE89370400440532013000", "US-021000021-000123456789"
STRAY_CREDIT = 32_100
MISSING_FROM_END = 6
"""Which of the paid euro payouts, counted from the end, the statement lacks."""


@dataclass(frozen=True)
class Entry:
    """One line of a statement; `amount` in minor units of a two-decimal currency."""

    booked: date
    amount: int
    reference: str
    text: str


def write_bank_statements(store: Store, folder: Path) -> None:
    """Write a statement file for each currency and month. A file is replaced whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for currency, write, suffix in (("eur", _camt053, "xml"), ("usd", _mt940, "sta")):
        months: dict[str, list[Entry]] = {}
        for entry in _entries(store, currency):
            months.setdefault(f"{entry.booked:%Y-%m}", []).append(entry)
        opening = 0
        for month, entries in sorted(months.items()):
            as_csv = currency == "usd" and month == min(months)
            path = folder / f"{currency}-{month}.{'csv' if as_csv else suffix}"
            (_csv if as_csv else write)(path, month, opening, entries)
            opening += sum(entry.amount for entry in entries)


def _entries(store: Store, currency: str) -> list[Entry]:
    paid = [p for p in store.all("payout") if p["currency"] == currency and p["status"] == "paid"]
    if currency == "eur" and len(paid) > MISSING_FROM_END:
        missing = paid[-MISSING_FROM_END]
        stray = Entry(_day(missing["arrival_date"]), STRAY_CREDIT, "NONREF", "INCOMING TRANSFER")
        kept = [_entry(p) for p in paid if p is not missing]
        return sorted([*kept, stray], key=lambda e: (e.booked, e.reference))
    return sorted((_entry(p) for p in paid), key=lambda e: (e.booked, e.reference))


def _entry(payout: dict[str, Any]) -> Entry:
    reference = payout["trace_id"]["value"]
    return Entry(_day(payout["arrival_date"]), payout["amount"], reference, "STRIPE PAYOUT")


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _major(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def _camt053(path: Path, month: str, opening: int, entries: list[Entry]) -> None:
    closing = opening + sum(entry.amount for entry in entries)
    lines = "".join(
        f"<Ntry><Amt Ccy='EUR'>{abs(_major(e.amount))}</Amt>"
        f"<CdtDbtInd>{_sign(e.amount)}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{e.booked}</Dt></BookgDt><ValDt><Dt>{e.booked}</Dt></ValDt>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(e.reference)}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{escape(e.text)} {escape(e.reference)}</Ustrd></RmtInf></TxDtls>"
        "</NtryDtls></Ntry>"
        for e in entries
    )
    path.write_text(
        "<?xml version='1.0' encoding='UTF-8'?>"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>EUR{month}</MsgId><CreDtTm>{entries[-1].booked}T23:00:00</CreDtTm>"
        f"</GrpHdr><Stmt><Id>EUR-{month}</Id><Acct><Id><IBAN>{EUR_ACCOUNT}</IBAN></Id>"
        "<Ccy>EUR</Ccy></Acct>"
        f"{_balance('OPBD', opening, entries[0].booked)}{_balance('CLBD', closing, entries[-1].booked)}"
        f"{lines}</Stmt></BkToCstmrStmt></Document>\n"
    )


def _balance(kind: str, amount: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f"<Amt Ccy='EUR'>{abs(_major(amount))}</Amt><CdtDbtInd>{_sign(amount)}</CdtDbtInd>"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _sign(amount: int) -> str:
    return "CRDT" if amount >= 0 else "DBIT"


def _mt940(path: Path, month: str, opening: int, entries: list[Entry]) -> None:
    closing = opening + sum(entry.amount for entry in entries)
    body = [f":20:USD{month.replace('-', '')}", f":25:{USD_ACCOUNT}", ":28C:1/1",
            f":60F:{_mark(opening)}{entries[0].booked:%y%m%d}USD{_comma(opening)}"]  # fmt: skip
    for e in entries:
        body.append(
            f":61:{e.booked:%y%m%d}{e.booked:%m%d}{_mark(e.amount)}{_comma(e.amount)}"
            f"NTRF{e.reference[-16:]}"
        )
        body.append(f":86:{e.text} {e.reference}")
    body.append(f":62F:{_mark(closing)}{entries[-1].booked:%y%m%d}USD{_comma(closing)}")
    path.write_text("\n".join(body) + "\n-\n")


def _mark(amount: int) -> str:
    return "C" if amount >= 0 else "D"


def _comma(amount: int) -> str:
    return f"{abs(_major(amount))}".replace(".", ",")


def _csv(path: Path, month: str, opening: int, entries: list[Entry]) -> None:
    balance = opening
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Account", "Date", "Amount", "Currency", "Reference", "Text", "Balance"])
        for e in entries:
            balance += e.amount
            row = [USD_ACCOUNT, e.booked, _major(e.amount), "USD", e.reference, e.text]
            writer.writerow([*row, _major(balance)])
