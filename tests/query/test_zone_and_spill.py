"""Where a query thinks it is, and what DuckDB leaves of the disk."""

from __future__ import annotations

import csv
import shutil
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from heirpay_pipelines.duck import connect
from heirpay_pipelines.host.spill import LEFT_FREE, spill_limit
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.read import open_files
from heirpay_pipelines.query.run_query import run_query
from heirpay_pipelines.serve.bounded_sql import run_bounded
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.attach import Plugin
from heirpay_pipelines.warehouse.project import BuildRequest

GIB = 2**30
LIMIT = "select current_setting('max_temp_directory_size')"


# A day and an hour apart: no host's own zone has the date of both.
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_today_is_the_reporting_time_zones(tmp_path: Path, zone: str) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path, HEIRPAY_TIMEZONE=zone)
    settings.warehouse_dir.mkdir()
    with connect(settings.warehouse, None, read_only=False) as connection:
        connection.execute("create table days as select current_date as built_on")
        computed = connection.cursor().execute("select current_setting('TimeZone')").fetchone()
    assert computed == ("UTC",)  # what we compute depends on no host and no setting
    out = BytesIO()
    before = datetime.now(ZoneInfo(zone)).date()
    run_query(settings, "select current_date as today, now()::date as now", "csv", out)
    (row,) = csv.DictReader(out.getvalue().decode().splitlines())
    served = run_bounded(settings, "select current_date")["rows"][0][0]
    after = datetime.now(ZoneInfo(zone)).date()
    assert {row["today"], row["now"], served} <= {before.isoformat(), after.isoformat()}


@pytest.mark.parametrize("free", [1_000, 8 * 2**20, GIB, 100 * GIB])
def test_what_spills_leaves_room_for_the_state_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    allowed = int(spill_limit(tmp_path / "not" / "there").removesuffix(" bytes"))
    assert free // 2 <= allowed <= free
    assert free - allowed >= min(free // 2, LEFT_FREE)


def test_every_connection_that_may_spill_has_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = str(200 * 2**20)
    for module in ("duck", "landing.read", "warehouse.project"):
        monkeypatch.setattr(f"heirpay_pipelines.{module}.spill_limit", lambda _: f"{limit} bytes")
    with connect(tmp_path / "a.duckdb", None, read_only=False) as connection:
        assert connection.execute(LIMIT).fetchone() == ("200.0 MiB",)
    with open_files(Landing(tmp_path / "landing")) as connection:
        assert connection.execute(LIMIT).fetchone() == ("200.0 MiB",)
    request = BuildRequest(tmp_path / "b.duckdb", tmp_path, "run", datetime(2026, 11, 1))  # noqa: DTZ001
    for name, value in request.environment().items():
        monkeypatch.setenv(name, value)
    with duckdb.connect(":memory:") as connection:
        Plugin.__new__(Plugin).configure_connection(connection)
        assert connection.execute(LIMIT).fetchone() == ("200.0 MiB",)
