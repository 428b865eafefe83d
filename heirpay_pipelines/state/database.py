"""Opening the state file and keeping its schema current.

Each file of `migrations/` is applied once, in the order of its number, in its own transaction.
A step that needs a table adds a numbered SQL file there; a file that was released never changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any


class State:
    """A connection to the state file. Not shared between threads: open one for each."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

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

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def close(self) -> None:
        self.connection.close()


@contextmanager
def open_state(path: Path) -> Iterator[State]:
    """Open (and create, mode 0600) the state file; migrate it; close it at the end."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        state = State(connection)
        _migrate(state)
        yield state
    finally:
        connection.close()


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
