"""Opening an SQLite file of ours, plain (sqlite3) or encrypted (SQLCipher).

One process opens one file through one of the two libraries only, never through both: two copies
of SQLite would drop each other's POSIX locks.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest.keys import VARIABLE, EncryptionKeyError, derived_key

PURPOSE = "heirpay state file"
WAIT_SECONDS = 30
WAY_BACK = "Restore it from a backup, or begin a new one with `heirpay repair`."
NOT_A_DATABASE = "not a database"
MEANINGS = {
    "disk I/O error": "the disk refuses to be read or written: is it full?",
    "disk is full": "the disk is full",
    "readonly database": "the file, or its disk, may not be written: give this user access",
    "unable to open database file": "it cannot be opened: give this user access to its folder, and"
    " look whether the disk is full",
    "database is locked": f"another program has kept it locked for {WAIT_SECONDS} seconds: end"
    " that, then start again",
    "table is locked": "another program keeps a table of it locked: end that, then start again",
}
REFUSED = tuple(MEANINGS)


class DamagedFileError(Exception):
    """A file that SQLite cannot read any more. The message says what to do."""


def connect(path: Path) -> Any:
    """A connection (autocommit) to the file, with the key that the path carries (`KeyedPath`).

    An empty or missing file becomes an encrypted one when there is a key. Raises
    EncryptionKeyError when the file needs another key, or none, or one at all, DamagedFileError
    when SQLite finds it damaged.
    """
    key: str | None = getattr(path, "key", None)
    connection = open_encrypting(path, key) if key else _open_plain(path)
    try:
        if _readable(connection):
            return connection
    except connection.DatabaseError as error:
        if type(error).__name__ != "DatabaseError":  # of the disk, or in use: no damage
            raise
        raise DamagedFileError(f"state/{path.name} is damaged ({error}). {WAY_BACK}") from None
    connection.close()
    if key is None:
        raise EncryptionKeyError(
            f"{path.name} is encrypted (or damaged) and {VARIABLE} is not set: set the key that "
            "this HEIRPAY_HOME was written with. If it never had one, the file is damaged: restore "
            "it from a backup, or begin a new one with `heirpay repair --new-state`."
        )
    if opens_without_key(path):
        raise EncryptionKeyError(
            f"This HEIRPAY_HOME was written without a key and {VARIABLE} is set: encrypt it with "
            "`heirpay key rotate`, unset the key, or name another HEIRPAY_HOME."
        )
    raise EncryptionKeyError(
        f"{VARIABLE} does not fit {path.name}: set the key that this HEIRPAY_HOME was written "
        "with. (If it is the right one, the file is damaged: restore it from a backup, or begin a "
        "new one with `heirpay repair --new-state`.)"
    )


def is_of_sqlite(error: Exception) -> bool:
    """Whether SQLite could not read or write a file. The plain and the encrypted library, and
    SQLAlchemy over them, each raise a class of their own by this name; a mistake in our SQL is one,
    too, so the words decide (https://sqlite.org/rescode.html)."""
    said = str(error)
    return type(error).__name__ == "OperationalError" and any(words in said for words in REFUSED)


def refusal_of(error: BaseException) -> str:
    """Why SQLite could not use a file, in a person's words. A file that somebody else keeps locked
    is not a disk that is full."""
    said = str(error)
    for words, meaning in MEANINGS.items():
        if words in said:
            return meaning
    return said.strip().splitlines()[0] if said.strip() else type(error).__name__


def opens_without_key(path: Path) -> bool:
    """Whether the file can be read as it is. By SQLCipher, which an encrypted home's processes
    use anyway."""
    connection = open_encrypting(path, None)
    try:
        return _readable(connection)
    finally:
        connection.close()


def _open_plain(path: Path) -> Any:
    return sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)


def key_literal(key: str) -> str:
    """The key as SQLCipher takes it. A raw one: its slow derivation would be paid at each of the
    many openings."""
    return f"\"x'{derived_key(key, PURPOSE).hex()}'\""


def open_encrypting(path: Path, key: str | None) -> Any:
    """A connection of SQLCipher's; whether the key fits shows at the first statement."""
    from sqlcipher3 import dbapi2

    connection = dbapi2.connect(str(path), timeout=WAIT_SECONDS, isolation_level=None)
    connection.execute("pragma cipher_log_level = none")  # it would write to stderr
    if key:
        connection.execute(f"pragma key = {key_literal(key)}")
    return connection


def _readable(connection: Any) -> bool:
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except connection.DatabaseError as error:
        if NOT_A_DATABASE not in str(error):
            connection.close()
            raise
        return False
    return True
