"""What DuckDB and other programs leave beside the warehouse: rows in clear that nobody reads."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.duck import SPILL, clear_spill
from heirpay_pipelines.home import Home
from heirpay_pipelines.published_file import READING, SET_ASIDE, set_logs_aside
from heirpay_pipelines.state.database import State

KEPT_SECONDS = 7 * 86_400
"""A log of another program is kept for so long: somebody may miss what they wrote there."""
OPENING_SECONDS = 60
"""A private name lies no longer than its file takes to open; an older one is a dead process's."""


def clear_leftovers(home: Home) -> list[Path]:
    """Remove what dead processes left beside the warehouse, and old logs; set new logs of other
    programs aside. Where these lie now. The caller holds the run lock, so dbt does not run."""
    now = time.time()
    aside: list[Path] = []
    for folder in _folders(home):
        aside += _set_aside(folder)
        clear_spill(folder)
        _remove(folder / READING, now - OPENING_SECONDS)
        _remove(folder / SET_ASIDE, now - KEPT_SECONDS)
    shutil.rmtree(home.folder / "dbt" / SPILL, ignore_errors=True)
    return aside


def erase_leftovers(home: Home) -> None:
    """As `clear_leftovers`, and every log of another program goes with them: an erased person may
    be named there. The caller holds the run lock."""
    clear_leftovers(home)
    for folder in _folders(home):
        for name in (READING, SET_ASIDE):
            _remove(folder / name, float("inf"))


def record_logs(state: State, logs: list[Path]) -> str:
    """Note in the audit log that logs (one at least) were set aside; the line to say."""
    names = [log.name for log in logs]
    append(state, datetime.now(UTC), "nightly", Action.LOG_SET_ASIDE, names[0], {"logs": names})
    return (
        f"{', '.join(names)} set aside in {logs[0].parent}: another program opened the published "
        "warehouse for writing; what it wrote is in no figure"
    )


def _folders(home: Home) -> tuple[Path, ...]:
    return (home.warehouse_dir, home.warehouse_dir / "nights")


def _set_aside(folder: Path) -> Iterator[Path]:
    """The logs of every file that is, or was, published in the folder."""
    files = {log.with_name(log.name.partition(".wal")[0]) for log in folder.glob("*.wal*")}
    for file in sorted(files):
        yield from set_logs_aside(file)


def _remove(folder: Path, before: float) -> None:
    for left in folder.glob("*"):
        # Linking sets the time of the last change of the file's entry, moving it, too.
        if left.stat().st_ctime < before:
            left.unlink(missing_ok=True)
