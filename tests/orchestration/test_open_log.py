"""The event log is held open during a run: cheaper, and otherwise as Dagster keeps it.

No postponed annotations here: Dagster reads them.
"""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite import sqlite_event_log

from heirpay_pipelines.orchestration.open_log import event_log_held_open

RUNS = 5


@dg.op
def says_much(context: dg.OpExecutionContext) -> None:
    for place in range(40):
        context.log_event(dg.AssetMaterialization("table", metadata={"place": place}))


@dg.job
def night() -> None:
    says_much()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as opened:
        yield opened


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each time that a SQLite file was opened."""
    found: list[object] = []
    connect = sqlite3.connect

    def noted(*arguments: object, **named: object) -> sqlite3.Connection:
        found.append(arguments[0])
        return connect(*arguments, **named)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr("sqlite3.dbapi2.connect", noted)
    return found


def events(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [str(entry.dagster_event_type) for entry in instance.all_logs(run_id)]


def open_files(folder: Path) -> list[str]:
    links = Path("/proc/self/fd").iterdir()
    found = (str(link.readlink()) for link in links if link.is_symlink())
    return [path for path in found if path.startswith(str(folder / "history" / "runs"))]


def test_the_same_events_with_far_fewer_openings(
    instance: dg.DagsterInstance, opened: list[object]
) -> None:
    usual = night.execute_in_process(instance=instance).run_id
    openings = len(opened)
    opened.clear()
    with event_log_held_open(instance):
        held = night.execute_in_process(instance=instance).run_id
    assert len(opened) * 3 < openings
    assert events(instance, held) == events(instance, usual)
    newest = instance.get_latest_materialization_event(dg.AssetKey("table"))
    assert newest is not None
    assert newest.run_id == held


def test_others_see_each_event_at_once(instance: dg.DagsterInstance) -> None:
    with event_log_held_open(instance), dg.DagsterInstance.get() as other:
        run_id = night.execute_in_process(instance=instance).run_id
        assert events(other, run_id) == events(instance, run_id)
        key = dg.AssetKey("table")
        assert other.get_latest_materialization_event(key) is not None


def test_threads_write_in_turn(instance: dg.DagsterInstance) -> None:
    def said(place: int) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(f"table_{place}"))

    with event_log_held_open(instance):
        threads = [threading.Thread(target=said, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(instance.get_asset_keys()) == 8


def test_few_files_are_held_and_none_afterwards(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = [night.execute_in_process(instance=instance).run_id for _ in range(RUNS)]
    before = sqlite_event_log.SqliteEventLogStorage._connect
    with event_log_held_open(instance):
        for run_id in runs:
            instance.delete_run(run_id)
        held = {path for path in open_files(tmp_path) if path.endswith(".db")}
        assert len(held) <= 2
    assert open_files(tmp_path) == []
    assert instance.event_log_storage._connect.__func__ is before  # type: ignore[attr-defined]


def test_a_run_that_fails_leaves_its_log_closed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="out of memory"), event_log_held_open(instance):
        night.execute_in_process(instance=instance)
        raise RuntimeError("out of memory")
    assert open_files(tmp_path) == []
    assert [p.name for p in (tmp_path / "history").rglob("*-wal")] == []
