"""An erasure killed with SIGKILL in the middle of its work, and asked for again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import planted
import pytest
from planted import CUSTOMER

from heirpay_pipelines.audit.verify import verify
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state


def rewritten_files(home: Path) -> bool:
    """The first landed file was written anew, beside the old one."""
    return any((home / "landing").rglob("*-1000*.parquet"))


def changed_report(home: Path) -> bool:
    """Landing, warehouse and state are done, and a report was changed."""
    return planted.EMAIL not in (home / "reports/2026-11-01/data_docs/index.html").read_text()


def start(settings: Settings) -> subprocess.Popen[bytes]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "heirpay_pipelines", "gdpr", "erase", CUSTOMER, "--reason", "r",
         "--by", "Dana"],
        env=kept | {"HEIRPAY_HOME": str(settings.folder)}, cwd=settings.folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("reached", [rewritten_files, changed_report])
def test_killed_and_asked_again_ends_the_same(
    tmp_path: Path, reached: Callable[[Path], bool]
) -> None:
    settings = planted.plant(tmp_path / "home", None)
    before = planted.totals(settings)
    process = start(settings)
    deadline = time.monotonic() + 60
    while not reached(settings.folder) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    process.communicate()
    assert planted.traces(settings) != []  # at the least the plan in the state file

    again = start(settings)
    (_, said) = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert planted.traces(settings) == []
    assert planted.totals(settings) == before
    landing = Landing(settings.landing_dir)
    landing.verify()
    assert landing.discard_uncommitted() == 0
    with open_state(settings.state_file) as state:
        assert verify(state, []).ok
        assert state.rows("select plan from erasures") == [{"plan": None}]
