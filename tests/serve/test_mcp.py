"""A real MCP client against the real server process: it reads figures, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from heirpay_pipelines.audit import verify
from heirpay_pipelines.host.person import login
from heirpay_pipelines.incidents import RunFacts, process
from heirpay_pipelines.serve.allowed_sql import RefusedSqlError, require_allowed
from heirpay_pipelines.serve.bounded_sql import CHILD, SqlBounds, run_bounded
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

FACTS = """
create schema finance; create schema operations;
create table finance.mrr_monthly (month date, currency varchar, mrr decimal(24,3));
comment on table finance.mrr_monthly is 'Monthly recurring revenue';
comment on column finance.mrr_monthly.mrr is 'Value of live subscriptions, per month';
insert into finance.mrr_monthly values ('2026-09-01', 'usd', 100.10), ('2026-10-01', 'usd', 200.20),
  ('2026-10-01', 'kwd', 1.234);
create table finance.reconciliation_breaks (break_id varchar, kind varchar, severity varchar,
  currency varchar, amount decimal(24,3), first_seen_on date, action varchar, object_id varchar);
insert into finance.reconciliation_breaks
  (break_id, kind, severity, currency, amount, first_seen_on, action) values
  ('brk_1', 'payout_mismatch', 'high', 'usd', -3.50, '2026-10-31', 'Ask'),
  ('brk_2', 'duplicate_charge', 'high', 'eur', 12, '2026-10-30', 'Refund');
"""
CONTROL = {
    "run_id": "run", "control_id": "PAYMENT.X.1", "key": "one", "framework": "SOX",
    "requirement": "404", "title": "A control", "severity": "warning", "status": "fail",
    "checked": 1, "violations": 1, "evidence": {}, "what_to_do": "Mend it.",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    os.umask(0o077)
    home = tmp_path_factory.mktemp("serve")
    given = Settings(HEIRPAY_HOME=home)
    given.warehouse_dir.mkdir()
    with duckdb.connect(given.warehouse) as connection:
        connection.execute(FACTS)
    latest = given.reports_dir / "latest"
    latest.mkdir(parents=True)
    (latest / "report.json").write_text(json.dumps({"verdict": "approved", "long": ["x"] * 9000}))
    facts = RunFacts("run", datetime(2026, 11, 1, tzinfo=UTC), "published")
    process(given, facts, [CONTROL], given.warehouse)
    return given


def environment(settings: Settings) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY", "STRIPE"))}
    return kept | {"HEIRPAY_HOME": str(settings.folder)}


def over_stdio(settings: Settings, ask: Callable[[Client], Awaitable[Any]]) -> Any:
    """Run `ask` with a client of a server process of its own."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "heirpay_pipelines", "mcp"],
        env=environment(settings),
        cwd=str(settings.folder),
    )

    async def session() -> Any:
        async with Client(command) as client:
            return await ask(client)

    return asyncio.run(session())


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    return found.get("result", found)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return str(result.content[0].text)


def test_a_client_reads_report_figures_breaks_and_takes_an_incident(settings: Settings) -> None:
    async def ask(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {
            "report", "metrics", "metric", "breaks", "query",
            "incidents", "incident", "acknowledge",
        }  # fmt: skip
        writers = [n for n, tool in tools.items() if not tool.annotations.read_only_hint]
        assert writers == ["acknowledge"]

        report = await call(client, "report")
        assert report == {"verdict": "approved", "sections": ["long", "verdict"]}
        assert len((await call(client, "report", section="long"))["long"]) == 9000
        assert "no 'nothing'" in await refused(client, "report", section="nothing")

        assert (await call(client, "metrics"))["finance.mrr_monthly"] == "Monthly recurring revenue"
        mrr = await call(client, "metric", name="finance.mrr_monthly.mrr", currency="usd")
        assert mrr["meaning"] == "Value of live subscriptions, per month"
        assert mrr["rows"] == [["2026-10-01", "usd", "200.200"], ["2026-09-01", "usd", "100.100"]]
        assert "has no column 'mr'" in await refused(
            client, "metric", name="finance.mrr_monthly.mr"
        )
        injected = await refused(client, "metric", name='finance.mrr_monthly.mrr" from x --')
        assert "has no column" in injected

        breaks = await call(client, "breaks", kind="payout_mismatch")
        assert [row[0] for row in breaks["rows"]] == ["brk_1"]

        opened = (await call(client, "incidents"))["incidents"]
        assert len(opened) == 3  # the control and the two breaks
        (incident,) = [i for i in opened if i["pattern"] == "compliance_violations"]
        full = await call(client, "incident", incident_id=incident["incident_id"])
        assert full["runbooks"][0]["name"] == "failed-payment-control"
        taken = await call(client, "acknowledge", incident_id=incident["incident_id"], by="ada")
        assert taken["status"] == "acknowledged"
        assert "no incident" in await refused(client, "acknowledge", incident_id="x", by="ada")

        asked = await call(
            client, "query", sql="select mrr from finance.mrr_monthly where currency = 'kwd'"
        )
        assert asked["rows"] == [["1.234"]]
        await refused(client, "query", sql="select content from read_text('/etc/zoe@x.test')")

    over_stdio(settings, ask)
    with open_state(settings.state_file) as state:
        (row,) = state.rows("select * from audit_log where action = 'incident_acknowledged'")
        assert row["actor"] == "mcp:ada"
        queries = state.rows("select actor, detail from audit_log where action = 'query'")
        assert {row["actor"] for row in queries} == {f"mcp:{login()}"}
        shown = [json.loads(row["detail"])["sql"] for row in queries]
        assert shown == [
            "select mrr from finance.mrr_monthly where currency = ?",
            "select content from read_text(?)",
        ]
        assert verify(state, []).ok


FORBIDDEN = [
    "insert into finance.mrr_monthly values ('2026-01-01', 'usd', 1)",
    "update finance.mrr_monthly set mrr = 0",
    "delete from finance.mrr_monthly",
    "drop table finance.mrr_monthly",
    "create table memory.main.x as select 1",
    "create view v as select 1",
    "copy finance.mrr_monthly to 'out.csv'",
    "copy (select 1) to '/tmp/heirpay-mcp-test.csv'",
    "export database 'out'",
    "attach '/tmp/other.duckdb'",
    "detach heirpay",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset lock_configuration",
    "pragma database_list",
    "call pragma_version()",
    "checkpoint",
    "begin",
    "select 1; drop table finance.mrr_monthly",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_blob('{state}')",
    "select * from '/etc/passwd'",
    "select * from '{home}/reports/latest/report.json'",
    "select * from glob('/*')",
    "select * from read_parquet('https://example.com/x.parquet')",
    "select * from sqlite_scan('{state}', 'incidents')",
    "select * from parquet_metadata('{home}/x.parquet')",
    "select getenv('PATH')",
    "select * from duckdb_settings()",
    "select current_setting('memory_limit')",
    "from duckdb_secrets()",
    "with x as (select * from read_json_auto('/etc/hostname')) select * from x",
    "show tables",
    "from mrr_monthly",
    "from staging.stg_stripe__customers",
    "from information_schema.tables",
    "select (select count(*) from staging.stg_stripe__customers)",
    "from query('drop table x')",
    "from query_table('staging.stg_stripe__customers')",
    'select * from finance.mrr_monthly where month in (select value from "duckdb_settings"())',
    "explain analyze insert into finance.mrr_monthly values (null, null, null)",
    # Hidden in what a SELECT may hold.
    "with m as (select * from (select * from read_csv('/etc/passwd'))) from m",
    "with recursive x as (select 1 as i union all select i from x, read_csv('/etc/passwd')) from x",
    "with x as materialized (from read_json('/etc/hosts')) select * from finance.mrr_monthly",
    "with read_csv as (select 1) from read_csv('/etc/passwd')",
    "with customers as (select 1 as x) select * from staging.stg_stripe__customers",
    "select (select content from read_text('/etc/passwd') limit 1)",
    "select * from finance.mrr_monthly where exists (select 1 from glob('/etc/*'))",
    "select * from finance.mrr_monthly, lateral (select * from read_blob('/etc/passwd'))",
    "select * from finance.mrr_monthly order by (select count(*) from read_csv('/etc/passwd'))",
    "select * from finance.mrr_monthly limit (select count(*) from read_csv('/etc/passwd'))",
    "select * from finance.mrr_monthly qualify row_number() over (order by getenv('X')) = 1",
    "select * from finance.mrr_monthly union all by name select * from read_csv('/etc/passwd')",
    "select case when true then (select 1 from read_text('/etc/hosts')) end",
    "values ((select getenv('HOME')))",
    "select list_transform([1], x -> getenv('HOME'))",
    "select GETENV('X')",
    "select system.main.getenv('X')",
    "pivot read_csv('/etc/passwd') on x",
    "unpivot (from read_csv('/etc/passwd')) on x",
    "from (describe read_csv('/etc/passwd'))",
    "summarize '/etc/passwd'",
    "describe staging.stg_stripe__customers",
    "from sniff_csv('/etc/passwd')",
    "from pragma_storage_info('finance.mrr_monthly')",
    "from json_execute_serialized_sql('{{}}')",
    "select json_serialize_plan('select * from read_csv(''/etc/passwd'')')",
    "from force_checkpoint('heirpay')",
    "from enable_logging()",
    "select write_log('x')",
    "from 's3://bucket/x.parquet'",
    "from memory.finance.mrr_monthly",
    # Macros, variables and prepared statements could carry the rest.
    "create macro f() as table select * from read_csv('/etc/passwd')",
    "create temp macro f(x) as getenv(x)",
    "set variable x = 1",
    "prepare p as select 1",
    "execute p",
    "use memory",
    "vacuum",
    "attach '/tmp/other.sqlite' (type sqlite)",
    "copy (select * from finance.mrr_monthly) to '/tmp/heirpay-mcp-test.csv' (format csv)",
]


def test_sql_never_writes_and_never_reads_a_file(settings: Settings) -> None:
    before = settings.warehouse.read_bytes()

    async def ask(client: Client) -> None:
        for sql in FORBIDDEN:
            text = sql.format(state=settings.state_file, home=settings.folder)
            assert await refused(client, "query", sql=text), sql
        allowed = await call(client, "query", sql="from finance.mrr_monthly order by mrr limit 1")
        assert allowed["rows"] == [["2026-10-01", "kwd", "1.234"]]
        assert allowed["truncated"] is False

    over_stdio(settings, ask)
    assert settings.warehouse.read_bytes() == before
    assert not Path("/tmp/heirpay-mcp-test.csv").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "from finance.mrr_monthly",
        "with x as (from finance.mrr_monthly) select sum(mrr) from x group by currency",
        "describe finance.mrr_monthly",
        "from heirpay.finance.mrr_monthly join operations.incidents on true",
        "select * from range(3) union all select 1",
        "summarize finance.mrr_monthly",
        "explain select * from finance.mrr_monthly",
    ],
)
def test_reading_published_tables_is_allowed(sql: str) -> None:
    require_allowed(sql)


def test_every_refusal_stands_without_the_locked_connection(settings: Settings) -> None:
    for sql in FORBIDDEN:
        with pytest.raises(RefusedSqlError):
            require_allowed(sql.format(state=settings.state_file, home=settings.folder))


def seconds_of_a_first_query(settings: Settings) -> float:
    """What the smallest query takes in a new child, on this machine at this hour: what an ended
    query takes beside its bound is held against it."""
    CHILD.end()
    started = time.monotonic()
    run_bounded(settings, "select 1")
    return time.monotonic() - started


def test_a_query_is_bounded_in_rows_bytes_seconds_and_memory(settings: Settings) -> None:
    ordinary = seconds_of_a_first_query(settings)
    assert len(run_bounded(settings, "select * from range(5000)")["rows"]) == 1000
    wide = run_bounded(settings, "select repeat('x', 10000) from range(500)")
    assert (len(wide["rows"]), wide["truncated"]) == (100, True)
    endless = "select count(*) from range(100000000000) a, range(1000000) b"
    started = time.monotonic()
    with pytest.raises(RefusedSqlError, match=r"more than 0\.5 seconds"):
        run_bounded(settings, endless, None, SqlBounds(seconds=0.5))
    assert time.monotonic() - started < 0.5 + 10 * ordinary
    hungry = "select count(distinct hash(i) || repeat('x', 200)) from range(10000000) t(i)"
    with pytest.raises(RefusedSqlError, match="more than 64MB"):
        run_bounded(settings, hungry, None, SqlBounds(memory="64MB"))


GREEDY = [
    # No interrupt is heard in a list function, and no memory of it is counted; the first is
    # computed while the statement is prepared.
    "select list_reduce(range(30000000), lambda a, x: a + x)",
    "select list_reduce(range(30000000 + length(currency)), lambda a, x: a + x)"
    " from finance.mrr_monthly",
    "select len(list_transform(range(30000000), lambda x: repeat('x', 100)))",
]


@contextmanager
def peak_memory(pid: int | None) -> Iterator[list[int]]:
    """What the process has had resident at most, in bytes, read until it or the block ends.

    Not its ru_maxrss: that counts the memory of the process that started it, up to the exec.
    """
    peaks: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            while not ended.wait(0.002):
                status = Path(f"/proc/{pid}/status").read_text().splitlines()
                peaks.extend(
                    int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")
                )

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peaks
    finally:
        ended.set()
        watching.join()


@pytest.mark.parametrize("sql", GREEDY)
def test_what_duckdb_does_not_bound_is_ended_at_the_deadline(settings: Settings, sql: str) -> None:
    seconds = 1.0
    ordinary = seconds_of_a_first_query(settings)  # its child alone is measured, too
    started = time.monotonic()
    with (
        peak_memory(CHILD.pid) as peaks,
        pytest.raises(RefusedSqlError, match=r"more than (1 seconds|128MB)"),
    ):
        run_bounded(settings, sql, None, SqlBounds(seconds=seconds, memory="128MB"), judged=True)
    assert time.monotonic() - started < seconds + 10 * ordinary
    assert len(peaks) > 10
    assert max(peaks) < 400_000_000
    assert run_bounded(settings, "select 1")["rows"] == [[1]]


@pytest.mark.parametrize("sql", GREEDY)
def test_memory_that_duckdb_does_not_count_is_bounded(settings: Settings, sql: str) -> None:
    """With time enough it is the memory that ends it: 80 MB to begin with, 128 and 96 MB more."""
    CHILD.end()
    run_bounded(settings, "select 1")
    bounds = SqlBounds(seconds=30.0, memory="128MB")
    with (
        peak_memory(CHILD.pid) as peaks,
        pytest.raises(RefusedSqlError, match="more than 128MB"),
    ):
        run_bounded(settings, sql, None, bounds, judged=True)
    assert 100_000_000 < max(peaks) < 400_000_000


def test_queries_run_one_at_a_time(settings: Settings) -> None:
    """Ten at once take the memory of one, and none waits longer than it may run."""
    slow = "select count(*) from range(100000000000) a, range(1000000) b"
    outcomes: list[str] = []

    def ask() -> None:
        try:
            run_bounded(settings, slow, None, SqlBounds(seconds=0.5))
        except RefusedSqlError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 10
    assert any("still running" in outcome for outcome in outcomes)


def test_the_child_that_runs_queries_has_no_secret_of_ours_around_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "rk_live_of_somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of somebody else")
    CHILD.end()
    run_bounded(settings, "select 1")
    assert CHILD.pid is not None
    environment = Path(f"/proc/{CHILD.pid}/environ").read_bytes()
    command = Path(f"/proc/{CHILD.pid}/cmdline").read_bytes()
    assert b"of_somebody" not in environment + command
    assert b"of somebody else" not in environment
    assert b"PATH=" in environment


def test_nothing_published_is_said_plainly(tmp_path: Path) -> None:
    async def ask(client: Client) -> None:
        assert "No warehouse is published yet" in await refused(client, "metrics")
        assert "No report is written yet" in await refused(client, "report")
        assert (await call(client, "incidents"))["incidents"] == []

    over_stdio(Settings(HEIRPAY_HOME=tmp_path), ask)


@contextmanager
def over_http(settings: Settings) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "heirpay_pipelines", "mcp", "--http", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(settings), cwd=settings.folder, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(200):
            try:
                httpx2.get(url)
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_http_needs_the_token_and_the_right_host(settings: Settings) -> None:
    async def ask(url: str, token: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await call(client, "report")

    with over_http(settings) as url:
        token = (settings.folder / "state" / "mcp.token").read_text()
        assert asyncio.run(ask(url, token))["verdict"] == "approved"
        assert httpx2.post(url, json={}).status_code == 401
        wrong = {"authorization": "Bearer wrong"}
        assert httpx2.post(url, json={}, headers=wrong).status_code == 401
        rebound = {"authorization": f"Bearer {token}", "host": "evil.example"}
        assert httpx2.post(url, json={}, headers=rebound).status_code in (403, 421)
    assert (settings.folder / "state" / "mcp.token").stat().st_mode & 0o077 == 0
