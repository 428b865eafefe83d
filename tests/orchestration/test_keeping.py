"""What a home keeps: the policy lets go what grows, and never evidence."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from installed import Installation

from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.keeping.dagster_runs import files_of_run
from heirpay_pipelines.orchestration.keeping.parts import parts
from heirpay_pipelines.orchestration.keeping.policy import policy
from heirpay_pipelines.orchestration.keeping.prune import prune
from heirpay_pipelines.orchestration.run_tags import NIGHT
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

NEWEST = date(2026, 11, 20)
NIGHTS = 60
PAGES = ("report.html", "report.json")
WHOLE = (*PAGES, "finance.xlsx", "exports/journal.csv")
FILES = (*WHOLE, "data_docs/index.html")
BUDGET = 150_000_000
"""Of forty quiet nights, beside landing and warehouse (issue 19)."""
QUIET_NIGHTS = 40


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
    given = Settings.load()
    prepare_dagster_home(given)
    with open_state(given.state_file):
        pass
    return given


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as opened:
        yield opened


def night_of(settings: Settings, day: date) -> Path:
    folder = settings.report_folder(day)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name * 1000)
    return folder


def left(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_reports_are_thinned_out_and_a_closed_months_evidence_stays(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    days = [NEWEST - timedelta(days=n) for n in range(NIGHTS)]
    folders = {day: night_of(settings, day) for day in days}
    (settings.reports_dir / "latest").symlink_to(NEWEST.isoformat())
    month = settings.reports_dir / "2026-10" / "exports"
    month.mkdir(parents=True)
    (month / "journal.csv").write_text("the month's own")
    # Closed as of an instant that is the second of November in the reporting time zone.
    with open_state(settings.state_file) as state:
        state.connection.execute(
            "insert into period_closes (month, closed_at, closed_by, as_of, run_id, manifest, hash)"
            " values ('2026-10', '2026-11-03', 'ada', '2026-11-02T01:00:00', 'r', '{}', 'h')"
        )
        chain = state.rows("select * from audit_log")
    would = prune(settings, instance, dry=True)
    assert all(left(folder) == set(FILES) for folder in folders.values())
    assert prune(settings, instance) == would
    assert prune(settings, instance) == []
    for place, day in enumerate(days):
        if place < policy().great_expectations_pages or day == date(2026, 11, 2):
            expected = set(FILES)
        elif place < policy().report_files or day in (date(2026, 10, 31), date(2026, 9, 30)):
            expected = set(WHOLE)
        else:
            expected = set(PAGES)
        assert left(folders[day]) == expected, day
    assert (month / "journal.csv").read_text() == "the month's own"
    with open_state(settings.state_file) as state:
        assert state.rows("select * from audit_log")[: len(chain)] == chain
        (said,) = state.rows("select detail from audit_log where action = 'home_pruned'")
    assert json.loads(said["detail"])["bytes"] == sum(item.bytes for item in would) > 0


def test_dagsters_runs_are_let_go_with_all_that_it_keeps_of_them(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    @dg.asset
    def figure() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"chart": "x" * 100_000})

    @dg.asset_check(asset=figure)
    def adds_up() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    job = dg.Definitions(
        assets=[figure], asset_checks=[adds_up], jobs=[dg.define_asset_job("nightly")]
    ).resolve_job_def("nightly")
    gone_by_hand = job.execute_in_process(instance=instance).run_id
    runs = [job.execute_in_process(instance=instance).run_id for _ in range(4)]
    failed = [create_run_for_test(instance, job_name="nightly") for _ in range(4)]
    for run in failed:
        instance.report_run_failed(run)
    waits = create_run_for_test(instance, job_name="nightly")
    index = settings.dagster_home / "history" / "runs" / "index.db"
    instance.delete_run(gone_by_hand)
    before = index.stat().st_size
    prune(settings, instance)
    kept = {run.run_id for run in instance.get_runs()}
    newest_failed = {run.run_id for run in failed[-policy().dagster_runs :]}
    assert kept == {waits.run_id, *newest_failed, runs[-1]}
    for run_id in (*runs[:-1], gone_by_hand):
        assert files_of_run(settings, run_id) == []
    assert files_of_run(settings, runs[-1])
    with closing(sqlite3.connect(index)) as connection:
        for table in ("event_logs", "asset_check_executions"):
            found = connection.execute(f"select distinct run_id from {table}").fetchall()
            assert {run_id for (run_id,) in found} <= kept, table
    assert index.stat().st_size < before * 0.7
    # What is shown of an asset is still there.
    event = instance.get_latest_materialization_event(dg.AssetKey("figure"))
    assert event is not None
    assert event.run_id == runs[-1]


def test_the_run_that_asks_counts_as_one_of_those_that_are_kept(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    ended = [create_run_for_test(instance, job_name="nightly") for _ in range(5)]
    for run in ended:
        instance.report_run_failed(run)
    own = create_run_for_test(instance, job_name="nightly", status=dg.DagsterRunStatus.STARTED)
    prune(settings, instance, own=own.run_id)
    assert len(instance.get_runs()) == policy().dagster_runs


def test_the_run_of_a_past_night_is_kept_as_long_as_its_file(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """Else the catalog shows its partition as missing while `heirpay query --night` reads it."""
    runs = {}
    for day in range(1, 7):
        date_of = f"2026-10-0{day}"
        runs[date_of] = create_run_for_test(
            instance, "__ASSET_JOB", tags={NIGHT: date_of}, status=dg.DagsterRunStatus.SUCCESS
        ).run_id
    kept = settings.recomputed_night(date(2026, 10, 1))
    kept.parent.mkdir(parents=True)
    kept.touch()
    unpublished = settings.reports_dir / "unpublished"
    unpublished.mkdir(parents=True)
    prune(settings, instance)
    left_over = {run.run_id for run in instance.get_runs()}
    newest = [runs[f"2026-10-0{day}"] for day in range(7 - policy().dagster_runs, 7)]
    assert left_over == {runs["2026-10-01"], *newest}
    assert not unpublished.exists()


def test_dbts_log_keeps_its_newest_part(settings: Settings, instance: dg.DagsterInstance) -> None:
    target = settings.folder / "dbt" / "target"
    target.mkdir(parents=True)
    lines = [f"line {n} of a log" for n in range(200_000)]
    (target / "dbt.log").write_text("\n".join(lines) + "\n")
    (target / "dbt.log.1").write_text("an older one")
    manifests = settings.folder / "dbt" / "manifests"
    manifests.mkdir()
    for n in range(6):
        (manifests / f"{n}.json").write_text("{}")
        os.utime(manifests / f"{n}.json", (n, n))
    prune(settings, instance)
    kept = (target / "dbt.log").read_text().splitlines()
    assert kept == lines[-len(kept) :]
    assert 0 < (target / "dbt.log").stat().st_size <= policy().dbt_log_bytes
    assert not (target / "dbt.log.1").exists()
    assert sorted(path.name for path in manifests.iterdir()) == ["3.json", "4.json", "5.json"]


def test_the_command_lists_and_lets_go(settings: Settings, tmp_path: Path) -> None:
    for n in range(9):
        night_of(settings, NEWEST - timedelta(days=n))

    def heirpay(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "heirpay_pipelines", "home", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)

    listed = json.loads(heirpay("--format", "json").stdout)
    assert listed["bytes"] == sum(part["bytes"] for part in listed["parts"])
    assert {"reports", "state", "dagster"} <= {part["part"] for part in listed["parts"]}
    assert all(set(p) == {"part", "path", "kept", "bytes", "files"} for p in listed["parts"])
    assert listed["policy"]["dagster_runs"] == policy().dagster_runs
    assert "reports: control pages" in heirpay().stdout
    would = heirpay("prune", "--dry-run").stdout
    assert would == heirpay("prune").stdout
    assert "reports/2026-11-12/finance.xlsx" in would
    assert heirpay("prune").stdout == ""


def test_forty_quiet_nights_stay_within_their_budget(published: Installation) -> None:
    """What one night adds, times how many of them are kept."""
    night = published.settings
    sizes = {part.part: part.bytes for part in parts(night, policy())}
    folder = night.reports_dir / "latest"
    pages = sum((folder / name).stat().st_size for name in PAGES)
    docs, whole = sizes["reports: control pages"], sizes["reports"] - pages
    months = 2  # that end in forty nights
    kept = policy()
    forty = {
        "pages": docs * (kept.great_expectations_pages + 1),
        "reports": whole * (kept.report_files + months) + pages * QUIET_NIGHTS,
        # The newest night is written before an old one goes; what it frees is filled again.
        "dagster": sizes["dagster"] * (kept.dagster_runs + 1),
        "dbt": sizes["dbt"] + kept.dbt_log_bytes,
        # A night adds a run, its control results and its incidents: less than the first did.
        "state": sizes["state"] + QUIET_NIGHTS * 150_000,
        "the rest": sum(
            size for part, size in sizes.items()
            if part not in ("reports", "reports: control pages", "dagster", "dbt", "state",
                            "landing", "warehouse", "build under way")
        ),
    }  # fmt: skip
    assert sum(forty.values()) < BUDGET, forty
