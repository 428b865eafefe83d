"""The nightly run as its users see it: from an account over HTTP to a published file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from installed import NOW, Installation
from night_figures import fingerprint

from heirpay_pipelines.orchestration.embedded import EmbeddedAccount
from heirpay_pipelines.state import open_state


def test_every_published_table_of_the_contract_is_there_with_comments(
    published: Installation,
) -> None:
    uncommented = published.rows(
        "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
        " where schema_name in ('finance', 'compliance', 'operations')"
        " and coalesce(comment, '') = '' order by 1"
    )
    assert uncommented == []
    tables = {row[0] for row in published.rows("select table_name from duckdb_tables()")}
    assert {
        "daily_revenue", "payment_method_daily", "mrr_monthly", "mrr_movements", "churn_monthly",
        "tax_transactions", "tax_summary", "payout_reconciliation", "balance_reconciliation",
        "disputes", "run_history", "control_results", "audit_log",
    } <= tables  # fmt: skip


def test_the_published_file_has_the_nights_own_incidents(published: Installation) -> None:
    columns = "incident_id, status, strike, attempted_solutions, learned, financial_impact"
    with open_state(published.settings.state_file) as state:
        known = state.rows(f"select {columns} from incidents order by 1")
    found = published.rows(f"select {columns} from operations.incidents order by 1")
    assert len(found) > 10
    assert [row[:5] for row in found] == [tuple(row.values())[:5] for row in known]
    assert [row[5] for row in found] == [Decimal(row["financial_impact"]) for row in known]
    assert {"open", "escalated"} <= {row[1] for row in found}
    assert any(json.loads(str(row[3])) for row in found)


def flip_bits(file: Path) -> None:
    """One bit of every block of the file."""
    content = bytearray(file.read_bytes())
    for position in range(9_000, len(content), 262_144):
        content[position] ^= 4
    file.write_bytes(content)


def refresh(night: Installation) -> subprocess.CompletedProcess[str]:
    """The job of the day, started as Dagster's own command line starts it."""
    config = night.home / "config.yaml"
    config.write_text(f"ops: {{pull_and_land: {{config: {{as_of: '{NOW}'}}}}}}")
    dagster = str(Path(sys.executable).with_name("dagster"))
    return subprocess.run(
        [dagster, "job", "execute", "-m", "heirpay_pipelines.definitions",
         "-j", "intraday_refresh", "-c", str(config)],
        env=night.environment | {"DAGSTER_HOME": str(night.settings.dagster_home)},
        cwd=night.home, capture_output=True, text=True, check=False,
    )  # fmt: skip


def told(night: Installation) -> tuple[object, ...]:
    """What the night told: its report and evidence, its incidents, its messages."""
    folder = night.settings.reports_dir / "latest"
    files = {
        path: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }
    with open_state(night.settings.state_file) as state:
        return (
            files,
            state.rows("select * from incidents"),
            state.rows("select * from outbox_messages"),
        )


@pytest.mark.slow
def test_a_damaged_or_lost_warehouse_is_built_anew_from_landing_by_a_refresh_too(
    published_copy: Installation, published: Installation, account: EmbeddedAccount
) -> None:
    """The refresh publishes what a night would, and leaves alone what the night told."""
    night = replace(published_copy, account=account)
    for damage in (flip_bits, Path.unlink):
        damage(night.settings.warehouse)
        asked = night.heirpay("query", "from finance.journal_entries", "--format", "csv")
        assert asked.returncode == 1
        assert "heirpay run" in asked.stderr
    before = told(night)
    result = refresh(night)
    assert result.returncode == 0, result.stderr[-3000:]
    assert fingerprint(night) == fingerprint(published)
    assert told(night) == before
    jobs = night.rows("select job, is_published from operations.run_history order by started_at")
    assert jobs == [("nightly", True), ("intraday_refresh", True)]


def test_a_second_run_at_the_same_time_says_so_and_ends(empty_home: Installation) -> None:
    from heirpay_pipelines.state.run_lock import run_lock

    with run_lock(empty_home.settings):
        result = empty_home.heirpay("run", "--as-of", NOW)
    assert result.returncode == 1
    assert "Another run is under way" in result.stderr


def test_query_works_on_the_published_night(published: Installation) -> None:
    result = published.heirpay(
        "query", "select count(*) as n from finance.mrr_monthly", "--format", "json"
    )
    assert json.loads(result.stdout)[0]["n"] > 12


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "--as-of", "yesterday"), 2),
        (("query", "select nonsense"), 2),
        (("no-such-command",), 2),
        (("--help",), 0),
    ],
)
def test_exit_codes(published: Installation, arguments: tuple[str, ...], code: int) -> None:
    assert published.heirpay(*arguments).returncode == code
