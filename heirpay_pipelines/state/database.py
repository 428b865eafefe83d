"""Opening the state file and keeping its schema current.

Each file of `migrations/` is applied once, in the order of its number, in its own transaction.
A step that needs a table adds a numbered SQL file there; a file that was released never changes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.at_rest.sqlite import connect


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
    not the file's, or while the key is being rotated.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with hold_key(path), opened(path) as state:
        yield state


@contextmanager
def opened(path: Path) -> Iterator[State]:
    """`open_state` for who holds the key already."""
    path.touch(mode=0o600)
    connection = connect(path)
    try:
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        state = State(connection, path)
        _migrate(state)
        yield state
    finally:
        connection.close()


@contextmanager
def hold_key(path: Path, *, alone: bool = False) -> Iterator[None]:
    """Keep the state file's key from being changed (or, `alone`, from being used by anybody else).

    A rotation puts a new file in the place of the old one: who had that open would go on writing
    into nothing. Raises EncryptionKeyError at once when another process stands in the way.
    """
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EncryptionKeyError(
                "The state file is in use: stop `heirpay receive`, `heirpay ui` and `heirpay mcp`, "
                "let a run end, then rotate the key."
                if alone
                else "The encryption key is being rotated: try again when `heirpay key rotate` "
                "has ended."
            ) from None
        yield
    finally:
        os.close(descriptor)


def _migrate(state: State) -> None:
    scripts = sorted(
        (
            entry
            for entry in files(__package__).joinpath("migrations").iterdir()
            if entry.name.endswith(".sql")
        ),
        key=lambda entry: entry.name,
    )
    state.connection.execute("create table if not exists migrations (name text primary key)")
    known = {row["name"] for row in state.rows("select name from migrations")}
    for script in scripts:
        if script.name in known:
            continue
        with state.transaction() as connection:
            # Another process may have applied it between our look and our lock.
            if connection.execute(
                "select 1 from migrations where name = ?", (script.name,)
            ).fetchone():
                continue
            for statement in script.read_text().split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute("insert into migrations values (?)", (script.name,))
