"""What starts a run by itself, on real files and state."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, SkipReason, build_run_status_sensor_context
from installed import Installation

from heirpay_pipelines.nightly.bank_files import SETTLED_SECONDS, new_bank_files
from heirpay_pipelines.nightly.failure import failed_run_sensor
from heirpay_pipelines.nightly.lock import run_lock
from heirpay_pipelines.nightly.webhooks import webhooks_waiting
from heirpay_pipelines.receive.event import read_event
from heirpay_pipelines.receive.inbox import Inbox
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.runs import open_run, read_run

STATEMENT = "Booking date,Amount,Currency,Reference\n2026-10-30,12.50,usd,a transfer of ours\n"


@pytest.fixture
def home(published: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A copy of the published night, as the sensors find it by the environment."""
    copied = Installation(tmp_path / "home", published.account)
    ignored = shutil.ignore_patterns("dagster", "dbt", "warehouse", "reports")
    shutil.copytree(published.home, copied.home, ignore=ignored)
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


def ask(sensor: dg.SensorDefinition, cursor: str | None = None) -> dg.SensorResult:
    """One tick: what the sensor asks for and remembers."""
    with dg.build_sensor_context(cursor=cursor, sensor_name=sensor.name) as context:
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


def test_statements_that_were_landed_ask_for_nothing(home: Installation) -> None:
    for file in home.settings.bank_dir.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    first = ask(new_bank_files)
    assert skipped(first) == "no new file"
    assert skipped(ask(new_bank_files, first.cursor)) == "no new file"


def test_a_new_statement_asks_for_one_refresh_when_it_is_whole(home: Installation) -> None:
    for file in home.settings.bank_dir.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    before = ask(new_bank_files)
    statement(home, "today.csv", seconds_ago=SETTLED_SECONDS / 2)
    assert "still being written" in skipped(ask(new_bank_files, before.cursor))
    statement(home, "today.csv", seconds_ago=SETTLED_SECONDS * 2)
    with run_lock(home.settings):
        assert "under way" in skipped(ask(new_bank_files, before.cursor))
    asked = ask(new_bank_files, before.cursor)
    (request,) = asked.run_requests or []
    assert request.tags["heirpay/bank_files"] == "today.csv"
    # The same content under the same key starts no second run, however often it is asked for.
    assert [again.run_key for again in ask(new_bank_files).run_requests or []] == [request.run_key]
    assert skipped(ask(new_bank_files, asked.cursor)) == "no new file"


def test_webhooks_are_drained_when_some_wait_and_no_run_is_under_way(home: Installation) -> None:
    assert "nothing waits" in skipped(ask(webhooks_waiting))
    put_event(home.settings)
    with run_lock(home.settings):
        assert "under way" in skipped(ask(webhooks_waiting))
    assert len(ask(webhooks_waiting).run_requests or []) == 1


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
