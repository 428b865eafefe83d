"""A run whose process is gone is marked failed by whatever starts next, and nothing piles up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import SCHEDULE_NAME_TAG
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from heirpay_pipelines.gateways.errors import KeyRefusedError
from heirpay_pipelines.host.processes import Process, this_process
from heirpay_pipelines.orchestration.asking import (
    FIRST_PAUSE,
    pause_after_failures,
    scheduled_run,
    waiting_run,
)
from heirpay_pipelines.orchestration.assets import one_try_unless_transient
from heirpay_pipelines.orchestration.dead_runs import PROCESS_TAG, START, fail_dead_runs
from heirpay_pipelines.orchestration.failed_refresh import failed_refresh
from heirpay_pipelines.orchestration.failure import dead_runs
from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.job import schedules
from heirpay_pipelines.orchestration.night import NIGHTLY, REFRESH
from heirpay_pipelines.orchestration.step_failure import is_interrupted
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.runs import read_run

Status = dg.DagsterRunStatus
JOB = """
import os, signal, sys
import dagster as dg
from datetime import UTC, datetime
from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.night import night_resource
from heirpay_pipelines.settings import Settings

settings = Settings(HEIRPAY_HOME=sys.argv[1])
prepare_dagster_home(settings)

@dg.op(required_resource_keys={"night"})
def step(context):
    night = context.resources.night
    night.begin(None)
    night.build.parent.mkdir(parents=True)
    night.build.write_bytes(b"4242424242424242")
    draft = settings.reports_dir / ".2026-11-01-abc"
    draft.mkdir(parents=True)
    (draft / "report.html").write_text("half")
    (settings.reports_dir / ".latest-1").symlink_to("2026-11-01")
    (settings.reports_dir / "2026-11-01" / "data_docs").mkdir(parents=True)
    os.kill(os.getpid(), int(sys.argv[2]))

@dg.job(resource_defs={"night": night_resource(settings)}, executor_def=dg.in_process_executor)
def nightly():
    step()

with dg.DagsterInstance.get() as instance:
    nightly.execute_in_process(instance=instance, raise_on_error=False)
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # put back as it was when the test ends
    given = Settings.load()
    prepare_dagster_home(given)
    return given


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as opened:
        yield opened


def a_run(
    instance: dg.DagsterInstance,
    status: Status,
    process: Process | None = None,
    job: str = NIGHTLY,
    **tags: str,
) -> dg.DagsterRun:
    tags |= {PROCESS_TAG: process.to_text()} if process else {}
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="heirpay_pipelines"))
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)
    return create_run_for_test(
        instance, job_name=job, status=status, tags=tags, remote_job_origin=origin
    )


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Status:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_ended_holds_no_queue_and_leaves_nothing_half_made(
    settings: Settings, instance: dg.DagsterInstance, number: signal.Signals
) -> None:
    subprocess.run(
        [sys.executable, "-c", JOB, str(settings.folder), str(int(number))],
        env=os.environ, capture_output=True, check=False,
    )  # fmt: skip
    (run,) = instance.get_runs()
    with dg.build_sensor_context(instance=instance) as context:
        dead_runs.evaluate_tick(context)
    assert status_of(instance, run) is Status.FAILURE
    with open_state(settings.state_file) as state:
        assert read_run(state, run.run_id).outcome == "interrupted"
        assert state.rows("select * from incidents") == []
        ended = state.rows("select * from audit_log where action = 'run_failed'")
    assert len(ended) == 1
    left = [p for p in settings.folder.rglob("*") if p.is_relative_to(settings.reports_dir)]
    assert left == [settings.reports_dir]
    assert list((settings.warehouse_dir / "building").iterdir()) == []
    assert is_interrupted(instance, run.run_id) is (number is not signal.SIGKILL)


def test_only_a_run_whose_process_is_gone_is_marked_failed(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    me = this_process()
    gone, rebooted = replace(me, began="1"), replace(me, boot="before the power cut")
    dead = [
        a_run(instance, status, process)
        for status in (Status.STARTED, Status.STARTING, Status.NOT_STARTED)
        for process in (gone, rebooted)
    ]
    ending = a_run(instance, Status.CANCELING, gone)
    alive = [
        a_run(instance, Status.STARTED, me),
        a_run(instance, Status.QUEUED, gone),  # waits: whoever asked for it may have ended
        a_run(instance, Status.STARTED, replace(me, host="elsewhere")),
        a_run(instance, Status.STARTING),  # has not said yet who does it
    ]
    before = [status_of(instance, run) for run in alive]
    assert sorted(fail_dead_runs(instance, settings)) == sorted(r.run_id for r in [*dead, ending])
    assert {status_of(instance, run) for run in dead} == {Status.FAILURE}
    assert status_of(instance, ending) is Status.CANCELED
    assert [status_of(instance, run) for run in alive] == before
    assert fail_dead_runs(instance, settings) == []


def test_a_run_that_cannot_be_seen_from_here_is_dead_when_silent_and_nobody_works(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of another container, of another machine, or of a version that noted no process."""
    elsewhere = replace(this_process(), namespace="pid:[1]")
    runs = [a_run(instance, Status.STARTED, elsewhere), a_run(instance, Status.STARTED)]
    later = datetime.now(UTC) + START + timedelta(seconds=5)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return later

    monkeypatch.setattr("heirpay_pipelines.orchestration.dead_runs.datetime", Later)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys;from heirpay_pipelines.state.run_lock import run_lock;"
         "from heirpay_pipelines.settings import Settings\n"
         "with run_lock(Settings.load()): print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        other.stdout.readline()
        assert fail_dead_runs(instance, settings) == []  # somebody works: it may be that run
        other.kill()
    assert sorted(fail_dead_runs(instance, settings)) == sorted(run.run_id for run in runs)


def test_nothing_piles_up_behind_a_run_that_waits(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    named = {schedule.name: schedule for schedule in schedules(settings)}
    with dg.build_schedule_context(instance=instance) as context:
        for job in named:
            assert isinstance(scheduled_run(context, job), dg.RunRequest)
        waits = a_run(instance, Status.QUEUED, job=REFRESH)
        asked = {name: s.evaluate_tick(context) for name, s in named.items()}
    assert asked[REFRESH].run_requests == []
    assert waits.run_id in str(asked[REFRESH].skip_message)
    assert len(asked[NIGHTLY].run_requests or []) == 1
    assert waiting_run(instance, NIGHTLY) is None


def test_what_fails_again_and_again_is_asked_for_less_and_less_often(
    instance: dg.DagsterInstance,
) -> None:
    now = datetime.now(UTC)
    assert pause_after_failures(instance, REFRESH, now) is None
    pauses = []
    for _ in range(10):
        run = a_run(instance, Status.STARTED, job=REFRESH)
        instance.report_run_failed(run)
        pause = FIRST_PAUSE
        while pause_after_failures(instance, REFRESH, datetime.now(UTC) + pause):
            pause *= 2
        pauses.append(pause)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] <= timedelta(hours=3)  # and never gives up
    # A clock that was ahead when it failed: it waits for no future.
    assert pause_after_failures(instance, REFRESH, now - timedelta(days=2)) is None
    a_run(instance, Status.SUCCESS, job=REFRESH)
    assert pause_after_failures(instance, REFRESH, now) is None


def asked_again(instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """What the sensor asks for at a tick, or why it asks for nothing."""
    with dg.build_sensor_context(instance=instance) as context:
        tick = failed_refresh.evaluate_tick(context)
    return tick.run_requests[0] if tick.run_requests else str(tick.skip_message)


def test_a_scheduled_refresh_that_failed_is_asked_for_before_its_next_tick(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = a_run(instance, Status.STARTED, job=REFRESH)
    instance.report_run_failed(by_hand)
    assert "no scheduled refresh" in str(asked_again(instance))  # a person sees that it failed
    run = a_run(instance, Status.STARTED, job=REFRESH, **{SCHEDULE_NAME_TAG: REFRESH})
    assert "no scheduled refresh" in str(asked_again(instance))
    instance.report_run_failed(run)
    assert "is asked for at" in str(asked_again(instance))
    monkeypatch.setattr("heirpay_pipelines.orchestration.asking.FIRST_PAUSE", timedelta(0))
    first = asked_again(instance)
    assert isinstance(first, dg.RunRequest)
    second_run = a_run(instance, Status.STARTED, job=REFRESH, **first.tags)
    assert "no scheduled refresh" in str(asked_again(instance))  # it is under way
    instance.report_run_failed(second_run)
    second = asked_again(instance)
    assert isinstance(second, dg.RunRequest)
    # Dagster starts one run for a key, ever.
    assert second.run_key != first.run_key
    a_run(instance, Status.QUEUED, job=REFRESH)
    assert "no scheduled refresh" in str(asked_again(instance))  # one waits


def test_a_refresh_is_not_asked_for_again_when_a_night_has_done_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heirpay_pipelines.orchestration.asking.FIRST_PAUSE", timedelta(0))
    run = a_run(instance, Status.STARTED, job=REFRESH, **{SCHEDULE_NAME_TAG: REFRESH})
    instance.report_run_failed(run)
    assert isinstance(asked_again(instance), dg.RunRequest)
    a_run(instance, Status.SUCCESS)
    assert "no scheduled refresh" in str(asked_again(instance))


def test_a_refresh_whose_key_is_not_accepted_is_not_asked_for_again(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heirpay_pipelines.orchestration.asking.FIRST_PAUSE", timedelta(0))

    @dg.op
    def pull() -> None:
        with one_try_unless_transient(is_scheduled=True):
            raise KeyRefusedError("Stripe does not accept the key")

    @dg.job(name=REFRESH, tags={SCHEDULE_NAME_TAG: REFRESH})
    def refresh() -> None:
        pull()

    refresh.execute_in_process(instance=instance, raise_on_error=False)
    assert "the key is not accepted" in str(asked_again(instance))
