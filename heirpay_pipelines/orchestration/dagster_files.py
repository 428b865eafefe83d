"""Dagster's SQLite files: what is damaged is set aside, and Dagster makes it anew.

Only the history of runs in the UI is in them; what a night published, and the audit log, are not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.settings import Settings

DAMAGED = "damaged"
WITH_IT = ("", "-wal", "-shm", "-journal")
STORES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
"""Every start needs these; beside them each run has a file of its own log."""


def fault_of(path: Path) -> str | None:
    """What is wrong with an SQLite file, or None. One that is in use or empty is not damaged."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        try:
            found = str(connection.execute("pragma quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # of the disk, or locked
            return None
        return str(error)
    return None if found == "ok" else " ".join(found.split())


def damaged_files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Every damaged file of Dagster's, those of single runs included, and what is wrong."""
    for path in sorted(settings.dagster_home.rglob("*.db")):
        fault = None if DAMAGED in path.parts else fault_of(path)
        if fault is not None:
            yield path, fault


def set_damaged_aside(settings: Settings) -> list[str]:
    """Move what of Dagster's storage is damaged to dagster/damaged; what was done, in words."""
    said = []
    for name in STORES:
        path = settings.dagster_home / name
        fault = fault_of(path) if path.is_file() else None
        if fault is None:
            continue
        folder = settings.dagster_home / DAMAGED
        folder.mkdir(exist_ok=True, mode=0o700)
        for part in WITH_IT:
            old = path.with_name(path.name + part)
            if old.is_file():
                old.replace(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{old.name}")
        said.append(
            f"dagster/{name} is damaged ({fault}): set aside in dagster/damaged, made anew. The UI"
            " no longer lists what it held of earlier runs; figures and audit log are not in it."
        )
    return said
