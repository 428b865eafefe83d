"""The comparison of two published warehouses finds each kind of difference."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from warehouses import differences

TABLES = """
create schema finance; create schema operations;
create table finance.payout_reconciliation as select 'po_1' as payout_id, 'usd' as currency,
    1.25::decimal(18, 2) as payout_amount
    union all select 'po_2', 'usd', 2.50 union all select 'po_2', 'usd', 2.50;
create table operations.run_history as select 'a' as run_id, 'published' as outcome;
"""


def built(path: Path, sql: str = "") -> Path:
    with duckdb.connect(path) as connection:
        connection.execute(TABLES + sql)
    return path


def test_equal_warehouses_differ_in_nothing_but_the_run(tmp_path: Path) -> None:
    before = built(tmp_path / "a.duckdb")
    after = built(tmp_path / "b.duckdb", "update operations.run_history set run_id = 'b'")
    assert list(differences(before, after)) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("update finance.payout_reconciliation set payout_amount = 1.26 where payout_id = 'po_1'",
         "payout_amount of payout_id po_1 was 1.25, is 1.26"),
        ("update finance.payout_reconciliation set payout_amount = null where payout_id = 'po_1'",
         "payout_amount of payout_id po_1 was 1.25, is None"),
        ("delete from finance.payout_reconciliation where payout_id = 'po_1'",
         "row payout_id po_1 is gone"),
        ("delete from finance.payout_reconciliation where rowid = 2",
         "row payout_id po_2 is gone"),  # one of two that are equal
        ("insert into finance.payout_reconciliation values ('po_3', 'usd', 0)",
         "row payout_id po_3 is new"),
        ("alter table finance.payout_reconciliation alter payout_amount type decimal(18, 3)",
         "column payout_amount was DECIMAL(18,2), is DECIMAL(18,3)"),
        ("alter table finance.payout_reconciliation drop currency", "column currency is gone"),
        ("alter table finance.payout_reconciliation add note varchar", "column note is new"),
        ("create table finance.more (a int)", "is new"),
        ("drop table finance.payout_reconciliation", "is gone"),
        ("update operations.run_history set outcome = 'refused'", "is gone"),
    ],
)  # fmt: skip
def test_each_kind_of_difference_is_named(tmp_path: Path, sql: str, said: str) -> None:
    before, after = built(tmp_path / "a.duckdb"), built(tmp_path / "b.duckdb", sql)
    found = [str(each) for each in differences(before, after)]
    assert any(said in each for each in found), found
