"""Runs whose process is gone: marked failed by whatever starts next, so that the queue goes on.

Dagster keeps a run as started until its process says otherwise; one that was killed (kill -9, out
of memory, a power cut) never does, and holds the only place in the queue. So each run carries the
process that does it as a tag.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.host.processes import Process, this_process
from heirpay_pipelines.orchestration.run_tags import FAILED, OUTCOME
from heirpay_pipelines.report.drafts import discard_drafts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State, open_state
from heirpay_pipelines.state.run_lock import AnotherRunError, run_lock
from heirpay_pipelines.state.runs import close_run, mark_cut
from heirpay_pipelines.warehouse.publication import discard_builds

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord

PROCESS_TAG = "heirpay/process"
START = timedelta(minutes=3)
"""A run that has said nothing for so long, of no process that can be seen from here, while nobody
holds the run lock, is dead. Dagster itself gives a run as long to start."""
GONE = (
    "The process of this run is gone: it was killed, ran out of memory, or the machine went down. "
    "Nothing that it had begun is published; the next run begins it again."
)
INTERRUPTED = "the process ended before the run did"


def process_tags() -> dict[str, str]:
    """The tag by which a run says that this process does it."""
    return {PROCESS_TAG: this_process().to_text()}


def fail_dead_runs(
    instance: DagsterInstance, settings: Settings, *, own: str | None = None
) -> list[str]:
    """Mark each run failed whose process is gone, and clear what they left; their ids.

    `own` is the run that asks, if one does. Runs whose process cannot be seen from here are judged
    only while this process has the run lock, or can have it: then nobody works on the home.
    """
    try:
        with run_lock(settings, "the end of runs that died", patience=0):
            found = _fail(instance, settings, own, nobody_works=True)
            if found and own is None:
                clear_leftovers(settings)
            return found
    except AnotherRunError:
        return _fail(instance, settings, own, nobody_works=False)


def clear_leftovers(settings: Settings) -> None:
    """Remove what a killed run left half made: its build, with all that is in it, and drafts of
    its report. The caller holds the run lock."""
    discard_builds(settings.warehouse_dir / "building")
    discard_drafts(settings.reports_dir)


def close_interrupted(state: State, run_id: str, reason: str = INTERRUPTED) -> None:
    """Record that a run's process ended before it did, here and in the audit log. It is no
    incident: what it would have found, the next run finds."""
    mark_cut(state, run_id)
    if close_run(state, run_id, "interrupted", reason):
        detail = {"reason": reason}
        append(state, datetime.now(UTC), "nightly", Action.RUN_FAILED, run_id, detail)


def _fail(
    instance: DagsterInstance, settings: Settings, own: str | None, nobody_works: bool
) -> list[str]:
    from dagster import DagsterRunStatus, RunsFilter

    open_statuses = [
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ]
    records = instance.get_run_records(RunsFilter(statuses=open_statuses))
    dead = [
        record.dagster_run
        for record in records
        if record.dagster_run.run_id != own and _is_dead(record, nobody_works)
    ]
    for run in dead:
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, GONE)
        else:
            instance.report_run_failed(run, GONE)
    for run in dead:
        instance.add_run_tags(run.run_id, {OUTCOME: FAILED})
    _close_records(settings, dead)
    return [run.run_id for run in dead]


def _close_records(settings: Settings, dead: list[DagsterRun]) -> None:
    if dead:
        with open_state(settings.state_file) as state:
            for run in dead:
                close_interrupted(state, run.root_run_id or run.run_id)


def _is_dead(record: RunRecord, nobody_works: bool) -> bool:
    process = Process.from_text(record.dagster_run.tags.get(PROCESS_TAG))
    lives = process.lives() if process is not None else None
    if lives is not None:
        return not lives
    silent = datetime.now(UTC) - max(_utc(record.update_timestamp), _utc(record.create_timestamp))
    # Heard in the future: by a clock that was put right since.
    return nobody_works and not timedelta(0) <= silent <= START


def _utc(instant: datetime) -> datetime:
    """Dagster's storage gives naive instants, in UTC."""
    return instant.replace(tzinfo=instant.tzinfo or UTC)
