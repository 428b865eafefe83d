"""The encrypted warehouse: nothing readable beside it either, and `heirpay query` works."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from heirpay_pipelines.cli import cli
from heirpay_pipelines.duck import connect
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

KEY = "it's a correct horse, battery and staple"
SENTINEL = "jane.sentinel"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = Settings(HEIRPAY_HOME=tmp_path, HEIRPAY_ENCRYPTION_KEY=KEY)
    given.warehouse_dir.mkdir(mode=0o700)
    with open_state(given.state_file):
        pass
    with connect(given.warehouse, KEY, read_only=False) as connection:
        connection.execute(
            f"create table people as select '{SENTINEL}' || range as email from range(1000000)"
        )
    return given


def test_a_query_that_does_not_fit_into_memory_spills_nothing_readable(settings: Settings) -> None:
    seen: list[bytes] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for path in (settings.warehouse_dir / "spill").rglob("*.*"):
                try:
                    seen.append(path.read_bytes())
                except FileNotFoundError:
                    continue
            time.sleep(0.02)

    with connect(settings.warehouse, KEY, read_only=True) as connection:
        connection.execute("set memory_limit = '30MB'")
        connection.execute("set threads = 1")
        watcher = threading.Thread(target=look)
        watcher.start()
        connection.execute("create temp table t as select * from people order by hash(email)")
        done.set()
        watcher.join()
    assert any(seen), "the query fitted into memory: make it larger"
    assert not any(SENTINEL.encode() in content for content in seen)


def test_query_reads_it_with_the_key_and_only_so(settings: Settings) -> None:
    environment = {"HEIRPAY_HOME": str(settings.folder), "HEIRPAY_ENCRYPTION_KEY": KEY}
    asked = ("query", "select count(*) as n from people", "--format", "csv")
    assert "1000000" in CliRunner(env=environment).invoke(cli, asked).output
    assert SENTINEL.encode() not in settings.warehouse.read_bytes()
    # The state file was lost: the warehouse itself still refuses.
    settings.state_file.unlink()
    for key in ("", "wrong, though it is as long as a key must be"):
        refused = CliRunner(env=environment | {"HEIRPAY_ENCRYPTION_KEY": key}).invoke(cli, asked)
        assert refused.exit_code != 0
        assert "key" in refused.output.lower()
