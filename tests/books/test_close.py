"""Closing a month: made, approved by another, verified, broken, and refused where it must be."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from heirpay_pipelines.audit import verify as verify_chain
from heirpay_pipelines.books.close import (
    CloseError,
    approve_month,
    blockers,
    close_month,
    verify_month,
)
from heirpay_pipelines.cli import cli
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandedFile, Manifest, write_manifest
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

OCTOBER = date(2026, 10, 1)
WAREHOUSE = """
create schema finance; create schema intermediate; create schema operations;
create table operations.run_history as
    select 'run-1' as run_id, timestamp '2026-11-01' as as_of, true as is_published;
create table intermediate.int_period_figures as select * from (values
    (date '2026-10-01', 'daily_revenue', '', 'usd', 'fees', -12.340::decimal(38, 3)),
    (date '2026-10-01', 'tax_summary', 'DE/vat/19', 'eur', 'tax_amount', 19.000),
    (date '2026-09-01', 'daily_revenue', '', 'usd', 'fees', -1.000)
) as rows(month, table_name, item, currency, figure, value);
create table finance.reconciliation_breaks (
    break_id varchar, kind varchar, object_id varchar, severity varchar, first_seen_on date);
create table finance.resolved_breaks (object_id varchar);
create table operations.coverage as select * from (values
    ('p', timestamp '2026-11-01', '/v1/charges', 'charge', 'full', 'complete', null::varchar),
    ('p', timestamp '2026-11-01', '/v1/refunds', 'refund', 'full', 'complete', null),
    ('o', timestamp '2026-10-01', '/v1/orders', 'order', 'full', 'complete', null)
) as rows(pull_id, as_of, endpoint, object_name, mode, status, reason);
alter table operations.coverage add column covered_until timestamp;
update operations.coverage set covered_until = as_of;
create table finance.payout_reconciliation (payout_id varchar, status varchar, residual varchar,
    bank_status varchar, arrival_date date);
create table finance.daily_revenue (date date, currency varchar, unknown_categories varchar);
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
    settings = Settings(HEIRPAY_HOME=tmp_path)
    settings.warehouse.parent.mkdir(parents=True)
    change(settings, WAREHOUSE)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    file = LandedFile("objects/charge/p-0.parquet", "charge", 3, "ab" * 32)
    pulled = Manifest("p", at, "acct_1", False, "v", "full", {}, at, at, 1, (file,))
    write_manifest(Landing(settings.landing_dir).manifests_dir, pulled)
    return settings


def change(settings: Settings, sql: str) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(sql)


def test_a_month_is_closed_approved_and_verified(settings: Settings) -> None:
    assert blockers(settings, OCTOBER) == []
    digest = close_month(settings, OCTOBER, "ada")
    assert len(digest) == 64
    for same in ("ada", " Ada", "ADA "):
        with pytest.raises(CloseError, match="another person"):
            approve_month(settings, OCTOBER, same)
    approve_month(settings, OCTOBER, "grace")
    assert verify_month(settings, OCTOBER) == []
    with open_state(settings.state_file) as state:
        kept = state.rows("select actor, action from audit_log order by sequence")
        assert verify_chain(state).ok
        (row,) = state.rows("select manifest from period_closes")
    assert [tuple(record.values()) for record in kept] == [
        ("ada", "month_closed"),
        ("grace", "month_approved"),
    ]
    assert '"sha256":"' + "ab" * 32 in row["manifest"]
    for again in (close_month, approve_month):
        with pytest.raises(CloseError, match="already"):
            again(settings, OCTOBER, "ada")


def test_closing_the_same_publication_gives_the_same_hash(tmp_path: Path) -> None:
    hashes = set()
    for name in ("one", "two"):
        settings = Settings(HEIRPAY_HOME=tmp_path / name)
        settings.warehouse.parent.mkdir(parents=True)
        change(settings, WAREHOUSE)
        hashes.add(close_month(settings, OCTOBER, name))
    assert len(hashes) == 1


def test_a_later_publication_restates_openly(settings: Settings) -> None:
    close_month(settings, OCTOBER, "ada")
    change(settings, "update intermediate.int_period_figures set value = -13 where value < -12")
    (difference,) = verify_month(settings, OCTOBER)
    assert difference.figure == "daily_revenue fees usd"
    assert (difference.closed, difference.now) == ("-12.340", "-13.000")
    result = CliRunner().invoke(cli, ["close", "2026-10", "--verify"])
    assert result.exit_code == 1
    assert "closed -12.340, now -13.000" in result.output


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (
            "insert into finance.reconciliation_breaks values"
            " ('brk_1', 'payout_failed', 'po_1', 'high', '2026-10-31')",
            "open break",
        ),
        (
            "insert into finance.payout_reconciliation values"
            " ('po_1', 'unreconciled', null, 'missing', '2026-10-31')",
            "payout",
        ),
        ("insert into finance.daily_revenue values ('2026-10-02', 'usd', 'moon')", "unknown"),
        ("update operations.run_history set as_of = '2026-10-31'", "publication"),
        (
            "insert into operations.coverage by name select 'q' as pull_id, 'events' as mode,"
            " timestamp '2026-11-02' as as_of, '/v1/refunds' as endpoint, 'refund' as object_name,"
            " 'failed' as status, 'Stripe did not answer' as reason",
            "not read",
        ),
    ],
)
def test_what_blocks_is_listed_and_refused(settings: Settings, sql: str, what: str) -> None:
    change(settings, sql)
    (blocker,) = blockers(settings, OCTOBER)
    assert blocker.what.startswith(what)
    with pytest.raises(CloseError, match="block the close"):
        close_month(settings, OCTOBER, "ada")
    result = CliRunner().invoke(cli, ["close", "2026-10", "--check"])
    assert result.exit_code == 1
    assert blocker.subject in result.output


@pytest.mark.parametrize(
    ("sql", "subject", "read_until"),
    [
        ("covered_until = '2026-10-31 23:59:58'", "newest pull", "2026-10-31 23:59:58"),
        ("covered_until = null, status = 'failed', mode = 'always'", "newest pull", "nothing"),
        (
            "covered_until = '2026-10-31 20:00:00' where object_name = 'refund'",
            "refund",
            "2026-10-31 20:00:00",
        ),
    ],
)
def test_a_month_whose_last_hours_are_not_landed_is_not_closed(
    settings: Settings, sql: str, subject: str, read_until: str
) -> None:
    """The publication is newer than what was pulled for it."""
    change(settings, f"update operations.coverage set {sql}")
    found = [each for each in blockers(settings, OCTOBER) if each.what == "not pulled"]
    assert [each.subject for each in found] == [subject]
    assert f"until {read_until}" in found[0].detail or f"reads {read_until}" in found[0].detail
    assert "2026-10-31 23:59:59" in found[0].detail
    with pytest.raises(CloseError, match="block the close"):
        close_month(settings, OCTOBER, "ada")


def test_the_month_ends_in_the_reporting_zone(settings: Settings) -> None:
    """Midnight in Los Angeles is seven hours after midnight in UTC."""
    angeles = settings.model_copy(update={"timezone": "America/Los_Angeles"})
    change(settings, "update operations.run_history set as_of = '2026-11-02'")
    (blocker,) = blockers(angeles, OCTOBER)
    assert (blocker.what, blocker.subject) == ("not pulled", "newest pull")
    assert "2026-11-01 06:59:59" in blocker.detail


def test_a_resolved_break_blocks_no_more(settings: Settings) -> None:
    change(
        settings,
        "insert into finance.reconciliation_breaks values"
        " ('brk_1', 'payout_failed', 'po_1', 'high', '2026-10-31')",
    )
    with open_state(settings.state_file) as state:
        state.connection.execute(
            "insert into break_resolutions (break_id, resolved_at, resolved_as_of, resolved_by,"
            " reason) values ('brk_1', '', '', 'ada', 'paid again')"
        )
    assert blockers(settings, OCTOBER) == []


def test_a_payout_blocks_no_more_when_its_break_is_resolved(settings: Settings) -> None:
    change(
        settings,
        "insert into finance.payout_reconciliation values"
        " ('po_1', 'unreconciled', null, 'missing', '2026-10-31');"
        "insert into finance.resolved_breaks values ('po_1')",
    )
    assert blockers(settings, OCTOBER) == []


def test_a_failed_blocking_control_blocks(settings: Settings) -> None:
    with open_state(settings.state_file) as state:
        for control, severity in (("c1", "blocking"), ("c2", "warning")):
            state.connection.execute(
                "insert into control_results values"
                " ('run-1', ?, 'SOX', '404', 'title', ?, 'fail', 1, 1, '', '')",
                (control, severity),
            )
    assert [blocker.subject for blocker in blockers(settings, OCTOBER)] == ["c1"]


@pytest.mark.parametrize(
    "sql",
    [
        "update period_figures set value = '0'",
        "delete from period_figures",
        "insert into period_figures values ('2026-10', 'x', '', 'usd', 'x', '1')",
        "insert or replace into period_figures"
        " select month, table_name, item, currency, figure, '0' from period_figures",
        "update period_closes set manifest = '{}'",
        "update period_closes set closed_by = 'eve'",
        "update period_closes set approved_by = 'eve'",
        "delete from period_closes",
        "update period_adjustments set adjustment = '0'",
        "delete from period_adjustments",
        "insert or replace into period_adjustments select * from period_adjustments",
        "insert or replace into period_closes select * from period_closes",
    ],
)
def test_no_mutation_of_a_closed_month_succeeds(settings: Settings, sql: str) -> None:
    close_month(settings, OCTOBER, "ada")
    approve_month(settings, OCTOBER, "grace")
    with open_state(settings.state_file) as state:
        state.connection.execute(
            "insert into period_adjustments values"
            " ('2026-10', 'daily_revenue', '', 'usd', 'fees', '2026-11-02', 'run-2', '-1.000')"
        )
        with pytest.raises(sqlite3.IntegrityError, match="is not changed"):
            state.connection.execute(sql)
    assert verify_month(settings, OCTOBER) == []


@pytest.mark.parametrize(
    "sql",
    [
        "update period_figures set value = '0.000' where figure = 'fees'",
        "delete from period_figures where figure = 'fees'",
        "update period_closes set manifest = replace(manifest, '-12.340', '-99.000')",
    ],
)
def test_tampering_past_the_triggers_is_found_and_not_approved(
    settings: Settings, sql: str
) -> None:
    close_month(settings, OCTOBER, "ada")
    with open_state(settings.state_file) as state:
        for row in state.rows("select name from sqlite_master where type = 'trigger'"):
            state.connection.execute(f"drop trigger {row['name']}")
        state.connection.execute(sql)
    with pytest.raises(CloseError, match="state file was changed"):
        verify_month(settings, OCTOBER)
    with pytest.raises(CloseError, match="state file was changed"):
        approve_month(settings, OCTOBER, "grace")


@pytest.mark.parametrize("text", ["2026", "2026-13", "october"])
def test_what_is_no_month_is_refused(settings: Settings, text: str) -> None:
    result = CliRunner().invoke(cli, ["close", text, "--by", "ada"])
    assert result.exit_code == 1
    assert "no month" in result.output
