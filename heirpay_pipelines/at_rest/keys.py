"""The encryption key: what is derived from it, and whether it is the one a home was written with.

The state file is the judge: it is the first file of a home, and every command opens it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path, PosixPath

from heirpay_pipelines.text.shown import say

VARIABLE = "HEIRPAY_ENCRYPTION_KEY"
SHORTEST = 32
"""Characters of a new key. The files' keys are derived from it without stretching (decision 0005):
its own randomness is all that stands against guessing, and `openssl rand -base64 32` gives 44."""

ROTATION = "rotation.json"
"""Lies beside the state file from the start of a key rotation to its end."""


class EncryptionKeyError(Exception):
    """The key is missing, is another one, or was not used so far. The message says what to do."""

    exit_code = 2


class KeyedPath(PosixPath):
    """A file's path with the key that opens it: who is handed the file cannot forget the key."""

    key: str | None = None


def keyed(path: Path, key: str | None) -> KeyedPath:
    """`path`, to be opened with `key` (None: a plain file)."""
    made = KeyedPath(path)
    made.key = key
    return made


def derived_key(key: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HMAC-SHA-256): what one file's key tells, no other file knows."""
    return hmac.new(key.encode(), purpose.encode(), hashlib.sha256).digest()


def require_strength(key: str) -> None:
    """Raise EncryptionKeyError when a key that nothing is encrypted with yet is too short."""
    if len(key) < SHORTEST:
        raise EncryptionKeyError(
            f"The encryption key has {len(key)} characters; a new one needs {SHORTEST} or more: "
            "take what `openssl rand -base64 32` prints."
        )


def require_key(state_file: Path, key: str | None) -> None:
    """Raise EncryptionKeyError unless `key` opens what this home holds, or is long enough for one
    that holds nothing yet. A short key of an earlier release still opens its home, with a warning.

    A file that the disk does not let us open is not judged: the run that needs it says so and tells
    whom it must, and a reader of the published file needs it not.
    """
    from heirpay_pipelines.at_rest.sqlite import connect, is_of_sqlite

    if state_file.with_name(ROTATION).is_file():
        raise EncryptionKeyError(
            "A key rotation is under way or was interrupted: wait for it, or give `heirpay key "
            "rotate` the same new key again; it goes on where it stopped."
        )
    # A file with a write-ahead log cannot be opened on a read-only disk: who writes there hears so.
    writable = os.access(state_file.parent, os.W_OK)
    is_written = state_file.is_file() and state_file.stat().st_size > 0
    if key and not is_written:
        require_strength(key)
    if writable and is_written:
        try:
            connect(keyed(state_file, key)).close()
        except Exception as error:
            if not is_of_sqlite(error):
                raise
    if key and len(key) < SHORTEST:
        say(
            f"heirpay: {VARIABLE} has fewer than {SHORTEST} characters and can be guessed: put a "
            "longer one in its place with `heirpay key rotate --new-key-file FILE`.",
            err=True,
        )
