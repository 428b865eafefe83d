"""Bank statement formats: ISO 20022 camt.053, SWIFT MT940, and one bank's CSV."""

from __future__ import annotations

import io
from csv import writer
from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as Xml  # written only, never parsed

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
NO_REFERENCE = "NONREF"
"""What SWIFT puts where a booking has no reference."""


@dataclass(frozen=True)
class Account:
    """A bank account: its number (an IBAN, or a national one), its bank's BIC, minor units held."""

    number: str
    bic: str
    currency: str
    opening: int


@dataclass(frozen=True)
class Entry:
    """One booking; `amount` in minor units, negative for a debit."""

    booked_on: date
    amount: int
    reference: str
    text: str


@dataclass(frozen=True)
class Statement:
    account: Account
    number: int
    first: date
    last: date
    opening: int
    entries: list[Entry]

    @property
    def closing(self) -> int:
        return self.opening + sum(entry.amount for entry in self.entries)


def camt053(statement: Statement) -> bytes:
    """ISO 20022 camt.053.001.08."""
    account = statement.account
    document = Xml.Element("Document", xmlns=NAMESPACE)
    body = Xml.SubElement(document, "BkToCstmrStmt")
    header = Xml.SubElement(body, "GrpHdr")
    _text(header, "MsgId", f"{account.bic}{statement.last:%Y%m%d}{statement.number:05d}")
    _text(header, "CreDtTm", f"{statement.last}T23:30:00Z")
    stmt = Xml.SubElement(body, "Stmt")
    _text(stmt, "Id", f"{statement.last:%Y}-{statement.number:05d}")
    _text(stmt, "ElctrncSeqNb", str(statement.number))
    _text(stmt, "CreDtTm", f"{statement.last}T23:30:00Z")
    span = Xml.SubElement(stmt, "FrToDt")
    _text(span, "FrDtTm", f"{statement.first}T00:00:00Z")
    _text(span, "ToDtTm", f"{statement.last}T23:59:59Z")
    acct = Xml.SubElement(stmt, "Acct")
    _text(Xml.SubElement(acct, "Id"), "IBAN", account.number)
    _text(acct, "Ccy", account.currency.upper())
    servicer = Xml.SubElement(Xml.SubElement(acct, "Svcr"), "FinInstnId")
    _text(servicer, "BICFI", account.bic)
    _balance(stmt, "OPBD", statement.opening, account.currency, statement.first)
    _balance(stmt, "CLBD", statement.closing, account.currency, statement.last)
    for position, entry in enumerate(statement.entries, 1):
        _camt_entry(stmt, statement, position, entry)
    Xml.indent(document)
    text: bytes = Xml.tostring(document, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _camt_entry(stmt: Xml.Element, statement: Statement, position: int, entry: Entry) -> None:
    unique = f"{statement.account.bic}{statement.number:05d}{position:03d}"
    ntry = Xml.SubElement(stmt, "Ntry")
    _text(ntry, "NtryRef", str(position))
    _amount(ntry, entry.amount, statement.account.currency)
    _text(Xml.SubElement(ntry, "Sts"), "Cd", "BOOK")
    _text(Xml.SubElement(ntry, "BookgDt"), "Dt", str(entry.booked_on))
    _text(Xml.SubElement(ntry, "ValDt"), "Dt", str(entry.booked_on))
    _text(ntry, "AcctSvcrRef", unique)
    domain = Xml.SubElement(Xml.SubElement(ntry, "BkTxCd"), "Domn")
    _text(domain, "Cd", "PMNT")
    family = Xml.SubElement(domain, "Fmly")
    _text(family, "Cd", "RCDT" if entry.amount > 0 else "ICDT")
    _text(family, "SubFmlyCd", "ESCT")
    details = Xml.SubElement(Xml.SubElement(ntry, "NtryDtls"), "TxDtls")
    references = Xml.SubElement(details, "Refs")
    _text(
        references, "EndToEndId", entry.reference if entry.reference != "NONREF" else "NOTPROVIDED"
    )
    _text(Xml.SubElement(details, "RmtInf"), "Ustrd", entry.text)


def _balance(stmt: Xml.Element, code: str, amount: int, currency: str, day: date) -> None:
    balance = Xml.SubElement(stmt, "Bal")
    _text(Xml.SubElement(Xml.SubElement(balance, "Tp"), "CdOrPrtry"), "Cd", code)
    _amount(balance, amount, currency)
    _text(Xml.SubElement(balance, "Dt"), "Dt", str(day))


def _amount(parent: Xml.Element, amount: int, currency: str) -> None:
    _text(parent, "Amt", major(abs(amount))).set("Ccy", currency.upper())
    _text(parent, "CdtDbtInd", "CRDT" if amount >= 0 else "DBIT")


def _text(parent: Xml.Element, name: str, value: str) -> Xml.Element:
    element = Xml.SubElement(parent, name)
    element.text = value
    return element


def mt940(statement: Statement) -> bytes:
    """SWIFT MT940: one message, without the network's header and trailer blocks."""
    account, currency = statement.account, statement.account.currency.upper()
    lines = [
        f":20:ST{statement.last:%y%m%d}{statement.number:05d}",
        f":25:{account.bic}/{account.number}",
        f":28C:{statement.number % 100_000}/1",
        f":60F:{_swift_balance(statement.opening, statement.first, currency)}",
    ]
    for position, entry in enumerate(statement.entries, 1):
        mark = "C" if entry.amount >= 0 else "D"
        day = f"{entry.booked_on:%y%m%d}{entry.booked_on:%m%d}"
        own = f"{statement.number:05d}{position:03d}"
        lines.append(
            f":61:{day}{mark}{_swift_amount(entry.amount)}NTRF{entry.reference[:16]}//{own}"
        )
        lines.append(f":86:{entry.text} {entry.reference}"[:65])
    lines += [f":62F:{_swift_balance(statement.closing, statement.last, currency)}", "-"]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _swift_balance(amount: int, day: date, currency: str) -> str:
    return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}{currency}{_swift_amount(amount)}"


def _swift_amount(amount: int) -> str:
    return major(abs(amount)).replace(".", ",")


def csv(statement: Statement) -> bytes:
    """The bank's own export: one header line, ISO dates, a running balance."""
    text = io.StringIO(newline="")
    rows = writer(text, lineterminator="\r\n")
    rows.writerow(
        ["Account", "Booking date", "Value date", "Amount", "Currency", "Reference",
         "Description", "Balance"]
    )  # fmt: skip
    balance = statement.opening
    for entry in statement.entries:
        balance += entry.amount
        rows.writerow(
            [statement.account.number, entry.booked_on, entry.booked_on, major(entry.amount),
             statement.account.currency.upper(), entry.reference, entry.text, major(balance)]
        )  # fmt: skip
    return text.getvalue().encode("utf-8")


def major(amount: int) -> str:
    """Minor units of a two-decimal currency as a decimal number."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"
