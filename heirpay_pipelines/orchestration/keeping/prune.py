"""Applying the policy: what it lets go is listed, then deleted, and the audit log says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.backup import COPIES
from heirpay_pipelines.orchestration.keeping.dagster_runs import (
    delete_runs,
    files_of_run,
    orphans,
    remove,
    superfluous_runs,
)
from heirpay_pipelines.orchestration.keeping.parts import part_of, size_of
from heirpay_pipelines.orchestration.keeping.policy import policy
from heirpay_pipelines.orchestration.keeping.reports import superfluous_reports
from heirpay_pipelines.published_file import RECORD
from heirpay_pipelines.report.drafts import UNPUBLISHED_REPORT
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State, open_state

if TYPE_CHECKING:
    from dagster import DagsterInstance

MANIFESTS = 3
"""dbt's manifests of so many versions of the project: a UI that still runs reads the one before."""


@dataclass(frozen=True)
class LetGo:
    """One thing that is let go: its path below the home, and what it takes of the disk."""

    path: str
    bytes: int


def prune(
    settings: Settings, instance: DagsterInstance, *, own: str | None = None, dry: bool = False
) -> list[LetGo]:
    """Let go what the policy lets go, or with `dry` only list it. `own` is the run that asks.

    The caller holds the run lock. Never evidence of a closed month, never landing or the state.
    """
    runs = superfluous_runs(instance, policy().dagster_runs, own, _kept_nights(settings))
    with open_state(settings.state_file) as state:
        paths = [*superfluous_reports(settings, state, policy()), *_of_dbt(settings)]
        paths += [*_recomputed(settings), *_of_selections(settings), *_drafts(settings)]
        paths += [*_copies(settings), *orphans(settings, instance)]
        listed = [*paths, *(path for run in runs for path in files_of_run(settings, run))]
        found = [_let_go(settings, path) for path in listed]
        log = _log(settings)
        if log is not None:
            excess = log.stat().st_size - policy().dbt_log_bytes
            found.append(LetGo(f"{log.relative_to(settings.folder)} (its oldest part)", excess))
        if not dry:
            for path in paths:
                remove(path)
            delete_runs(settings, instance, runs)
            if log is not None:
                _cut(log, policy().dbt_log_bytes)
            _record(state, found)
    return found


def _record(state: State, found: list[LetGo]) -> None:
    if found:
        by_part = Counter(part_of(Path(item.path)) for item in found)
        detail = {"bytes": sum(item.bytes for item in found), "parts": dict(by_part)}
        append(state, datetime.now(UTC), "nightly", Action.HOME_PRUNED, "home", detail)


def _let_go(settings: Settings, path: Path) -> LetGo:
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    size = sum(size_of(file) for file in inside)
    return LetGo(str(path.relative_to(settings.folder)), size)


def _of_dbt(settings: Settings) -> Iterator[Path]:
    """Turned-over logs, what dbt writes beside the tables, and manifests of earlier versions."""
    work = settings.folder / "dbt"
    yield from sorted(work.glob("**/dbt.log.*"))
    for name in ("compiled", "run", "manifest.json", "graph.gpickle", "graph_summary.json"):
        if (work / "target" / name).exists():
            yield work / "target" / name
    manifests = sorted(
        (work / "manifests").glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    yield from manifests[MANIFESTS:]


def _copies(settings: Settings) -> Iterator[Path]:
    """Copies of the home, by the instant that begins their names."""
    first_kept = f"{datetime.now(UTC) - timedelta(days=policy().copies_days):%Y%m%dT%H%M%S}"
    for path in sorted(path for name in COPIES for path in (settings.folder / name).glob("*")):
        if path.name < first_kept:
            yield path


def _recomputed(settings: Settings) -> list[Path]:
    """Past nights beyond those that are kept, each with the record beside it."""
    superfluous = _nights(settings)[policy().recomputed_nights :]
    return [
        path
        for night in superfluous
        for path in (night, night.with_name(night.name + RECORD))
        if path.exists()
    ]


def _kept_nights(settings: Settings) -> frozenset[str]:
    return frozenset(night.stem for night in _nights(settings)[: policy().recomputed_nights])


def _nights(settings: Settings) -> list[Path]:
    """Files of past nights, the newest by date first."""
    return sorted((settings.warehouse_dir / "nights").glob("*.duckdb"), reverse=True)


def _of_selections(settings: Settings) -> Iterator[Path]:
    """The report that was written again beside a night's own: the next night has its own."""
    folder = settings.reports_dir / UNPUBLISHED_REPORT
    if folder.is_dir():
        yield folder


def _drafts(settings: Settings) -> Iterator[Path]:
    """Drafts of small files, of processes that were killed while they wrote one."""
    yield from settings.folder.glob(".run.holder.*.partial")
    yield from settings.dagster_home.glob(".*.partial")


def _log(settings: Settings) -> Path | None:
    """dbt's log, when it is longer than it may be."""
    for log in (settings.folder / "dbt" / "target" / "dbt.log",
                settings.folder / "dbt" / "logs" / "dbt.log"):  # fmt: skip
        if log.is_file() and log.stat().st_size > policy().dbt_log_bytes:
            return log
    return None


def _cut(log: Path, kept: int) -> None:
    """Keep the newest part of a log, from the beginning of a line."""
    with log.open("rb") as file:
        file.seek(-kept, 2)
        newest = file.read().partition(b"\n")[2]
    write_whole(log, newest)
