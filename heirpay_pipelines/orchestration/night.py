"""What every step of one run shares: settings, the run's record, its build database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG
from pydantic import Field

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.controls.results import ControlResult
from heirpay_pipelines.controls.store import read_results
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.orchestration.clock import FutureNightError, as_of_night
from heirpay_pipelines.orchestration.dead_runs import (
    clear_leftovers,
    close_interrupted,
    fail_dead_runs,
    process_tags,
)
from heirpay_pipelines.orchestration.keeping.prune import prune
from heirpay_pipelines.orchestration.reserve import make_room
from heirpay_pipelines.orchestration.run_tags import AS_OF, FAILED, OUTCOME, outcome_tags
from heirpay_pipelines.orchestration.scope import EMPTY, WHOLE_GRAPH, Graph, Scope, scope_of
from heirpay_pipelines.orchestration.step_failure import failure_of, is_interrupted
from heirpay_pipelines.report.drafts import discard_drafts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State, open_state
from heirpay_pipelines.state.run_lock import PATIENCE_SECONDS, run_lock
from heirpay_pipelines.state.runs import Run, close_run, open_run, read_run
from heirpay_pipelines.text.shown import say as say_line
from heirpay_pipelines.warehouse.leftovers import record_logs
from heirpay_pipelines.warehouse.publication import discard_builds

NIGHTLY, REFRESH, CLOSE = "nightly", "intraday_refresh", "month_end"
WITHOUT_REPORT = (REFRESH, CLOSE)
"""Jobs that tell nobody and write no report."""
JOBS = (NIGHTLY, REFRESH, CLOSE)


@dataclass
class Night:
    """The Dagster resource `night`. It lives as long as the run and holds the run lock.

    A run of a selection (`is_whole` is false) has no record in the state file, and publishes,
    strikes and reports nothing: it has a build, which lies there until the next run.
    """

    settings: Settings
    run_id: str
    job: str = NIGHTLY
    scope: Scope = field(default_factory=Scope)
    tag: Callable[[dict[str, str]], object] = lambda _: None
    """Gives tags to the run, by which lists tell runs apart."""
    found: list[ControlResult] | None = None
    """What a selection's controls found."""
    pulled_as_of: datetime | None = None

    @property
    def is_whole(self) -> bool:
        return self.scope.is_whole

    @property
    def build(self) -> Path:
        """The run's own DuckDB file; publishing renames it over the published warehouse."""
        return self.settings.warehouse_dir / "building" / f"{self.run_id}.duckdb"

    @property
    def as_of(self) -> datetime:
        """The run's instant: a night's own; of a selection what it pulled, or else the newest that
        was landed."""
        if self.is_whole:
            return self.run().as_of
        newest = self.pulled_as_of or newest_landed(self.settings)
        if newest is None:
            raise dg.Failure(
                "Nothing was landed yet: materialise an asset of the group source_records, or start"
                " `heirpay run`.",
                allow_retries=False,
            )
        return newest

    def unpublished(self) -> dict[str, Any]:
        """What the metadata of a selection's assets say of where they are."""
        return {
            "published": "no",
            "why": "Only a whole night is published: the job `nightly`, or `heirpay run`.",
            "as of": self.as_of.isoformat(),
            "build": dg.MetadataValue.path(str(self.build)),
            "kept": "until the next run",
        }

    @property
    def key(self) -> str | None:
        return self.settings.key

    @contextmanager
    def state(self) -> Iterator[State]:
        with open_state(self.settings.state_file) as state:
            yield state

    def begin(self, as_of: str | None) -> Run | None:
        """Fix the run's as-of instant: the one asked for, else now
        (orchestration/clock). Steps after read it. Fails, not to be tried again, when it lies in
        the future. The record of the run; a selection has none."""
        with suppress(LookupError):
            return self.run()  # taken up again: its instant stands
        asked = datetime.fromisoformat(as_of) if as_of else None
        if asked is not None:
            asked = asked.replace(tzinfo=asked.tzinfo or UTC)
        try:
            found = as_of_night(self.settings, asked)
        except FutureNightError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        if found.remark:
            self.say(f"clock: {found.remark}")
        instant = found.instant.replace(microsecond=0)
        self.tag({AS_OF: instant.isoformat()})
        if not self.is_whole:
            self.pulled_as_of = instant
            return None
        with self.state() as state:
            run = open_run(state, self.run_id, instant, self.job)
            detail = {
                "as_of": run.as_of.isoformat(),
                "code_version": version("heirpay-pipelines"),
                "settings": self.settings.fingerprint,
            }
            append(state, datetime.now(UTC), "nightly", Action.RUN_STARTED, self.run_id, detail)
            return run

    @property
    def report_folder(self) -> Path:
        """Where this run's pages go: beside the night's report, named by its date in the reporting
        time zone; those of a run that writes none apart, so that no night's evidence changes."""
        if self.job in WITHOUT_REPORT:
            return self.settings.reports_dir / self.job
        return self.settings.report_folder(self.as_of.astimezone(self.settings.zone).date())

    def say(self, text: str) -> None:
        """One line of progress, for whoever watches the terminal."""
        say_line(text, err=True)

    def report_logs(self, logs: list[Path], warn: Callable[[str], object]) -> None:
        """Say and record which logs of other programs lay beside the warehouse."""
        if not logs:
            return
        with self.state() as state:
            line = record_logs(state, logs)
        warn(line)
        self.say(f"warehouse: {line}")

    def control_results(self) -> list[ControlResult]:
        """What the check step of this run found, as it was stored."""
        if self.found is not None:
            return self.found
        with self.state() as state:
            return read_results(state, self.run_id, self.settings.project)

    def coverage(self, as_of: datetime) -> list[dict[str, Any]]:
        """The coverage statement that figures as of an instant rest on."""
        landing = Landing(self.settings.landing_dir, self.key)
        lines: list[dict[str, Any]] = []
        for manifest in reversed(landing.manifests(as_of)):
            # Bank files, reports and webhooks land beside a pull; the newest pull's ends it.
            lines += [{"api_version": manifest.api_version, **line} for line in manifest.coverage]
            if manifest.mode not in ("bank", "report", "retry", "webhook"):
                break
        return lines

    def run(self) -> Run:
        with self.state() as state:
            return read_run(state, self.run_id)


NO_VERDICT = "it was ended before its verdict; its page in Dagster has more"
QUEUED_PATIENCE_SECONDS = 600
"""A run that Dagster's daemon started waits so long for a command that has the lock (an erasure, a
key rotation); one that a person started is refused at once."""


def night_resource(settings: Settings, graph: Graph = EMPTY) -> dg.ResourceDefinition:
    """One run at a time; a night that ends without a verdict is recorded as failed."""

    class RunOfHome(dg.ConfigurableResource[Night]):
        """Settings, the run's record and the run lock."""

        queued_patience_seconds: int = Field(
            description="So long a run that Dagster started waits for a command that has the lock."
        )

        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Night]:
            run = context.run
            assert run is not None  # noqa: S101 - it is of a run's execution
            with _held(settings, graph, context, run, self.queued_patience_seconds) as night:
                yield night

    return cast(dg.ResourceDefinition, RunOfHome(queued_patience_seconds=QUEUED_PATIENCE_SECONDS))


@contextmanager
def _held(
    settings: Settings,
    graph: Graph,
    context: dg.InitResourceContext,
    run: dg.DagsterRun,
    queued_patience_seconds: int,
) -> Iterator[Night]:
    """The run's night, while it has the run lock; then how it ended is recorded."""
    instance = context.instance
    assert instance is not None  # noqa: S101 - it is of a run's execution
    night = _night(settings, graph, run, instance)
    patience = queued_patience_seconds if GRPC_INFO_TAG in run.tags else PATIENCE_SECONDS
    instance.add_run_tags(run.run_id, process_tags())
    with run_lock(settings, f"the job `{run.job_name}`", patience):
        fail_dead_runs(instance, settings, own=run.run_id)
        if run.root_run_id is None:
            discard_drafts(settings.reports_dir)
            discard_builds(night.build.parent, but=night.build)
        try:
            yield night
        finally:
            failure = failure_of(instance, run.run_id)
            _close(night, failure, is_interrupted(instance, run.run_id))
            if night.is_whole and night.job == NIGHTLY:
                _tidy(settings, instance, run.run_id)


def _night(
    settings: Settings, graph: Graph, run: dg.DagsterRun, instance: dg.DagsterInstance
) -> Night:
    # A re-execution from a failed step goes on with the first attempt's record and build.
    root = instance.get_run_by_id(run.root_run_id) if run.root_run_id else None
    scope = scope_of(root or run, JOBS, graph)
    job = run.job_name
    if job == WHOLE_GRAPH and scope.is_whole:
        job = NIGHTLY if scope.is_told else REFRESH
    return Night(
        settings,
        run.root_run_id or run.run_id,
        job,
        scope,
        lambda tags: instance.add_run_tags(run.run_id, tags),
    )


def _tidy(settings: Settings, instance: dg.DagsterInstance, run_id: str) -> None:
    """Let go what the policy lets go. What stands in its way is told and spoils no night."""
    try:
        prune(settings, instance, own=run_id)
    except Exception as error:  # noqa: BLE001 - a full disk, a file that somebody holds
        say_line(f"home: nothing was let go ({error}); `heirpay home prune` tries again", err=True)


def close_failed(state: State, run_id: str, reason: str) -> None:
    """Record that a run failed, here and in the audit log; one that has ended stays as it is."""
    if close_run(state, run_id, "failed", reason):
        append(state, datetime.now(UTC), "nightly", Action.RUN_FAILED, run_id, {"reason": reason})


def tell_failed_run(settings: Settings, run_id: str, as_of: datetime, reason: str) -> None:
    """A failed run is an incident; nothing of the warehouse was looked at, so nothing else is."""
    from heirpay_pipelines.incidents import RunFacts, process

    process(settings, RunFacts(run_id, as_of, "failed", reason), [], None)


def newest_landed(settings: Settings) -> datetime | None:
    """The newest instant as of which something was landed."""
    manifests = Landing.of(settings).manifests()
    return max((manifest.as_of for manifest in manifests), default=None)


def _close(night: Night, failure: str | None, is_interrupted: bool) -> None:
    """Record a night without a verdict as failed, and why, and tell who must act. One that was
    interrupted is no incident; what it left half made goes."""
    if failure is not None and night.is_whole:
        night.tag({OUTCOME: FAILED})  # also where it ended before it had a record
    with suppress(LookupError):  # a job that is no night has no record
        if is_interrupted:
            with night.state() as state:
                close_interrupted(state, night.run_id, failure or NO_VERDICT)
            clear_leftovers(night.settings)
        if night.run().outcome == "running":
            make_room(night.settings)  # a full disk may be what ended it
            with night.state() as state:
                close_failed(state, night.run_id, failure or NO_VERDICT)
        run = night.run()
        night.tag(outcome_tags(run.outcome, night.control_results()))
        if run.outcome == "failed":
            tell_failed_run(night.settings, run.run_id, run.as_of, run.reason or "")
