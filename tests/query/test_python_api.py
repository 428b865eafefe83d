"""The published warehouse from Python: exact, read-only, recorded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from heirpay_pipelines import published
from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

KEY = "a key for the python interface of 40 chars"
MONTHS = "select month, currency, mrr, note from finance.mrr_monthly order by month"


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    if request.param:
        monkeypatch.setenv("HEIRPAY_ENCRYPTION_KEY", request.param)
    found = Settings.load()
    found.warehouse_dir.mkdir(parents=True)
    with connect(found.warehouse, found.key, read_only=False) as build:
        build.execute("create schema finance")
        build.execute(
            "create table finance.mrr_monthly (month date, currency varchar, mrr decimal(24, 3),"
            " note varchar); insert into finance.mrr_monthly values"
            " (date '2026-09-01', 'usd', 12345678901234567890.123, null),"
            " (date '2026-10-01', 'usd', 0.1, 'x')"
        )
    return found


def test_money_stays_exact_and_what_is_missing_is_missing(settings: Settings) -> None:
    frame = published.frame(MONTHS)
    assert list(frame["mrr"]) == [Decimal("12345678901234567890.123"), Decimal("0.100")]
    assert str(frame["mrr"].dtype) == "decimal128(24, 3)[pyarrow]"
    assert frame["month"].iloc[0] == dt.date(2026, 9, 1)
    assert frame["note"].isna().tolist() == [True, False]
    assert frame["mrr"].sum() == Decimal("12345678901234567890.223")
    assert not [name for name, kind in frame.dtypes.items() if "double" in str(kind)]
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize(
    "sql",
    ["update finance.mrr_monthly set mrr = 1", "select 1; select 2", "attach 'x.db'",
     "copy finance.mrr_monthly to 'out.csv'", "select * from read_csv('/etc/passwd')",
     "select nonsense from finance.mrr_monthly"],
)  # fmt: skip
def test_it_only_reads_the_published_figures(settings: Settings, sql: str) -> None:
    with pytest.raises(published.PublishedError):
        published.frame(sql)
    assert len(published.frame(MONTHS)) == 2


def test_a_connection_changes_nothing_and_reaches_no_file(settings: Settings) -> None:
    with published.connect() as warehouse:
        assert warehouse.sql("select count(*) from finance.mrr_monthly").fetchone() == (2,)
        for sql in (
            "delete from finance.mrr_monthly",
            "attach 'other.duckdb'",
            "set enable_external_access = true",
            "copy (select 1) to 'out.csv'",
        ):
            with pytest.raises(duckdb.Error):
                warehouse.execute(sql)


def test_whoever_asks_is_in_the_audit_log(settings: Settings) -> None:
    published.frame("select mrr from finance.mrr_monthly where note = 'jane@example.com'")
    with published.connect():
        pass
    with open_state(settings.state_file) as state:
        rows = state.rows("select actor, detail from audit_log where action = 'query'")
    assert len(rows) == 2
    assert all(row["actor"].startswith("python:") for row in rows)
    assert "finance" in rows[0]["detail"]
    assert "jane" not in rows[0]["detail"]


def test_nothing_published_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "empty"))
    with pytest.raises(WarehouseError, match="No warehouse is published yet"):
        published.frame("select 1")
