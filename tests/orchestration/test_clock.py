"""A night is never of the future, and never of a clock that only this machine believes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heirpay_pipelines.orchestration.clock import (
    FutureNightError,
    as_of_night,
    judged,
    server_clock,
)
from heirpay_pipelines.orchestration.embedded import serve_account
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

HERE = datetime(2026, 11, 1, 2, tzinfo=UTC)
NOW = "2026-11-01T00:00:00+00:00"
DAY = timedelta(days=1)


@pytest.mark.parametrize("there", [HERE, HERE - DAY, HERE + DAY, None])
def test_a_night_of_the_future_is_refused_by_the_gateways_clock(there: datetime | None) -> None:
    now = there or HERE
    for ahead in (timedelta(minutes=6), DAY, 90 * DAY):
        with pytest.raises(FutureNightError, match=r"lies in the future: it is 2026-1"):
            judged(now + ahead, HERE, there)
    for asked in (now + timedelta(minutes=4), now, now - 90 * DAY):
        assert judged(asked, HERE, there).instant == asked


@pytest.mark.parametrize("hours", [-49, -1, 1, 49])
def test_without_an_instant_the_gateways_clock_wins_and_that_is_said(hours: int) -> None:
    there = HERE + timedelta(hours=hours)
    found = judged(None, HERE, there)
    assert found.instant == there
    assert f"{there:%Y-%m-%dT%H:%M}" in str(found.remark)


@pytest.mark.parametrize("there", [HERE + timedelta(minutes=4), HERE, None])
def test_clocks_that_agree_need_no_word(there: datetime | None) -> None:
    assert judged(None, HERE, there) == judged(None, HERE, HERE)


def test_the_gateways_clock_is_asked_before_a_night_begins(tmp_path: Path) -> None:
    with serve_account(tmp_path / "bank", "--now", NOW, "--limits", "off", "--scale", "1") as given:
        settings = Settings(
            HEIRPAY_HOME=tmp_path / "home", STRIPE_API_BASE=given.base_url,
            STRIPE_API_KEY=given.key,
        )  # fmt: skip
        assert asyncio.run(server_clock(settings)) == datetime.fromisoformat(NOW)
        assert as_of_night(settings, None).instant == datetime.fromisoformat(NOW)
        night = Night(settings, "r1")
        assert night.begin(None).as_of == datetime.fromisoformat(NOW)
        with pytest.raises(Exception, match="lies in the future"):
            Night(settings, "r2").begin("2026-11-03T00:00:00Z")
        with open_state(settings.state_file) as state:
            assert [row["run_id"] for row in state.rows("select run_id from runs")] == ["r1"]
