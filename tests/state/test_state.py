"""The state file: migrated once, private, transactional; a killed run is not lost sight of."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.runs import close_run, open_run, read_run, record_pull

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


def test_opening_twice_migrates_once_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "s.sqlite"
    for _ in range(2):
        with open_state(path) as state:
            names = [row["name"] for row in state.rows("select name from migrations")]
    assert len(names) == len(set(names)) > 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with open_state(tmp_path / "s.sqlite") as state:
        with pytest.raises(RuntimeError), state.transaction() as connection:
            connection.execute(
                "insert into runs (run_id, as_of, started_at, outcome) values ('a', '', '', 'x')"
            )
            raise RuntimeError
        assert state.rows("select * from runs") == []


def test_a_run_that_was_killed_is_marked_by_the_next_one(tmp_path: Path) -> None:
    with open_state(tmp_path / "s.sqlite") as state:
        open_run(state, "killed", AS_OF)
        open_run(state, "next", AS_OF)
        record_pull(state, "next", "p1", 42, {"charge": 3})
        close_run(state, "next", "published", None)
        close_run(state, "next", "failed", "too late")
        assert read_run(state, "killed").outcome == "interrupted"
        run = read_run(state, "next")
    assert (run.outcome, run.requests, run.rows_pulled) == ("published", 42, {"charge": 3})
    assert run.as_of == AS_OF
