"""CI keeps what a process leaves that dies of a fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KEEP = Path(__file__).parents[2] / ".ci" / "keep_deaths"
DIES = "import ctypes, subprocess, sys\ndef the_last_call(): ctypes.string_at(0)\nthe_last_call()"


def kept(tmp_path: Path, code: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    deaths = tmp_path / "deaths"
    done = subprocess.run(
        [str(KEEP), str(deaths), sys.executable, "-c", code],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, deaths


def test_a_fault_leaves_its_stack_and_its_core(tmp_path: Path) -> None:
    done, deaths = kept(tmp_path, DIES)
    assert done.returncode != 0
    told = (deaths / "stderr.txt").read_text()
    assert "Fatal Python error: Segmentation fault" in told
    assert "the_last_call" in told
    assert told in done.stderr
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("core"):
        cores = [path for path in deaths.iterdir() if path.name.startswith("core")]
        assert cores, pattern
        for core in cores:  # no death of the suite's own
            core.unlink()


@pytest.mark.parametrize("code", ["print('well')", "import sys; sys.exit('a test failed')"])
def test_without_a_fault_nothing_is_kept(tmp_path: Path, code: str) -> None:
    done, deaths = kept(tmp_path, code)
    assert done.returncode == ("failed" in code)
    assert done.stdout == ("" if "failed" in code else "well\n")
    assert not deaths.exists()
