"""Another program that opens the published file for writing changes no figure of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from heirpay_pipelines import published_file
from heirpay_pipelines.audit import Action
from heirpay_pipelines.cli import cli
from heirpay_pipelines.duck import WarehouseError, clear_spill, connect, spill_folder
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.serve.bounded_sql import SqlBounds, open_locked
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.warehouse.leftovers import clear_leftovers, erase_leftovers
from heirpay_pipelines.warehouse.publication import publish

KEY = "a key with 'quotes'"
TOOL = """
import os, sys
import duckdb
from heirpay_pipelines.duck import load_httpfs, quoted
path, key = sys.argv[1], os.environ.get("TOOL_KEY")
tool = duckdb.connect()
if key:
    load_httpfs(tool)
tool.execute(f"attach {quoted(path)} as w" + (f" (encryption_key {quoted(key)})" if key else ""))
tool.execute("use w")
for sql in sys.stdin:
    tool.execute(sql)
    print("done", flush=True)
"""
SPOIL = "insert into finance.figures values (999999)"


class Tool:
    """A program of somebody's that has a DuckDB file open for writing."""

    def __init__(self, path: Path, key: str | None) -> None:
        environment = os.environ | ({"TOOL_KEY": key} if key else {})
        self.process = subprocess.Popen(
            [sys.executable, "-c", TOOL, str(path)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def does(self, sql: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def dies(self) -> None:
        self.process.kill()
        self.process.communicate()

    def ends(self) -> None:
        self.process.communicate(timeout=60)


@contextmanager
def tool(settings: Settings, key: str | None = None) -> Iterator[Tool]:
    opened = Tool(settings.warehouse, key)
    try:
        yield opened
    finally:
        opened.dies()


def home(folder: Path, key: str | None = None) -> Settings:
    given = Settings(HEIRPAY_HOME=folder, **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {}))
    with open_state(given.state_file):
        pass
    return given


def night(settings: Settings, figure: int) -> list[Path]:
    """Publish a file as a night does."""
    build = settings.warehouse_dir / "building" / f"r{figure}.duckdb"
    build.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with connect(build, settings.key, read_only=False) as connection:
        connection.execute("create schema finance; create schema operations")
        connection.execute(f"create table finance.figures as select {figure} as figure")
        connection.execute("create table operations.audit_log (sequence bigint, hash varchar)")
    return publish(build, settings.warehouse, settings.key)


def figure(settings: Settings) -> int:
    with connect(settings.warehouse, settings.key, read_only=True) as connection:
        return connection.execute("select max(figure) from finance.figures").fetchall()[0][0]


def logs(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.warehouse_dir.glob("heirpay.duckdb.wal*"))


@pytest.mark.parametrize("key", [None, KEY])
def test_no_log_is_replayed_before_between_and_after_publications(
    tmp_path: Path, key: str | None
) -> None:
    settings = home(tmp_path, key)
    night(settings, 1)
    with tool(settings, key) as died:
        died.does(SPOIL)
    assert logs(settings) == ["heirpay.duckdb.wal"]
    assert figure(settings) == 1
    left = settings.warehouse_dir / "heirpay.duckdb.wal"
    log = left.read_bytes()
    moved = night(settings, 2)
    assert [path.read_bytes() for path in moved] == [log]
    assert (figure(settings), logs(settings)) == (2, [])
    # A log of the old file comes back beside the new one, in each of its forms.
    for name in (".wal", ".wal.checkpoint", ".wal.recovery"):
        left.with_name(f"heirpay.duckdb{name}").write_bytes(log)
        assert figure(settings) == 2
    assert len(night(settings, 3)) == 3
    assert figure(settings) == 3


@pytest.mark.parametrize("key", [None, KEY])
def test_a_program_that_holds_the_file_neither_stops_nor_changes_anything(
    tmp_path: Path, key: str | None
) -> None:
    settings = home(tmp_path, key)
    night(settings, 1)
    with tool(settings, key) as holder:
        holder.does(SPOIL)
        assert figure(settings) == 1, "it holds the very file"
        night(settings, 2)
        assert figure(settings) == 2, "it holds the old file"
        for sql in (SPOIL, "checkpoint", SPOIL):
            holder.does(sql)
            assert figure(settings) == 2
        assert logs(settings) == ["heirpay.duckdb.wal"]
        with open_locked(settings, SqlBounds()) as reader:
            assert reader.execute("select max(figure) from finance.figures").fetchall() == [(2,)]
        shown = CliRunner(env=environment(settings)).invoke(
            cli, ("query", "from finance.figures", "--format", "csv")
        )
        assert shown.exit_code == 0, shown.output
        assert "999999" not in shown.output
        night(settings, 3)
        holder.ends()
    assert (figure(settings), logs(settings)) == (3, [])


def environment(settings: Settings) -> dict[str, str]:
    return {"HEIRPAY_HOME": str(settings.folder), "HEIRPAY_ENCRYPTION_KEY": settings.key or ""}


def test_other_programs_refuse_a_log_of_another_file(tmp_path: Path) -> None:
    settings = home(tmp_path)
    night(settings, 1)
    with tool(settings) as holder:
        holder.does(SPOIL)
        night(settings, 2)
        holder.does("checkpoint")
        holder.does(SPOIL)
        assert logs(settings) == ["heirpay.duckdb.wal"]
        with pytest.raises(duckdb.IOException, match="WAL does not match"):
            duckdb.connect(str(settings.warehouse), read_only=True)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_file_that_was_changed_is_not_read_and_the_next_night_replaces_it(
    tmp_path: Path, key: str | None
) -> None:
    settings = home(tmp_path, key)
    night(settings, 1)
    with tool(settings, key) as writer:
        writer.does(SPOIL)
        writer.does("checkpoint")
        with pytest.raises(WarehouseError, match="changed after it was published"):
            figure(settings)
        writer.ends()
    asked = CliRunner(env=environment(settings)).invoke(cli, ("query", "from finance.figures"))
    assert (asked.exit_code, "heirpay run" in asked.output) == (1, True)
    night(settings, 2)
    assert figure(settings) == 2
    # A copy that was put back is the file that was published, whatever its time says.
    shutil.copy(settings.warehouse, tmp_path / "copy")
    (tmp_path / "copy").replace(settings.warehouse)
    assert figure(settings) == 2


def test_a_user_without_privileges_cannot_open_it_for_writing(tmp_path: Path) -> None:
    settings = home(tmp_path)
    night(settings, 1)
    assert settings.warehouse.stat().st_mode & 0o777 == 0o400


def test_on_a_disk_that_takes_no_name_it_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path)
    night(settings, 1)

    def refuse(*_: object) -> None:
        raise OSError(published_file.errno.EROFS, "Read-only file system")

    monkeypatch.setattr(published_file.os, "link", refuse)
    assert figure(settings) == 1
    with tool(settings) as died:
        died.does(SPOIL)
    assert figure(settings) == 1


def test_killed_between_record_and_rename_the_file_is_still_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path)
    night(settings, 1)
    monkeypatch.setattr(Path, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        night(settings, 2)
    assert figure(settings) == 1


def test_leftovers_go_with_the_next_night_and_at_once_with_an_erasure(tmp_path: Path) -> None:
    settings = home(tmp_path)
    night(settings, 1)
    folder = settings.warehouse_dir
    dead = [
        folder / "spill" / "duckdb_temp_storage-0.tmp",
        folder / "spill" / "dead" / "duckdb_temp_storage-0.tmp",
        folder / "nights" / "spill" / "dead" / "duckdb_temp_storage-0.tmp",
        settings.folder / "dbt" / "spill" / "duckdb_temp_storage-0.tmp",
    ]
    aside = [
        folder / "heirpay.duckdb.wal.checkpoint",
        folder / "heirpay.duckdb.wal.recovery",
        folder / "nights" / "2026-11-01.duckdb.wal",
    ]
    for path in dead + aside:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("jane@example.com")
    with spill_folder(folder) as in_use:
        moved = clear_leftovers(settings)
        assert in_use.is_dir()
        clear_spill(folder)
        assert in_use.is_dir()
    assert not [path for path in dead + aside if path.exists()]
    assert len(moved) == len(aside)
    Night(settings, "r1").report_logs(moved, print)
    with open_state(settings.state_file) as state:
        said = state.rows("select detail from audit_log where action = ?", (Action.LOG_SET_ASIDE,))
    assert all(path.name in said[0]["detail"] for path in moved)
    (folder / "reading").mkdir(exist_ok=True)
    os.link(settings.warehouse, folder / "reading" / "killed.duckdb")
    erase_leftovers(settings)
    left = [path for path in settings.folder.rglob("*") if path.is_file()]
    assert not [p for p in left if p.read_bytes() == b"jane@example.com" or "killed" in p.name]


def test_what_was_set_aside_is_kept_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path)
    night(settings, 1)
    (settings.warehouse_dir / "heirpay.duckdb.wal").write_text("log")
    (moved,) = clear_leftovers(settings)
    clear_leftovers(settings)
    assert moved.is_file()
    later = datetime.now(UTC).timestamp() + 8 * 86_400
    monkeypatch.setattr("heirpay_pipelines.warehouse.leftovers.time.time", lambda: later)
    clear_leftovers(settings)
    assert not moved.exists()
