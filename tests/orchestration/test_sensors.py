"""What starts a run by itself, on real files and state."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, SkipReason, build_run_status_sensor_context
from dagster._core.test_utils import create_run_for_test
from installed import Installation
from nights import copy_home

from heirpay_pipelines.orchestration.bank_files import SETTLED_SECONDS, new_bank_files
from heirpay_pipelines.orchestration.failure import failed_run_sensor
from heirpay_pipelines.orchestration.night import REFRESH
from heirpay_pipelines.orchestration.webhooks import webhooks_waiting
from heirpay_pipelines.receive.event import read_event
from heirpay_pipelines.receive.inbox import Inbox
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.run_lock import run_lock
from heirpay_pipelines.state.runs import open_run, read_run

STATEMENT = "Booking date,Amount,Currency,Reference\n2026-10-30,12.50,usd,a transfer of ours\n"


@pytest.fixture
def home(published: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A copy of the published night, as the sensors find it by the environment."""
    copied = Installation(tmp_path / "home", published.account)
    copy_home(published.home, copied.home, "dagster", "dbt", "warehouse", "reports")
    monkeypatch.setenv("HEIRPAY_HOME", str(copied.home))
    monkeypatch.setenv("STRIPE_API_KEY", copied.account.key)
    return copied


def statement(home: Installation, name: str, seconds_ago: float) -> Path:
    file = home.settings.bank_dir / name
    file.write_text(STATEMENT)
    written = time.time() - seconds_ago
    os.utime(file, (written, written))
    return file


def put_event(settings: Settings) -> None:
    """An event in the inbox, put there as the endpoint does."""
    charge = {"id": "ch_new", "object": "charge", "amount": 1000, "currency": "usd"}
    body = {
        "id": "evt_new", "object": "event", "api_version": "2026-10-28.endive",
        "created": int(time.time()) - 60, "livemode": True, "type": "charge.succeeded",
        "data": {"object": charge},
    }  # fmt: skip

    async def store() -> None:
        inbox = Inbox(settings.state_file)
        await inbox.start()
        await inbox.store(read_event(json.dumps(body).encode()))
        await inbox.stop()

    asyncio.run(store())


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as opened:
        yield opened


def ask(
    sensor: dg.SensorDefinition, instance: DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    """One tick: what the sensor asks for and remembers."""
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, sensor_name=sensor.name
    ) as context:
        told = sensor.evaluate_tick(context)
        return dg.SensorResult(
            run_requests=list(told.run_requests or []),
            skip_reason=SkipReason(told.skip_message) if told.skip_message else None,
            cursor=told.cursor,
        )


def skipped(result: dg.SensorResult) -> str:
    assert not result.run_requests
    assert isinstance(result.skip_reason, SkipReason)
    return str(result.skip_reason.skip_message)


def test_statements_that_were_landed_ask_for_nothing(
    home: Installation, instance: DagsterInstance
) -> None:
    for file in home.settings.bank_dir.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    first = ask(new_bank_files, instance)
    assert skipped(first) == "no new file"
    assert skipped(ask(new_bank_files, instance, first.cursor)) == "no new file"


def test_a_new_statement_asks_for_one_refresh_when_it_is_whole_and_again_when_that_failed(
    home: Installation, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in home.settings.bank_dir.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    cursor = ask(new_bank_files, instance).cursor
    statement(home, "today.csv", seconds_ago=SETTLED_SECONDS / 2)
    assert "still being written" in skipped(ask(new_bank_files, instance, cursor))
    statement(home, "today.csv", seconds_ago=SETTLED_SECONDS * 2)
    asked = ask(new_bank_files, instance, cursor)
    (request,) = asked.run_requests or []
    assert request.tags["heirpay/bank_files"] == "today.csv"
    # The same content under the same key starts no second run, however often it is asked for.
    again = ask(new_bank_files, instance, asked.cursor)
    assert [one.run_key for one in again.run_requests or []] == [request.run_key]
    run = create_run_for_test(
        instance, job_name=REFRESH, tags=request.tags, status=dg.DagsterRunStatus.NOT_STARTED
    )
    assert run.run_id in skipped(ask(new_bank_files, instance, asked.cursor))
    instance.report_run_failed(run)
    assert "is asked for at" in skipped(ask(new_bank_files, instance, asked.cursor))
    monkeypatch.setattr("heirpay_pipelines.orchestration.asking.FIRST_PAUSE", timedelta(0))
    (retry,) = ask(new_bank_files, instance, asked.cursor).run_requests or []
    assert retry.run_key != request.run_key
    assert retry.tags == request.tags


def test_webhooks_are_drained_when_some_wait_and_none_is_asked_for_twice(
    home: Installation, instance: DagsterInstance
) -> None:
    assert "nothing waits" in skipped(ask(webhooks_waiting, instance))
    put_event(home.settings)
    assert len(ask(webhooks_waiting, instance).run_requests or []) == 1
    run = create_run_for_test(
        instance, job_name="drain_webhooks", status=dg.DagsterRunStatus.NOT_STARTED
    )
    assert run.run_id in skipped(ask(webhooks_waiting, instance))


@pytest.mark.parametrize("sensor", [new_bank_files, webhooks_waiting])
def test_nothing_is_asked_for_while_another_process_works(
    home: Installation, instance: DagsterInstance, sensor: dg.SensorDefinition
) -> None:
    settled = (1_700_000_000, 1_700_000_000)
    statement(home, "today.csv", seconds_ago=SETTLED_SECONDS * 2)
    for file in home.settings.bank_dir.iterdir():
        os.utime(file, settled)
    put_event(home.settings)
    with ThreadPoolExecutor(1) as other, run_lock(home.settings):
        # Another thread is refused as another process is.
        assert "under way" in skipped(other.submit(ask, sensor, instance).result())


def test_a_failed_run_is_recorded_with_the_reason(home: Installation) -> None:
    @dg.op
    def broken() -> None:
        raise RuntimeError("the disk is gone")

    @dg.job
    def night() -> None:
        broken()

    instance = DagsterInstance.ephemeral()
    result = night.execute_in_process(instance=instance, raise_on_error=False)
    with open_state(home.settings.state_file) as state:
        open_run(state, result.run_id, datetime.now(UTC))
    context = build_run_status_sensor_context(
        sensor_name=failed_run_sensor.name,
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(result.run_id),  # type: ignore[arg-type]
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()
    failed_run_sensor(context)
    with open_state(home.settings.state_file) as state:
        run = read_run(state, result.run_id)
    assert run.outcome == "failed"
    assert "broken" in str(run.reason)
