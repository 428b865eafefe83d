"""A closed month stands; what later facts change in it is posted once, dated, line by line."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model

from heirpay_pipelines.books.adjustments import record_adjustments
from heirpay_pipelines.books.close import close_month, verify_month
from heirpay_pipelines.report.tax_exports import write_exports
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

JANUARY = date(2026, 1, 1)
SELECT = "+closed_period_adjustments +closed_period_journal_lines"
CLOSED, FIRST, SECOND = "2026-02-01T00:00:00", "2026-02-10T00:00:00", "2026-03-05T00:00:00"
CONTEXT = """
create schema if not exists operations;
create or replace table operations.run_history as
    select 'run-1' as run_id, timestamp '2026-02-01' as as_of, true as is_published;
create or replace table operations.coverage as
    select '/v1/charges' as endpoint, 'charge' as object_name, 'full' as mode,
    'complete' as status, '' as reason, 'pull-1' as pull_id, timestamp '2026-02-01' as as_of,
    timestamp '2026-02-01' as covered_until;
create or replace table finance.reconciliation_breaks as select '' as break_id, '' as kind,
    '' as object_id, '' as severity, date '2026-01-01' as first_seen_on where false;
create or replace table finance.resolved_breaks as select '' as object_id where false;
create or replace table finance.payout_reconciliation as select '' as payout_id, '' as status,
    '' as residual, '' as bank_status, date '2026-01-01' as arrival_date where false;
"""


class Books:
    """The nights of one account, each built from what was landed by then."""

    def __init__(self, home: Path) -> None:
        self.settings, self.home, self.landing = Settings(HEIRPAY_HOME=home), home, Landing()
        self.nights = 0

    def night(self, as_of: str, *facts: stripe.JsonObject) -> Warehouse:
        """Land the facts, build, and record and publish as a night does."""
        stripe.land(self.landing, list(facts), as_of)
        self.nights += 1
        folder = self.home / f"night-{self.nights}"
        folder.mkdir(parents=True)
        built = model(
            self.landing,
            folder,
            as_of,
            SELECT,
            tested=False,
            state_file=self.settings.state_file,
            account_mapping=self.settings.account_mapping,
        )
        instant = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
        with duckdb.connect(str(built.database)) as build:
            build.execute(CONTEXT)
            with open_state(self.settings.state_file) as state:
                record_adjustments(build, state, instant, f"run-{self.nights}")
            write_exports(build, folder / "exports")
        self.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built.database, self.settings.warehouse)
        return built

    def journal_of(self, month: str) -> bytes:
        """The newest journal export's lines of a month, byte for byte."""
        path = self.home / f"night-{self.nights}" / "exports" / "journal.csv"
        return b"".join(
            line
            for line in path.read_bytes().splitlines(True)
            if line.split(b",")[1].startswith(month.encode())
        )


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """January is closed; a refund of January comes in February, a charge of it in March."""
    books = Books(tmp_path_factory.mktemp("books"))
    seen: dict[str, Any] = {"books": books}
    books.settings.account_mapping.write_text(
        "entry,account,account_name,account_type\nfees,0610,Gebühren,expense\n"
    )
    books.night(CLOSED, stripe.movement("txn_1", "charge", 10_000, "2026-01-05T12:00:00", fee=300))
    seen["export"] = books.journal_of("2026-01")
    seen["hash"] = close_month(books.settings, JANUARY, "ada")
    assert verify_month(books.settings, JANUARY) == []
    seen["first"] = books.night(
        FIRST,
        stripe.movement("txn_late", "refund", -2500, "2026-01-31T12:00:00", source="re_late"),
        stripe.movement("txn_2", "charge", 700, "2026-02-05T12:00:00"),
    )
    seen["first export"] = books.journal_of("2026-01")
    late = stripe.movement("txn_later", "charge", 500, "2026-01-31T23:00:00", source="ch_later")
    seen["second"] = books.night(SECOND, late)
    seen["again"] = books.night(SECOND)
    return seen


def adjustments(warehouse: Warehouse, table: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select item, figure, closed_value, value_before, adjustment, value_after, adjusted_on"
        " from finance.closed_period_adjustments where table_name = ? and month = '2026-01-01'"
        " order by item, figure, adjusted_on",
        table,
    )


def test_late_facts_are_posted_once_and_stay_dated(books: dict[str, Any]) -> None:
    february, march = date(2026, 2, 10), date(2026, 3, 5)
    assert adjustments(books["first"], "daily_revenue") == [
        ("", "net_volume", 97, 97, -25, 72, february),
        ("", "refunds", 0, 0, -25, -25, february),
    ]
    assert adjustments(books["second"], "daily_revenue") == [
        ("", "gross_volume", 100, 100, 5, 105, march),
        ("", "net_volume", 97, 97, -25, 72, february),
        ("", "net_volume", 97, 72, 5, 77, march),
        ("", "refunds", 0, 0, -25, -25, february),
    ]
    months = "select distinct month from finance.closed_period_adjustments"
    assert books["second"].rows(months) == [(JANUARY,)]


def test_they_are_traced_to_journal_lines_and_objects(books: dict[str, Any]) -> None:
    lines = books["second"].rows(
        "select entry_id, date, posted_on, account, debit, credit, source_object"
        " from finance.closed_period_journal_lines order by entry_id, line_number"
    )
    february, march, day = date(2026, 2, 10), date(2026, 3, 5), date(2026, 1, 31)
    assert lines == [
        ("txn_late", day, february, "1100", 0, 25, "re_late"),
        ("txn_late", day, february, "1210", 25, 0, "re_late"),
        ("txn_later", day, march, "1100", 5, 0, "ch_later"),
        ("txn_later", day, march, "1200", 0, 5, "ch_later"),
    ]
    # The lines are all of what the journal's adjustments are, by account.
    assert not books["second"].rows(
        "select item, posted, lines from"
        " (select item,"
        " sum(case figure when 'debit' then adjustment else -adjustment end) as posted"
        " from finance.closed_period_adjustments where table_name = 'journal_entries' group by 1)"
        " full join (select account as item, sum(debit - credit) as lines"
        " from finance.closed_period_journal_lines group by 1) using (item)"
        " where posted is distinct from lines"
    )


def test_the_users_own_account_comes_before_the_projects(books: dict[str, Any]) -> None:
    accounts = books["first"].rows(
        "select account, account_name, sum(debit) from finance.journal_entries"
        " where account_name in ('Gebühren', 'Payment processing fees', 'Stripe balance')"
        " group by 1, 2 order by 1"
    )
    assert accounts == [("0610", "Gebühren", 3), ("1100", "Stripe balance", 104)]


def test_the_export_of_a_closed_month_stays_byte_for_byte(books: dict[str, Any]) -> None:
    own: Books = books["books"]
    assert books["export"]
    assert books["first export"] == books["export"]
    assert own.journal_of("2026-01") == books["export"]
    assert b"of 2026-01" in own.journal_of("2026-03-05")


def test_a_night_again_changes_nothing(books: dict[str, Any]) -> None:
    for table in ("closed_period_adjustments", "closed_period_journal_lines", "journal_entries"):
        query = f"from finance.{table} order by all"
        assert books["again"].rows(query) == books["second"].rows(query)
    with open_state(books["books"].settings.state_file) as state:
        posted = state.rows("select distinct run_id from period_adjustments order by 1")
        told = state.rows("select subject from audit_log where action = 'month_adjusted'")
    assert [row["run_id"] for row in posted] == ["run-2", "run-3"]
    assert [row["subject"] for row in told] == ["2026-01", "2026-01"]


def test_computed_as_of_the_close_the_figures_are_the_frozen_ones(books: dict[str, Any]) -> None:
    own: Books = books["books"]
    assert verify_month(own.settings, JANUARY)  # restated, openly
    own.night(CLOSED)
    assert verify_month(own.settings, JANUARY) == []
    assert own.journal_of("2026-01") == books["export"]
