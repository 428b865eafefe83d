"""Keyed pseudonyms: the same id always becomes the same pseudonym, and only the key leads back.

The key is made once and lies in the state file. Article 4(5) of the GDPR demands that it is kept
apart from the data: it is never copied into the warehouse, a report or an export.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from heirpay_pipelines.state.database import State

MARK = "erased"
IS_PSEUDONYM = f"_{MARK}[a-p]{{20}}$"
"""A regular expression: nobody can be asked about such an id."""
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
BLOCK = 64  # bytes, of SHA-256 (FIPS 198-1)


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms and hashes under one key (32 bytes)."""

    key: bytes = field(repr=False)

    def hash(self, value: str) -> str:
        """HMAC-SHA256 in hexadecimal: what the suppression list keeps of an id."""
        return hmac.digest(self.key, value.encode(), "sha256").hex()

    def of(self, value: str) -> str:
        """`cus_NffrFeUfNV2Hib` → `cus_erased…`; a pseudonym stays what it is.

        Letters only: digits could look like a card number.
        """
        prefix, separator, rest = value.rpartition("_")
        if rest.startswith(MARK):
            return value
        return f"{prefix}{separator}{MARK}{self.hash(value)[:20].translate(LETTERS)}"

    def create_macro(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let SQL hash, too: `mac(text)` is what `hash` gives."""
        padded = self.key.ljust(BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in padded).hex() for pad in (0x36, 0x5C))
        connection.execute(
            "create temp macro mac(x) as"
            f" sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode(x))))"
        )


@dataclass(frozen=True)
class Erased:
    """Whose data is to stay away: `people` are the erased persons' pseudonyms by the hashes of all
    ids that lead to them, `classes` the classes of personal data that were erased of each."""

    pseudonyms: Pseudonyms
    people: dict[str, str]
    classes: dict[str, frozenset[str]]


def pseudonyms(state: State, at: datetime) -> Pseudonyms:
    """The installation's pseudonyms; the key is made when there is none yet."""
    found = state.rows("select key from pseudonym_key")
    if not found:
        with state.transaction() as connection:
            connection.execute(
                "insert into pseudonym_key values (1, ?, ?) on conflict do nothing",
                (secrets.token_hex(32), at.isoformat()),
            )
        found = state.rows("select key from pseudonym_key")
    return Pseudonyms(bytes.fromhex(found[0]["key"]))


def erased(state: State) -> Erased | None:
    """Who was erased so far; None when nobody was."""
    rows = state.rows(
        "select hash, pseudonym, classes from erased_ids join erasures using (pseudonym)"
    )
    if not rows:
        return None
    key = bytes.fromhex(state.rows("select key from pseudonym_key")[0]["key"])
    return Erased(
        Pseudonyms(key),
        {row["hash"]: row["pseudonym"] for row in rows},
        {row["pseudonym"]: frozenset(row["classes"].split()) for row in rows},
    )


def suppress(state: State, pseudonym: str, hashes: Iterable[str]) -> None:
    """Keep the hashes of more ids that lead to an erased person."""
    with state.transaction() as connection:
        connection.executemany(
            "insert into erased_ids values (?, ?) on conflict do nothing",
            [(value, pseudonym) for value in hashes],
        )
