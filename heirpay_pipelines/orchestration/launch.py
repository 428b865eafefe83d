"""Starting the nightly job from the command line, as a Dagster run that the UI shows."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from heirpay_pipelines.at_rest.sqlite import is_of_sqlite, refusal_of
from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.orchestration.dagster_files import set_damaged_aside
from heirpay_pipelines.orchestration.dead_runs import fail_dead_runs, process_tags
from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.open_log import event_log_held_open
from heirpay_pipelines.orchestration.preflight import cannot_pull, record_failed
from heirpay_pipelines.orchestration.quiet_children import quiet_log_helpers
from heirpay_pipelines.orchestration.reserve import DiskFullError, keep_reserve, make_room
from heirpay_pipelines.orchestration.step_failure import failure_before_steps, first_failure
from heirpay_pipelines.report.requirements import read_requirements
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.run_lock import run_lock
from heirpay_pipelines.state.runs import Run, read_run
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, JobDefinition, RunConfig


@dataclass(frozen=True)
class NightlyOutcome:
    """How a nightly run ended: `run` is None when it failed before it was recorded."""

    run: Run | None
    error: str | None
    report: Path

    @property
    def exit_code(self) -> int:
        """0 published, 3 a blocking check refused publication, 1 failed: also when it was published
        and a later step (escalate, report) failed."""
        if self.run is not None and self.run.outcome == "refused":
            return 3
        is_published = self.run is not None and self.run.outcome == "published"
        return 0 if is_published and self.error is None else 1


def run_nightly(settings: Settings, as_of: datetime | None, full: bool) -> NightlyOutcome:
    """Run the nightly job in this process and wait for it; AnotherRunError, with nothing touched,
    when one is under way. Raises SettingsError for a wrong `thresholds.yaml` or
    `requirements.yaml`."""
    # A log that cannot be written is no reason to print a trace, nor is a generator of dbt's lines
    # that is closed because of it.
    # A wrong file ends the run before anything is asked or written.
    thresholds(settings)
    read_requirements(settings)
    logging.raiseExceptions = False
    sys.unraisablehook = lambda _: None
    with run_lock(settings), ends_on_hangup():
        return _run_recorded(settings, as_of, full)


def _run_recorded(settings: Settings, as_of: datetime | None, full: bool) -> NightlyOutcome:
    began = as_of or datetime.now(UTC)
    try:
        prepare_dagster_home(settings)
        for line in set_damaged_aside(settings):
            say(f"heirpay: {line}", err=True)
        keep_reserve(settings)
    except DiskFullError as no_room:
        return _unrecorded(settings, began, str(no_room))
    try:
        if (reason := cannot_pull(settings, as_of)) is not None:
            return _not_begun(settings, began.replace(microsecond=0), reason)
        return _run_job(settings, as_of, full)
    except Exception as failure:
        if not is_of_sqlite(failure):  # of Dagster's files or of the state file
            raise
        return _unrecorded(settings, began, f"The run cannot be recorded: {refusal_of(failure)}")


def _not_begun(settings: Settings, as_of: datetime, reason: str) -> NightlyOutcome:
    """The end of a night that has nobody to ask: recorded, without starting Dagster."""
    run_id = record_failed(settings, as_of, reason)
    with open_state(settings.state_file) as state:
        run = read_run(state, run_id)
    return NightlyOutcome(run, reason, settings.reports_dir / "latest" / "report.html")


def _run_job(settings: Settings, as_of: datetime | None, full: bool) -> NightlyOutcome:
    # Imported here: Dagster costs a second, and reads DAGSTER_HOME.
    from dagster import DagsterInstance, RunConfig

    from heirpay_pipelines.orchestration.assets import PullConfig
    from heirpay_pipelines.orchestration.job import definitions

    config = RunConfig(
        ops={"pull_and_land": PullConfig(as_of=as_of.isoformat() if as_of else None, full=full)},
        # The whole log is in the UI; the terminal shows progress and the outcome.
        loggers={"console": {"config": {"log_level": "CRITICAL"}}},
    )
    # dbt's lines go to its own log and to the UI.
    with (
        Path(os.devnull).open("w") as devnull,
        redirect_stdout(devnull),
        DagsterInstance.get() as instance,
        quiet_log_helpers(),
    ):
        job = definitions(settings).resolve_job_def("nightly")
        try:
            fail_dead_runs(instance, settings)
            with event_log_held_open(instance):
                run_id, events = execute_here(instance, job, config)
        except Exception as failure:  # noqa: BLE001 - whatever its storage may raise
            reason = f"The run cannot be recorded in {instance.root_directory}: "
            reason += refusal_of(failure)
            return _unrecorded(settings, as_of or datetime.now(UTC), reason)
        ended = instance.get_run_by_id(run_id)
        error = None if ended is not None and ended.is_success else _first_error(events)
    run = None
    with open_state(settings.state_file) as state, contextlib.suppress(LookupError):
        run = read_run(state, run_id)
    return NightlyOutcome(run, error, settings.reports_dir / "latest" / "report.html")


def _unrecorded(settings: Settings, as_of: datetime, reason: str) -> NightlyOutcome:
    """The end of a night that neither Dagster nor the state file could keep a record of."""
    from heirpay_pipelines.orchestration.night import tell_failed_run

    make_room(settings)
    try:
        tell_failed_run(settings, "unrecorded", as_of, reason)
    except Exception as second:  # noqa: BLE001 - the disk may refuse anything
        reason += f" Nobody could be told, either ({type(second).__name__})."
    return NightlyOutcome(None, reason, settings.reports_dir / "latest" / "report.html")


def execute_here(
    instance: DagsterInstance, job: JobDefinition, config: RunConfig
) -> tuple[str, list[DagsterEvent]]:
    """Execute the job in this process as a run of the code location that `heirpay ui` shows, so
    that it is on the timeline beside those that the daemon starts; the run's id and its events."""
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run_iterator

    from heirpay_pipelines.orchestration.code_location import job_origin, location_tags

    run = instance.create_run_for_job(
        job_def=job,
        run_config=config.to_config_dict(),  # type: ignore[no-untyped-call]
        tags={**job.run_tags, **location_tags(), **process_tags()},
        remote_job_origin=job_origin(job.name),
    )
    return run.run_id, list(execute_run_iterator(InMemoryJob(job), run, instance))


def _first_error(events: Sequence[DagsterEvent]) -> str:
    """The step that failed and the innermost reason, in one line; no class name of Dagster."""
    found = first_failure(e for e in events if e.is_step_failure) or failure_before_steps(events)
    return found or "The run failed; `heirpay ui` shows where."


@contextmanager
def ends_on_hangup() -> Iterator[None]:
    """A terminal that is closed, a service that is stopped: as Ctrl-C, so that the run ends what it
    started and leaves nothing half made. What ignores the hangup (nohup) goes on ignoring it."""
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    for number in numbers:
        signal.signal(number, _as_ctrl_c)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _as_ctrl_c(number: int, _: object) -> None:
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL):
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
