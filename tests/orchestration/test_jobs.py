"""The jobs: what each runs, when, and what it leaves, through real Dagster runs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.api import create_execution_plan
from dagster._utils.schedules import schedule_execution_time_iterator
from installed import Installation
from nights import copy_home

from heirpay_pipelines.books.close import blockers, last_instant
from heirpay_pipelines.orchestration.job import CRONS, schedules
from heirpay_pipelines.orchestration.month_end import (
    CHECK,
    last_ended_month,
    month_end,
    month_end_instant,
)
from heirpay_pipelines.orchestration.night import night_resource
from heirpay_pipelines.orchestration.past_nights import (
    NIGHTS,
    NoNightError,
    build_nights_asset,
    night_of,
)
from heirpay_pipelines.settings import Settings

TOLD = {"escalate/incidents", "report/domain_report"}


def assets_of(loaded: dg.Definitions, job: str) -> set[str]:
    layer = loaded.resolve_job_def(job).asset_layer
    return {key.to_user_string() for key in layer.executable_asset_keys}


def test_the_night_does_everything_and_the_day_tells_nobody(loaded: dg.Definitions) -> None:
    night, day = assets_of(loaded, "nightly"), assets_of(loaded, "intraday_refresh")
    assert night - day == TOLD
    assert {"landing/charge", "finance/mrr_monthly", "publish/publication"} <= day
    assert assets_of(loaded, "month_end") - day == {"publish/month_end"}
    checked = loaded.resolve_job_def("intraday_refresh").asset_layer.asset_graph.asset_check_keys
    assert "balance_identity" in {key.name for key in checked}


def test_the_month_end_asks_for_nothing_but_maybe_the_month(loaded: dg.Definitions) -> None:
    job = loaded.resolve_job_def("month_end")
    dg.validate_run_config(job, {})
    steps = dg.validate_run_config(job, {"month": "2026-02"})["ops"]
    assert steps["publish__month_end"]["config"] == {"month": "2026-02"}
    assert steps["pull_and_land"]["config"]["as_of"] == "2026-02-28T23:59:59+00:00"


@pytest.mark.parametrize("name", ["nightly", "intraday_refresh", "month_end"])
def test_each_run_is_judged_after_the_decision_to_publish(
    loaded: dg.Definitions, name: str
) -> None:
    """Judged before it, a refused run would end green."""
    steps = create_execution_plan(loaded.resolve_job_def(name)).get_all_steps_in_topo_order()
    order = [step.key for step in steps]
    assert order.index("report__verdict") > order.index("publish")


@pytest.mark.parametrize(
    ("job", "now", "expected"),
    [
        ("nightly", "2026-10-24T12:00:00+02:00", "2026-10-25T03:00:00+01:00"),
        ("month_end", "2026-10-31T23:00:00+01:00", "2026-11-01T00:10:00+01:00"),
        ("intraday_refresh", "2026-10-30T17:00:00+01:00", "2026-11-02T10:00:00+01:00"),
    ],
)
def test_a_schedule_keeps_to_the_reporting_time_zone(job: str, now: str, expected: str) -> None:
    found = {s.name: s for s in schedules(Settings(HEIRPAY_TIMEZONE="Europe/Berlin"))}
    assert set(found) == set(CRONS)
    ticks = schedule_execution_time_iterator(
        datetime.fromisoformat(now).timestamp(),
        str(found[job].cron_schedule),
        found[job].execution_timezone,
    )
    assert next(ticks) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "2026-10-31T23:59:59+00:00"),
        ("Asia/Tokyo", "2026-10-31T14:59:59+00:00"),
        ("America/New_York", "2026-11-01T03:59:59+00:00"),
    ],
)
def test_a_month_ends_in_the_reporting_time_zone(zone: str, expected: str, tmp_path: Path) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path, HEIRPAY_TIMEZONE=zone)
    end = datetime.fromisoformat(expected)
    assert last_instant(date(2026, 10, 1), settings.zone) == end
    assert month_end_instant(settings, date(2026, 10, 1)) == end
    assert last_ended_month(settings, end) == date(2026, 9, 1)
    assert last_ended_month(settings, end.fromtimestamp(end.timestamp() + 1, UTC)) == date(
        2026, 10, 1
    )


def test_once_a_later_night_was_pulled_it_is_that_night_that_holds_the_month(
    published: Installation,
) -> None:
    later = datetime(2026, 11, 1, tzinfo=UTC)
    assert month_end_instant(published.settings, date(2026, 9, 1)) == later
    assert month_end_instant(published.settings, date(2026, 11, 1)) > later


@pytest.fixture(scope="module")
def books(published: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The night's home, copied: a month end writes into it."""
    home = tmp_path_factory.mktemp("books") / "home"
    copy_home(published.home, home, "dagster")
    return Installation(home, published.account)


@pytest.mark.parametrize(("month", "over"), [("2026-10", True), ("2026-11", False)])
def test_the_month_end_lists_what_close_check_lists_and_writes_the_months_exports(
    books: Installation, month: str, over: bool
) -> None:
    night = {path: path.read_bytes() for path in books.home.glob("reports/2026-11-01/**/*.csv")}
    result = dg.materialize(
        [month_end],
        resources={"night": night_resource(books.settings)},
        run_config={"ops": {"publish__month_end": {"config": {"month": month}}}},
        instance=dg.DagsterInstance.ephemeral(),
    )
    (event,) = result.get_asset_materialization_events()
    standing = blockers(books.settings, date.fromisoformat(f"{month}-01"))
    files = {path.name for path in (books.settings.reports_dir / month).glob("exports/*.csv")}
    assert files == ({path.name for path in night} if over else set())
    assert all(path.read_bytes() == content for path, content in night.items())
    assert event.materialization.metadata["blockers"].value == len(standing)
    assert any(blocker.what == "publication" for blocker in standing) is not over
    (check,) = result.get_asset_check_evaluations()
    assert check.check_name == CHECK
    assert not check.passed  # the planted breaks are open
    listed = books.heirpay("close", month, "--check").stdout
    assert len(listed.splitlines()) == len(standing)


def test_a_past_night_is_computed_again_without_stripe_and_publishes_nothing(
    published: Installation, tmp_path: Path
) -> None:
    """Its account is not served any more: one request to it would fail the run."""
    home = tmp_path / "home"
    copy_home(published.home, home, "dagster", "reports", "heirpay.duckdb")
    settings = Settings(
        HEIRPAY_HOME=home,
        STRIPE_API_BASE=published.account.base_url,
        STRIPE_API_KEY=published.account.key,
    )
    nights = build_nights_asset(settings)
    assert nights.partitions_def is not None
    assert nights.partitions_def.get_partition_keys()[0] == "2026-11-01"
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize(
        [nights],
        partition_key="2026-11-01",
        resources={"night": night_resource(settings)},
        instance=instance,
    )
    assert result.success
    assert not settings.warehouse.exists()
    assert instance.get_materialized_partitions(NIGHTS) == {"2026-11-01"}
    again = Installation(home, published.account)
    same = "select count(*), sum(mrr), sum(active_customers) from finance.mrr_monthly"
    asked = again.heirpay("query", "--night", "2026-11-01", same, "--format", "csv")
    assert asked.stdout == published.heirpay("query", same, "--format", "csv").stdout
    with pytest.raises(NoNightError, match="Landed: 2026-11-01"):
        night_of(settings, date(2026, 10, 5))
