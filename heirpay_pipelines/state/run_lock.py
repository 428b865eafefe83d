"""One run at a time: DuckDB builds, landing and state have a single writer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from filelock import FileLock, Timeout

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.home import Home
from heirpay_pipelines.host.person import login
from heirpay_pipelines.host.processes import Process, this_process

PATIENCE_SECONDS = 1.0
"""Sensors look for a moment whether a run is under way: that is no reason to refuse one."""

_held: set[tuple[Path, int]] = set()
"""The locks that threads of this process hold: a command that holds one may start a run."""


class AnotherRunError(Exception):
    """A second run was started while one is under way. It ends without touching anything; the
    message names the one that is."""


@contextmanager
def run_lock(
    home: Home, what: str | None = None, patience: float = PATIENCE_SECONDS
) -> Iterator[None]:
    """Hold the installation's run lock; raise AnotherRunError when another process has it and
    keeps it for `patience` seconds. `what` names the work; by default the command that is run.

    The operating system releases it when the process ends, however it ends. A thread that holds it
    may take it again.
    """
    with hold_run_lock(home.folder, what, patience):
        yield


@contextmanager
def hold_run_lock(
    folder: Path, what: str | None = None, patience: float = PATIENCE_SECONDS
) -> Iterator[None]:
    """`run_lock` for who knows the folder alone."""
    mine = (folder, threading.get_ident())
    if mine in _held:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "run.lock", timeout=patience, mode=0o600)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        raise AnotherRunError(_refusal(folder)) from None
    _held.add(mine)
    note = folder / "run.holder"
    try:
        with suppress(OSError):  # a full disk: a refusal then names nobody
            _write_note(note, what or _command())
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        _held.discard(mine)
        lock.release()


def is_held_here(folder: Path) -> bool:
    """Whether a thread of this process holds the home's run lock."""
    return any(held == folder for held, _ in _held)


def refuse_second_run(home: Home) -> None:
    """Raise AnotherRunError at once when a run is under way; nothing has been started yet."""
    with run_lock(home, "a look whether a run is under way", patience=0):
        pass


def _refusal(folder: Path) -> str:
    return (
        f"Another run is under way in {folder}: {_holder(folder)}. Wait for it to end "
        "(`heirpay ui` shows it), then start again."
    )


def _holder(folder: Path) -> str:
    """Who holds the lock, since when and as which process, as far as it is known."""
    try:
        said = json.loads((folder / "run.holder").read_text())
        process = Process.from_text(json.dumps(said["process"]))
        if process is not None and process.lives() is not False:
            return f"{said['what']} by {said['user']} since {said['since']} (pid {process.pid})"
    except (OSError, ValueError, KeyError, TypeError):
        pass  # it has the lock and has not said yet, or could not
    return "it has not said which"


def _write_note(note: Path, what: str) -> None:
    said = {
        "what": what,
        "user": login(),
        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "process": json.loads(this_process().to_text()),
    }
    write_whole(note, json.dumps(said).encode())


def _command() -> str:
    """The command without its arguments, which may name a person."""
    context = click.get_current_context(silent=True)
    return f"`{context.command_path}`" if context else "a run"
