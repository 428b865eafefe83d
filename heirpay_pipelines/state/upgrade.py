"""Bringing the state file of a home to what this release reads and writes.

Each file of `migrations/` is applied once, in the order of its number, in its own transaction.
A step that needs a table adds a numbered SQL file there and raises the home's format number
(`host/home_format.py`); a file that was released never changes. A home of an earlier format is
copied before anything of it changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from heirpay_pipelines.at_rest import keyed
from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.backup import COPIES, is_unfinished, make_backup
from heirpay_pipelines.host.home_folder import HomeError
from heirpay_pipelines.host.home_format import (
    FORMAT,
    NOTE,
    format_of,
    note_of,
    require_known_format,
)
from heirpay_pipelines.state.run_lock import hold_run_lock, is_held_here
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from heirpay_pipelines.state.database import State

STATE = ("state", "heirpay.sqlite")


@cache
def migrations() -> dict[str, str]:
    """Every migration by its name, in the order in which they are applied."""
    folder = files(__package__).joinpath("migrations")
    scripts = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return {entry.name: entry.read_text() for entry in sorted(scripts, key=lambda e: e.name)}


def require_known_home(path: Path) -> None:
    """Raise HomeError when the state file at `path` is of a home of a later release."""
    home = _home_of(path)
    if home is not None:
        require_known_format(home)


def bring_up_to_date(state: State) -> None:
    """Apply the migrations that a state file lacks, after a copy of its home was made when that
    holds something of an earlier format. Raises HomeError when it has some of a later release,
    AnotherRunError when a run is under way that has to end first."""
    known = _applied(state)
    pending = _pending(known)
    home = _home_of(state.path)
    if home is None:
        _apply(state, pending)
        return
    number = format_of(home)
    if number == FORMAT and not pending:
        return
    is_earlier = (number or 1) < FORMAT or (number is None and pending)
    if not known or not is_earlier:  # a new home, or one whose upgrade was interrupted
        write_whole(home / NOTE, note_of(FORMAT))
        _apply(state, pending)
        return
    with _alone(home):
        if format_of(home) != FORMAT:  # another process may have done it meanwhile
            _copy_before(state, home)
            write_whole(home / NOTE, note_of(FORMAT))
        _apply(state, _pending(_applied(state)))


def _copy_before(state: State, home: Path) -> None:
    assert state.path is not None  # noqa: S101 - its home was found by it
    path = keyed(state.path, getattr(state.path, "key", None))
    for left in (home / COPIES[0]).glob("*"):
        if is_unfinished(left):  # of a process that was killed: it takes room, and is no backup
            shutil.rmtree(left)
    folder = home / COPIES[0] / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-before-format-{FORMAT}"
    make_backup(home, path, folder, linked=True)
    say(
        f"heirpay: this home is brought to format {FORMAT}; as it was before it is kept in {folder}"
        " (docs/how-to/backup.md).",
        err=True,
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    if is_held_here(home):
        yield
        return
    with hold_run_lock(home, "bringing the home to this release"):
        yield


def _home_of(path: Path | None) -> Path | None:
    """The home that a state file is of; None for one that lies by itself."""
    return path.parents[1] if path is not None and path.parts[-2:] == STATE else None


def _applied(state: State) -> set[str]:
    state.connection.execute("create table if not exists migrations (name text primary key)")
    applied = {str(row["name"]) for row in state.rows("select name from migrations")}
    if unknown := sorted(applied - migrations().keys()):
        raise HomeError(
            f"The state file was written by a later release (it has {unknown[-1]}): install that"
            " release, or restore the backup of before (docs/how-to/backup.md)."
        )
    return applied


def _pending(applied: set[str]) -> list[str]:
    return [name for name in migrations() if name not in applied]


def _apply(state: State, pending: list[str]) -> None:
    for name in pending:
        with state.transaction() as connection:
            # Another process may have applied it between our look and our lock.
            if connection.execute("select 1 from migrations where name = ?", (name,)).fetchone():
                continue
            for statement in migrations()[name].split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute("insert into migrations values (?)", (name,))
