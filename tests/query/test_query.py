"""`heirpay query`: read-only, exact, in four formats."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from heirpay_pipelines.audit.chain import detail_of
from heirpay_pipelines.duck import connect, connect_shut
from heirpay_pipelines.explain.reading import open_published
from heirpay_pipelines.host.person import login
from heirpay_pipelines.query.run_query import Format, QueryError, run_query
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


ATTACKS = [
    # The published file is let go of and opened again to be written.
    "select 1; use memory; detach heirpay; attach '{file}' as w; update w.main.t set amount = 1",
    "use memory",
    "detach heirpay",
    "attach '{file}' as w",
    "explain analyze attach '{file}' as w",
    # It is written over, or something is written beside it.
    "copy (select 1) to '{file}'",
    "explain analyze copy (select 1) to '{file}'",
    "copy t to '{folder}/stolen.csv'",
    "copy t to '{folder}/spill/stolen.csv'",
    "export database '{folder}/stolen'",
    "explain analyze create table u as select 1",
    "explain (analyze) insert into t select * from t",
    "from enable_logging(storage = 'file', storage_path = '{folder}/logs')",
    "from query('from enable_logging()')",
    "select 1; copy t to '{folder}/stolen.csv'",
    "explain select 1; copy t to '{folder}/stolen.csv'",
    # It runs when it is prepared.
    "select 1; prepare p as select 1; execute p",
    "select 1 as asked; checkpoint",
    # Other files, also this product's own.
    "from read_csv('/etc/passwd')",
    "from read_text('{folder}/../state/heirpay.sqlite')",
    "from read_blob('{file}')",
    "from '{folder}/*.parquet'",
    "from glob('{folder}/*')",
    "explain select * from read_text('/etc/passwd')",
    "import database '{folder}'",
    # Anything but reading.
    "delete from t",
    "create table u as select 1",
    "create temp table u as select 1",
    "set enable_external_access = true",
    "set threads = 64",
    "pragma enable_profiling",
    "pragma database_list",
    "install httpfs",
    "load httpfs",
    "begin; select 1",
    "call pragma_version()",
    "pivot t on currency",
    "select 1; select 2",
    "",
    ";",
    "select no_such_column from t",
    "select",
]


@pytest.mark.parametrize("form", ["csv", "table"])
def test_one_statement_that_reads_and_nothing_else(settings: Settings, form: Format) -> None:
    """Refused; the file is as it was, nothing lies beside it, and the log shows each attempt."""
    before = settings.warehouse.read_bytes()
    tried = [
        attack.format(file=settings.warehouse, folder=settings.warehouse_dir) for attack in ATTACKS
    ]
    for sql in tried:
        with pytest.raises(QueryError):
            result(settings, sql, form)
        assert settings.warehouse.read_bytes() == before, sql
        files = [path for path in settings.warehouse_dir.rglob("*") if path.is_file()]
        assert files == [settings.warehouse], sql
    records = asked(settings)
    assert [record["characters"] for record in records] == [len(sql) for sql in tried]
    first = [str(record["sql"]).split(" ")[0] for record in records]
    assert first == [sql.split(" ")[0] for sql in tried]


def test_the_published_file_is_shut_for_whoever_opens_it_so(settings: Settings) -> None:
    """The connection itself holds, also where nobody judged the SQL (an explanation's, a tool's):
    it gives no file back that it was opened with."""
    before = settings.warehouse.read_bytes()
    with connect_shut(settings.warehouse, None) as connection:
        for sql in (
            f"attach '{settings.warehouse}' as w",
            f"copy (select 1) to '{settings.warehouse}'",
            f"copy (select 1) to '{settings.warehouse}.wal'",
            f"copy (select 1) to '{settings.warehouse_dir / 'spill' / 'x'}'",
            "from read_csv('/etc/passwd')",
            "set lock_configuration = false",
            "set disabled_filesystems = ''",
            "delete from t",
            "from settings",  # a variable of this function
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
        connection.execute("use memory")
        connection.execute("detach heirpay")
        with pytest.raises(duckdb.Error):
            connection.execute(f"attach '{settings.warehouse}' as w")
    with open_published(settings) as published, pytest.raises(duckdb.Error):
        published.connection.execute("from read_csv('/etc/passwd')")
    assert settings.warehouse.read_bytes() == before


ANSWERED = [
    "select 1 as amount",
    "from t",
    "(select amount from t)",
    "with a as (from t) select * from a;",
    "values (1), (2)",
    "table t",
    "describe t",
    "summarize t",
    "show tables",
    "pivot t on currency in ('usd', 'kwd') using sum(amount)",
    "explain from t",
    "EXPLAIN /* how */ ANALYZE select 1",
    "explain (format json) select 1",
    "explain (select 1)",
    "-- first\n select count(*) from duckdb_tables()",
]


@pytest.mark.parametrize("form", ["table", "json"])
def test_whatever_only_reads_is_answered(settings: Settings, form: Format) -> None:
    for sql in ANSWERED:
        assert result(settings, sql, form), sql


HOSTILE = "select 'a' || chr(27) || '[2J' || chr(155) || chr(8238) || 'b' as x"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_terminal_shows_the_data_and_obeys_none_of_it(settings: Settings, form: Format) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    run_query(settings, HOSTILE, form, out)
    shown = out.getvalue().decode()
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert "[2J" in shown
    if form == "json":
        assert json.loads(shown) == [{"x": "a\x1b[2J\x9b\u202eb"}]


def test_a_formula_is_no_formula_in_csv(settings: Settings) -> None:
    found = result(settings, "select '=1+1' as x, -1 as n, '-5' as t", "csv").decode()
    assert found.splitlines()[1] == '"\'=1+1",-1,"-5"'


def asked(settings: Settings) -> list[dict[str, object]]:
    with open_state(settings.state_file) as state:
        rows = state.rows("select * from audit_log where action = 'query' order by sequence")
    return [{"actor": row["actor"], **detail_of(row)} for row in rows]


def test_who_asked_what_is_audited_without_what_they_looked_for(settings: Settings) -> None:
    """Whatever it was and however it ended; nobody's name or address goes into the log."""
    hidden = {
        "select amount from t where currency = 'bob@x.test' and amount > 4711 -- bob":
            "select amount from t where currency = ? and amount > ?",
        "select * from t where currency = bob@x.test": "select * from t where currency = ?@?.?",
        'select sum(amount) as "Bob" from t': "select sum(amount) as ? from t",
        "delete from t": "delete from t",
        "select /* a /* b */ bob */ amount from t": "select amount from t",
        "select amount from t where currency = $$bob$$": "select amount from t where currency = ?",
        "select 'bob": "select",
        "selec amount from bob": "? amount from ?",
    }  # fmt: skip
    for sql in hidden:
        with suppress(QueryError):
            result(settings, sql, "csv")
    who = login()
    assert asked(settings) == [
        {"actor": who, "sql": shown, "characters": len(sql)} for sql, shown in hidden.items()
    ]
