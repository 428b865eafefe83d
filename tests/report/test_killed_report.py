"""A report that is killed while it takes the place of an earlier one: the old or the new one is
there, whole, and the next run writes it again."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heirpay_pipelines.report import write
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = {
    "before a file is written": (write.sealed, "write", 1, "run-1"),
    "before the second file": (write.sealed, "write", 2, "run-1"),
    "before it takes the old one's place": (write, "_replace", 1, "run-1"),
    "before `latest` points at it": (write, "_point_latest", 1, "run-2"),
    "before the link is replaced": (os, "replace", 1, "run-2"),
}


def report(settings: Settings, run_id: str) -> None:
    facts = RunFacts(run_id, AS_OF, "refused", "a blocking control failed")
    write.write_report(settings, facts, [])


def reported(settings: Settings) -> str:
    """The run whose report `latest` shows."""
    text = (settings.reports_dir / "latest" / "report.json").read_text()
    return str(json.loads(text)["project_status"]["run_id"])


def killed(settings: Settings, where: object, name: str, turn: int) -> None:
    """Write the report of run-2 in a process that dies before the call of that turn."""
    child = os.fork()
    if child == 0:
        real, calls = getattr(where, name), iter(range(1, 99))

        def call(*given: object, **named: object) -> object:
            if next(calls) == turn:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        setattr(where, name, call)
        report(settings, "run-2")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = Settings(HEIRPAY_HOME=tmp_path)
    with open_state(given.state_file):
        pass
    report(given, "run-1")
    return given


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_report_is_the_old_or_the_new_one(
    settings: Settings, step: str
) -> None:
    where, name, turn, left = STEPS[step]
    killed(settings, where, name, turn)
    assert reported(settings) == left
    report(settings, "run-3")
    assert reported(settings) == "run-3"
    hidden = [path.name for path in settings.reports_dir.iterdir() if path.name.endswith(".old")]
    assert hidden == []


def test_killed_between_the_two_moves_the_next_run_has_all_files_again(settings: Settings) -> None:
    (settings.reports_dir / "latest" / "data_docs").mkdir()  # of another step: kept
    killed(settings, Path, "rename", 2)
    report(settings, "run-3")
    assert reported(settings) == "run-3"
    assert (settings.reports_dir / "latest" / "data_docs").is_dir()
