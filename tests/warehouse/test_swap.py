"""Publishing is a rename: readers keep what they opened, and nothing is ever half there."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from dying import die_at

from heirpay_pipelines import published_file
from heirpay_pipelines.duck import WarehouseError, WarehouseKeyError, connect
from heirpay_pipelines.warehouse import publication
from heirpay_pipelines.warehouse.publication import discard_builds, publish


def build(path: Path, figure: int, key: str | None = None) -> Path:
    path.parent.mkdir(exist_ok=True)
    with connect(path, key, read_only=False) as connection:
        connection.execute("create schema finance; create schema landing; create schema state")
        connection.execute(f"create table finance.figures as select {figure} as figure")
        connection.execute("create view landing.charge as select 1 as id")
        connection.execute("create table state.runs as select 'r1' as run_id")
    return path


def figure_of(path: Path, key: str | None = None) -> int:
    with connect(path, key, read_only=True) as connection:
        return connection.execute("select figure from finance.figures").fetchall()[0][0]


@pytest.mark.parametrize("key", [None, "a key with 'quotes'"])
def test_published_file_holds_the_tables_and_none_of_the_build_schemas(
    tmp_path: Path, key: str | None
) -> None:
    target = tmp_path / "warehouse" / "heirpay.duckdb"
    publish(build(tmp_path / "building" / "r1.duckdb", 7, key), target, key)
    assert figure_of(target, key) == 7
    with connect(target, key, read_only=True) as connection:
        schemas = connection.execute(
            "select distinct schema_name from duckdb_tables() where not internal"
            " union select distinct schema_name from duckdb_views() where not internal"
        ).fetchall()
    assert schemas == [("finance",)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o400


def test_a_reader_with_the_file_open_never_notices(tmp_path: Path) -> None:
    target = tmp_path / "heirpay.duckdb"
    publish(build(tmp_path / "building" / "r1.duckdb", 1), target, None)
    with connect(target, None, read_only=True) as reader:
        publish(build(tmp_path / "building" / "r2.duckdb", 2), target, None)
        assert reader.execute("select figure from finance.figures").fetchall() == [(1,)]
    assert figure_of(target) == 2


def test_a_build_that_was_not_published_leaves_yesterdays_file(tmp_path: Path) -> None:
    target = tmp_path / "heirpay.duckdb"
    publish(build(tmp_path / "building" / "r1.duckdb", 1), target, None)
    leftover = build(tmp_path / "building" / "r2.duckdb", 2)
    discard_builds(leftover.parent)
    assert list(leftover.parent.iterdir()) == []
    assert figure_of(target) == 1


STEPS = {
    "before the schemas are dropped": (f"{publication.__name__}:connect", 1),
    "before the build is synced": (f"{published_file.__name__}:_fsync", 1),
    "before the record": ("os:replace", 1),
    "before the rename": ("os:replace", 2),
    "after the rename": (f"{published_file.__name__}:_write_record", 2),
    "after the record": (f"{published_file.__name__}:_fsync", 2),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_file_is_the_old_or_the_new_one(tmp_path: Path, step: str) -> None:
    target = tmp_path / "heirpay.duckdb"
    publish(build(tmp_path / "building" / "r1.duckdb", 1), target, None)
    new = build(tmp_path / "building" / "r2.duckdb", 2)
    place, turn = STEPS[step]
    die_at(place, turn, publish, new, target, None)
    assert figure_of(target) == (2 if step.startswith("after") else 1)
    discard_builds(new.parent)
    publish(build(tmp_path / "building" / "r3.duckdb", 3), target, None)
    assert figure_of(target) == 3


def test_a_missing_file_and_a_wrong_key_are_one_clear_error(tmp_path: Path) -> None:
    target = tmp_path / "heirpay.duckdb"
    with pytest.raises(WarehouseError, match="heirpay run"), connect(target, None, read_only=True):
        pass
    publish(build(tmp_path / "building" / "r1.duckdb", 1, "right"), target, "right")
    for key, words in ((None, "no key is set"), ("wrong", "with another key")):
        with pytest.raises(WarehouseKeyError, match=words), connect(target, key, read_only=True):
            pass
