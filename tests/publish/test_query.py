"""`heirpay query`: read-only, exact, in four formats."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet

from heirpay_pipelines.audit.chain import detail_of
from heirpay_pipelines.audit.person import login
from heirpay_pipelines.duck import connect
from heirpay_pipelines.publish.query import Format, QueryError, run_query
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    settings.warehouse_dir.mkdir()
    with connect(settings.warehouse, None, read_only=False) as connection:
        connection.execute("create table t (currency varchar, amount decimal(24,3))")
        connection.execute("insert into t values ('kwd', 1.001), ('usd', 12345678901234567890.12)")
    return settings


def result(settings: Settings, sql: str, form: Format) -> bytes:
    out = io.BytesIO()
    run_query(settings, sql, form, out)
    return out.getvalue()


def test_json_and_csv_and_parquet_keep_every_digit(settings: Settings) -> None:
    rows = json.loads(result(settings, "from t order by amount", "json"), parse_float=Decimal)
    assert [row["amount"] for row in rows] == [Decimal("1.001"), Decimal("12345678901234567890.12")]
    assert b"12345678901234567890.120" in result(settings, "from t", "csv")
    table = parquet.read_table(io.BytesIO(result(settings, "from t order by amount", "parquet")))
    assert table.column("amount").to_pylist()[0] == Decimal("1.001")


def test_no_rows_are_an_empty_json_list(settings: Settings) -> None:
    assert json.loads(result(settings, "from t where false", "json")) == []


@pytest.mark.parametrize(
    "sql",
    [
        "delete from t",
        "create table u as select 1",
        "copy t to 'stolen.csv'",
        "from read_csv('/etc/passwd')",
        "attach 'other.duckdb'",
        "set enable_external_access = true",
        "select no_such_column from t",
    ],
)
def test_writing_reading_files_and_wrong_sql_are_refused(settings: Settings, sql: str) -> None:
    with pytest.raises(QueryError):
        result(settings, sql, "csv")


def asked(settings: Settings) -> list[dict[str, object]]:
    with open_state(settings.state_file) as state:
        rows = state.rows("select * from audit_log where action = 'query' order by sequence")
    return [{"actor": row["actor"], **detail_of(row)} for row in rows]


def test_who_asked_what_is_audited_without_what_they_looked_for(settings: Settings) -> None:
    sql = "select amount from t where currency = 'bob@x.test' and amount > 4711 -- bob"
    result(settings, sql, "csv")
    with pytest.raises(QueryError):
        result(settings, "select * from t where currency = bob@x.test", "csv")
    with pytest.raises(QueryError):
        result(settings, "delete from t", "csv")
    who = login()
    assert asked(settings) == [
        {
            "actor": who,
            "sql": "select amount from t where currency = ? and amount > ?",
            "characters": len(sql),
        },
        {"actor": who, "sql": None, "characters": 43},
        {"actor": who, "sql": "delete from t", "characters": 13},
    ]
