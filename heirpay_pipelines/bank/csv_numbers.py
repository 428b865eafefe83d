"""Amounts as people and banks write them in CSV: signs, brackets, currencies, grouping.

A number is read in one way or refused: grouping is checked, never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from heirpay_pipelines.bank.amounts import plain_decimal
from heirpay_pipelines.bank.statement import StatementError

BLANKS = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\u2008\u200a\u2002\u2003\t"), " ")
MINUS = dict.fromkeys(map(ord, "\u2212\u2012\u2013\u2014\ufe63\uff0d"), "-")
APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u0060\u00b4"), "'")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff\u202a\u202c"), None)
SAME = {**BLANKS, **MINUS, **APOSTROPHES, **INVISIBLE}
DOLLARS = (
    "usd", "aud", "cad", "nzd", "sgd", "hkd", "twd", "mxn", "clp", "cop", "ars", "brl", "uyu",
    "dop", "nio", "bbd", "bsd", "bmd", "bnd", "bzd", "fjd", "gyd", "jmd", "kyd", "lrd", "nad",
    "sbd", "srd", "ttd", "xcd", "cve", "mop", "top", "wst",
)  # fmt: skip
SYMBOLS = {
    "$": DOLLARS,
    "€": ("eur",),
    "£": ("gbp", "egp", "fkp", "gip", "shp", "lbp"),
    "¥": ("jpy", "cny"),
    "₹": ("inr",),
}
CREDIT_WORDS, DEBIT_WORDS = ("cr",), ("dr", "db")
WORD = r"([A-Z]{0,3}[$€£¥₹]|[A-Za-z]{2,3}\.?)?"
AROUND = re.compile(rf"{WORD} ?([^A-Za-z$€£¥₹]*?) ?{WORD}")
CORE = re.compile(r"[0-9][0-9,.' ]*|[.,][0-9]+")
TWO_WAYS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
BY_THREES = re.compile(r"[1-9][0-9]{0,2}([,.' ])[0-9]{3}(?:\1[0-9]{3})*")
INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")
PROOF = re.compile(r"(?:[0-9,' ]*[^0-9]|[0-9]{4,}|0)?[0-9]*([.,])(?:[0-9]{1,2}|[0-9]{4,9})")
LONGEST = 64


@dataclass(frozen=True)
class Numbers:
    """How the numbers of a file are written. `decimal` and `grouping` are None where the mapping
    does not say; `proven` is the decimal sign that its numbers prove."""

    decimal: str | None
    grouping: str | None
    proven: str | None = None

    def read(self, text: str, currency: str, exponent: int) -> Decimal:
        """An amount. StatementError when it is none, or could be another."""
        sign, core = stripped(text, currency)
        decimal = self.decimal or "."
        if (
            self.decimal is None
            and self.proven != decimal
            and TWO_WAYS.fullmatch(core)
            and not (exponent == 3 and decimal in core)
        ):
            raise _ambiguous("an amount can be read in two ways (1,234 or 1.234)")
        whole, point, fraction = core.partition(decimal)
        if decimal in fraction or not (fraction == "" or fraction.isdecimal()):
            raise _ambiguous("an amount's grouping is not groups of three before the decimal sign")
        return sign * plain_decimal(f"{self._whole(whole)}{'.' if point else ''}{fraction}")

    def _whole(self, whole: str) -> str:
        if whole.isdecimal() or not whole:
            return whole
        grouped = BY_THREES.fullmatch(whole)
        mark = grouped[1] if grouped else None
        if mark is None and self.grouping == "," and INDIAN.fullmatch(whole):
            mark = ","  # lakhs, where the mapping says that commas group
        if mark is None or mark not in self._marks():
            raise _ambiguous("an amount's grouping is not groups of three")
        return whole.replace(mark, "")

    def _marks(self) -> frozenset[str]:
        if self.grouping is not None:
            return frozenset(self.grouping) if self.grouping != "none" else frozenset()
        return frozenset(",.' ") - {self.decimal or "."}


def proven_by(texts: Iterable[str]) -> set[str]:
    """The decimal signs that these amounts can only have: one or two digits, or more than three,
    after it."""
    found: set[str] = set()
    for text in texts:
        try:
            _, core = stripped(text, None)
        except StatementError:
            continue
        proof = PROOF.fullmatch(core)
        if proof and core.count(proof[1]) == 1:
            found.add(proof[1])
    return found


def stripped(text: str, currency: str | None) -> tuple[int, str]:
    """Sign and digits of an amount, without brackets and the currency that stands with it."""
    if len(text) > LONGEST:
        raise _no_amount()
    plain = text.translate(SAME).strip()
    signs = 0
    if plain.startswith("(") and plain.endswith(")"):
        plain, signs = plain[1:-1].strip(), 1
    plain, more = _unsigned(plain)
    around = AROUND.fullmatch(plain)
    if around is None:
        raise _no_amount()
    core, again = _unsigned(around[2].strip())
    word = _stated(around[1], around[3], currency)
    signs += more + again + word
    if signs > 1 or not CORE.fullmatch(core):
        raise _no_amount()
    return -1 if signs else 1, core.strip()


def _unsigned(plain: str) -> tuple[str, int]:
    """Without a sign before or after it, and whether that was a minus."""
    if plain[:1] in ("+", "-"):
        return plain[1:].strip(), int(plain[0] == "-")
    if plain[-1:] in ("+", "-"):
        return plain[:-1].strip(), int(plain[-1] == "-")
    return plain, 0


def _stated(before: str | None, after: str | None, currency: str | None) -> int:
    """Whether a word beside the number says debit. Another currency than the line's is an error."""
    debit = 0
    for word in (before, after):
        plain = (word or "").lower().strip(".")
        if not plain or plain in CREDIT_WORDS:
            continue
        if plain in DEBIT_WORDS:
            debit = 1
        elif plain[-1] in SYMBOLS and currency and currency not in SYMBOLS[plain[-1]]:
            raise StatementError(f"an amount carries another currency's sign than {currency}'s")
        elif plain.isalpha() and len(plain) == 3 and currency and plain != currency:
            raise StatementError(f"an amount carries another currency than {currency}")
        elif plain.isalpha() and len(plain) != 3 and plain not in ("fr", "kr", "zł", "rs", "rp"):
            raise _no_amount()
    return debit


def _no_amount() -> StatementError:
    return StatementError("a cell is no amount", remedy="correct the cell, or the mapping's column")


def _ambiguous(what: str) -> StatementError:
    return StatementError(
        what, remedy="say in mapping.yaml which sign is the `decimal` one, and the `grouping`"
    )
