"""What a run writes into the audit log of settings, code and schema that changed since the last."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_build import make_build

from heirpay_pipelines.audit.chain import detail_of
from heirpay_pipelines.controls import RunContext, load_register, run_controls
from heirpay_pipelines.controls.record import _code
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
SEGREGATION = [item for item in load_register() if item.key == "segregation_of_duties"]
KEY = "rk_live_" + "a1b2" * 8


def records(home: Path, build: Path, **settings: str) -> list[tuple[str, dict[str, Any]]]:
    """One run's check; every change that the log holds after it."""
    run = RunContext("run", AS_OF, Settings(HEIRPAY_HOME=home, **settings), AS_OF)
    run_controls(build, run, controls=SEGREGATION)
    with open_state(run.settings.state_file) as state:
        rows = state.rows("select * from audit_log where action like '%changed' order by sequence")
    return [(row["action"], detail_of(row)) for row in rows]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_setting_that_changed_is_named_and_a_secret_is_in_no_record(
    home: Path, tmp_path: Path
) -> None:
    build = make_build(tmp_path / "b.duckdb")
    assert records(home, build, STRIPE_API_KEY=KEY) == []
    assert records(home, build, STRIPE_API_KEY=KEY) == []
    found = records(home, build, STRIPE_API_KEY=KEY, HEIRPAY_TIMEZONE="Europe/Berlin")
    assert found == [("settings_changed", {"changed": ["HEIRPAY_TIMEZONE"]})]
    rolled = records(home, build, STRIPE_API_KEY=KEY[::-1], HEIRPAY_TIMEZONE="Europe/Berlin")
    assert rolled[1:] == [("settings_changed", {"changed": ["STRIPE_API_KEY"]})]
    for file in home.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0
            assert KEY.encode() not in file.read_bytes()


def test_another_port_on_loopback_is_no_change_and_another_host_is(
    home: Path, tmp_path: Path
) -> None:
    build = make_build(tmp_path / "b.duckdb")
    for port in (12111, 40123):
        assert records(home, build, STRIPE_API_BASE=f"http://127.0.0.1:{port}") == []
    changed = records(home, build, STRIPE_API_BASE="https://proxy.example:40123")
    again = records(home, build, STRIPE_API_BASE="https://proxy.example:40124")
    assert changed == [("settings_changed", {"changed": ["STRIPE_API_BASE"]})]
    assert again == changed * 2


def test_code_that_changed_is_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = make_build(tmp_path / "b.duckdb")
    records(home, build)
    now = _code() | {"dbt project": "another", "heirpay-pipelines": "9.9"}
    monkeypatch.setattr("heirpay_pipelines.controls.record._code", lambda: now)
    assert records(home, build) == [
        ("code_changed", {"changed": ["dbt project", "heirpay-pipelines"]})
    ]


def test_a_table_or_column_that_came_or_went_is_named(home: Path, tmp_path: Path) -> None:
    records(home, make_build(tmp_path / "a.duckdb"))
    changed = make_build(
        tmp_path / "b.duckdb",
        "alter table finance.daily_revenue add column tips decimal(24,3)",
        "alter table staging.stg_stripe__charges alter amount type hugeint",
        "create table finance.more as select 1 as a",
        "drop table finance.disputes",
    )
    assert records(home, changed) == [
        (
            "schema_changed",
            {
                "added": ["finance.more"],
                "removed": ["finance.disputes"],
                "changed": ["finance.daily_revenue", "staging.stg_stripe__charges"],
            },
        )
    ]
