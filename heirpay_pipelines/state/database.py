"""Opening the state file, by one process or many; its schema is kept current (`upgrade`)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.at_rest.sqlite import connect
from heirpay_pipelines.state.upgrade import bring_up_to_date, require_known_home


class State:
    """A connection to the state file. Not shared between threads: open one for each."""

    def __init__(self, connection: Any, path: Path | None = None) -> None:
        self.connection = connection
        self.path = path
        """Where the file lies, with the key that opens it (`KeyedPath`)."""

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """BEGIN IMMEDIATE … COMMIT: all of the block becomes durable, or none of it."""
        self.connection.execute("begin immediate")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    @contextmanager
    def joined(self) -> Iterator[Any]:
        """The transaction that is open already, else one of its own."""
        if self.connection.in_transaction:
            yield self.connection
            return
        with self.transaction() as connection:
            yield connection

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def close(self) -> None:
        self.connection.close()


@contextmanager
def open_state(path: Path) -> Iterator[State]:
    """Open (and create, mode 0600) the state file; migrate it; close it at the end.

    `path` is Settings.state_file, which carries the key. Raises EncryptionKeyError when that is
    not the file's, or while the key is being rotated; HomeError for a home of a later release.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with hold_key(path), opened(path) as state:
        yield state


@contextmanager
def opened(path: Path) -> Iterator[State]:
    """`open_state` for who holds the key already."""
    require_known_home(path)
    path.touch(mode=0o600)
    connection = connect(path)
    try:
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        state = State(connection, path)
        bring_up_to_date(state)
        yield state
    finally:
        connection.close()


@contextmanager
def hold_key(path: Path, *, alone: bool = False, then: str = "rotate the key") -> Iterator[None]:
    """Keep the state file's key from being changed (or, `alone`, from being used by anybody else).

    A rotation puts a new file in the place of the old one: who had that open would go on writing
    into nothing. Raises EncryptionKeyError at once when another process stands in the way; `then`
    is what it was wanted for.
    """
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EncryptionKeyError(
                "The state file is in use: stop `heirpay receive`, `heirpay ui` and `heirpay mcp`, "
                f"let a run end, then {then}."
                if alone
                else "The encryption key is being rotated: try again when `heirpay key rotate` "
                "has ended."
            ) from None
        yield
    finally:
        os.close(descriptor)
