"""Stripe's own reports, run and read over HTTP from the embedded account, tied to our figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from heirpay_pipelines.gateways.errors import NotReadableError, PullError
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landed_reports import land_reports
from heirpay_pipelines.gateways.stripe.reports import REPORTS, ReportRun, Reports
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest, write_manifest
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount, serve_account
from heirpay_pipelines.settings import Settings

NOW = datetime(2025, 9, 1, 6, tzinfo=UTC)
SUMMARY = "balance.summary.1"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAccount]:
    folder = tmp_path_factory.mktemp("reports")
    with serve_account(folder / "bank", "--now", NOW.isoformat(), "--limits", "off") as served:
        yield served


def client(account: EmbeddedAccount, **extra: Any) -> Reports:
    return Reports(account.key, account.base_url, poll=0.001, **extra)


def test_a_run_is_waited_for_and_read_line_by_line(account: EmbeddedAccount) -> None:
    waits: list[float] = []
    reports = client(account, sleep=waits.append)
    run = reports.run(SUMMARY, *reports.available(SUMMARY))
    with reports.rows(run) as rows:
        lines = list(rows)
    assert waits
    assert {line["category"] for line in lines} >= {"starting_balance", "ending_balance"}
    assert set(lines[0]) == set(REPORTS[SUMMARY])


def test_a_run_that_never_ends_is_given_up(account: EmbeddedAccount) -> None:
    reports = client(account, sleep=lambda _: None, patience=0)
    with pytest.raises(PullError, match="not ready"):
        reports.run(SUMMARY, *reports.available(SUMMARY))


def test_the_key_is_sent_to_stripe_only(account: EmbeddedAccount) -> None:
    run = ReportRun("frr_1", SUMMARY, 0, 1, "https://files.stripe.com.example/v1/files/x/contents")
    with pytest.raises(PullError, match="not Stripe's"), client(account).rows(run):
        pass


def test_an_unknown_report_is_not_readable(account: EmbeddedAccount) -> None:
    with pytest.raises(NotReadableError):
        client(account).available("moon.phases.1")


def installation(home: Path, account: EmbeddedAccount) -> Settings:
    settings = Settings(
        HEIRPAY_HOME=home, STRIPE_API_BASE=account.base_url, STRIPE_API_KEY=account.key
    )
    pulled = Manifest("p", NOW, "acct_1", False, "v", "full", {}, NOW, NOW, 1, ())
    write_manifest(Landing(settings.landing_dir).manifests_dir, pulled)
    return settings


def landed(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, settings, NOW.replace(tzinfo=None))
        return connection.execute(sql).fetchall()


def test_every_report_is_landed_once_whole(tmp_path: Path, account: EmbeddedAccount) -> None:
    settings = installation(tmp_path, account)
    outcome = land_reports(stripe_account(settings), NOW, client(account))
    assert [line.status for line in outcome.coverage] == ["complete"] * 3
    assert outcome.rows > 100
    rows = landed(settings, "select count(*) from landing.report_row")
    runs = landed(settings, "select sum((payload ->> '$.rows')::int) from landing.report_run")
    assert rows == runs == [(outcome.rows,)]
    # From then on only the running month and the one before.
    again = land_reports(stripe_account(settings), NOW, client(account))
    assert again.rows < outcome.rows
    assert all(line.covered_from == "2025-08-01T00:00:00+00:00" for line in again.coverage)


def test_a_report_that_fails_is_a_fact_and_stops_nothing(
    tmp_path: Path, account: EmbeddedAccount
) -> None:
    settings = installation(tmp_path, account)
    fault = {"kind": "forbidden", "where": "reporting/report_runs", "times": 1}
    httpx.post(f"{account.base_url}/_sandbox/faults", json=fault).raise_for_status()
    outcome = land_reports(stripe_account(settings), NOW, client(account))
    assert [line.status for line in outcome.coverage] == ["forbidden", "complete", "complete"]
    assert "may not run reports" in str(outcome.coverage[0].reason)
    # What failed is run over its whole history the next time.
    again = land_reports(stripe_account(settings), NOW, client(account))
    assert again.coverage[0].covered_from < "2025-08-01"
