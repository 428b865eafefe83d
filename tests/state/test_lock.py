"""One run at a time: the second is refused in one line that names the first."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from heirpay_pipelines.host.processes import Process, this_process
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.run_lock import (
    PATIENCE_SECONDS,
    AnotherRunError,
    refuse_second_run,
    run_lock,
)

HOLD = """
import sys, time
from heirpay_pipelines.state.run_lock import run_lock
from heirpay_pipelines.settings import Settings
with run_lock(Settings(HEIRPAY_HOME=sys.argv[1]), "the job `nightly`"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the home's run lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def timed(home: Path, *command: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """A command in a process of its own, and the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "heirpay_pipelines", *command],
        env=os.environ | {"HEIRPAY_HOME": str(home), "STRIPE_API_KEY": "rk_test_1"},
        cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, time.monotonic() - began


def test_a_second_run_ends_within_seconds_and_names_the_first(tmp_path: Path) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    # What a command takes that needs no lock, on this machine at this hour.
    (helped, ordinary) = timed(tmp_path, "run", "--help")
    assert helped.returncode == 0
    with holder(tmp_path) as first:
        for command in (("run",), ("quarantine", "retry")):
            (second, took) = timed(tmp_path, *command)
            assert second.returncode == 1
            (line,) = second.stderr.strip().splitlines()
            assert f"the job `nightly` by {getpass.getuser()} since 20" in line
            assert f"(pid {first.pid})" in line
            assert "agster" not in line
            # Its imports take up to eight times as long as the help, unevenly on a busy machine.
            assert took < PATIENCE_SECONDS + 30 * ordinary
        # A second run leaves nothing: neither a record nor a report.
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run.holder", "run.lock"]
        with pytest.raises(AnotherRunError, match=str(first.pid)):
            refuse_second_run(settings)
    refuse_second_run(settings)  # the killed one holds it no longer


def test_a_look_by_a_sensor_refuses_no_run(tmp_path: Path) -> None:
    """Sensors take the lock for an instant each minute: a run that begins just then waits."""
    settings = Settings(HEIRPAY_HOME=tmp_path)
    with holder(tmp_path) as first:
        os.kill(first.pid, signal.SIGSTOP)  # still there while the second run begins to wait
        with (
            subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -9 {first.pid}"]),
            run_lock(settings),
        ):
            pass


def test_who_holds_the_lock_takes_it_again_in_the_same_thread(tmp_path: Path) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    with run_lock(settings), run_lock(settings):
        pass
    with run_lock(settings, "an erasure"):
        said = json.loads((tmp_path / "run.holder").read_text())
        assert said["what"] == "an erasure"
        assert (tmp_path / "run.holder").stat().st_mode & 0o077 == 0


def test_a_process_is_told_from_another_that_was_given_its_id() -> None:
    me = this_process()
    assert Process.from_text(me.to_text()) == me
    assert me.lives() is True
    assert replace(me, began="1").lives() is False  # the id was given again
    assert replace(me, boot="another start of the machine").lives() is False
    assert replace(me, pid=2**22 + 1).lives() is False
    # Another container, another machine: it cannot be seen from here.
    assert replace(me, namespace="pid:[1]").lives() is None
    assert replace(me, host="another").lives() is None
    for text in (None, "", "{}", "[1]", "nonsense", '{"pid": 3}'):
        assert Process.from_text(text) is None


def test_a_process_that_has_ended_and_was_not_waited_for_is_gone() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended; still in the table
        began = Path(f"/proc/{child.pid}/stat").read_bytes().rpartition(b")")[2].split()[19]
        assert replace(this_process(), pid=child.pid, began=began.decode()).lives() is False
