"""What of Dagster's storage is let go: finished runs beyond the newest of each job, with their
events, their part of the index and what their steps printed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from heirpay_pipelines.orchestration.run_tags import NIGHT
from heirpay_pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

INDEX = "index.db"
WITH_IT = ("", "-wal", "-shm", "-journal")
FREE_SHARE = 0.25
"""Of the index, so much may be free before it is written anew: the next night fills some of it."""
VACUUM_WAIT_SECONDS = 5


def superfluous_runs(
    instance: DagsterInstance,
    kept: int,
    own: str | None = None,
    nights: frozenset[str] = frozenset(),
) -> list[str]:
    """Ids of the finished runs that are let go. `own`, a run that is just ending, is one of the
    `kept` of its job; the newest that succeeded stays, however many failed since. So does, beside
    them, the newest that succeeded of each partition in `nights`: while its file is there, the
    catalog shows the partition as filled."""
    from dagster import DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    mine = instance.get_run_by_id(own) if own else None
    counted = {mine.job_name: 1} if mine else {}
    succeeded: set[str] = set()
    gone, filled = [], set[str]()
    for run in instance.get_runs(RunsFilter(statuses=ended)):  # the newest first
        night = run.tags.get(NIGHT, "")
        if run.is_success and night in nights - filled:
            filled.add(night)
            continue
        counted[run.job_name] = counted.get(run.job_name, 0) + 1
        is_first_success = run.is_success and run.job_name not in succeeded
        if run.is_success:
            succeeded.add(run.job_name)
        if counted[run.job_name] > kept and not is_first_success:
            gone.append(run.run_id)
    return gone


def files_of_run(settings: Settings, run_id: str) -> list[Path]:
    """A run's events and what its steps printed."""
    events = settings.dagster_home / "history" / "runs" / f"{run_id}.db"
    found = [events.with_name(events.name + suffix) for suffix in WITH_IT]
    found.append(settings.dagster_home / "storage" / run_id)
    return [path for path in found if path.exists()]


def orphans(settings: Settings, instance: DagsterInstance) -> Iterator[Path]:
    """Events and outputs of runs that Dagster no longer lists: it leaves the files of a run that a
    person deletes in its UI."""
    known = {run.run_id for run in instance.get_runs()}
    for folder, pattern in (("history/runs", "*.db"), ("storage", "*")):
        for path in (settings.dagster_home / folder).glob(pattern):
            if _is_run_id(path.stem) and path.stem not in known:
                yield path


def delete_runs(settings: Settings, instance: DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs with all that Dagster keeps of them. The caller holds the run lock."""
    for run_id in run_ids:
        files = files_of_run(settings, run_id)
        instance.delete_run(run_id)
        for path in files:
            remove(path)
    _forget_checks(instance)
    _give_back(settings.dagster_home / "history" / "runs" / INDEX)


def remove(path: Path) -> None:
    """A file or folder, if it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _forget_checks(instance: DagsterInstance) -> None:
    """Dagster deletes a run's events and keeps what its checks found, a copy of which each is."""
    from dagster._core.instance import RUNLESS_RUN_ID
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        known = [RUNLESS_RUN_ID, *(run.run_id for run in instance.get_runs())]
        table = AssetCheckExecutionsTable
        with storage.index_connection() as connection:
            connection.execute(table.delete().where(table.c.run_id.notin_(known)))


def _give_back(index: Path) -> None:
    """Write the index anew when much of it is free. Somebody who reads it just now is left alone:
    the next night tries again."""
    if not index.is_file():
        return
    with suppress(sqlite3.OperationalError), closing(
        sqlite3.connect(index, timeout=VACUUM_WAIT_SECONDS, isolation_level=None)
    ) as connection:  # fmt: skip
        pages = connection.execute("pragma page_count").fetchone()[0]
        free = connection.execute("pragma freelist_count").fetchone()[0]
        if free > pages * FREE_SHARE:
            connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")


def _is_run_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
