"""The encryption key: what is derived from it, and whether it is the one a home was written with.

The state file is the judge: it is the first file of a home, and every command opens it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path, PosixPath

VARIABLE = "HEIRPAY_ENCRYPTION_KEY"
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


def require_key(state_file: Path, key: str | None) -> None:
    """Raise EncryptionKeyError unless `key` opens what this home holds, or it holds nothing yet.

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
    if writable and state_file.is_file() and state_file.stat().st_size:
        try:
            connect(keyed(state_file, key)).close()
        except Exception as error:
            if not is_of_sqlite(error):
                raise
