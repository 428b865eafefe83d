"""What a run starts ends when the run does, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import signal, subprocess, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started the tests may ignore it
from heirpay_pipelines.host.with_parent import PARENT, parent_token, with_parent

def start():
    if sys.argv[1] == "dbt":
        import os
        child = subprocess.Popen(
            [sys.argv[2], "--help-that-waits"],
            env=os.environ | {PARENT: parent_token(), "PYTHONPATH": sys.argv[3]},
        )
    else:
        child = subprocess.Popen(with_parent("http.server", "0", "--bind", "127.0.0.1"))
    print(child.pid, flush=True)
    child.wait()

if sys.argv[1] == "thread":
    threading.Thread(target=start).start()
else:
    start()
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in (b"Z", b"X")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["server", "thread", "dbt"])
def test_a_child_ends_with_its_parent(tmp_path: Path, kind: str, how: signal.Signals) -> None:
    stand_in = tmp_path / "dbt" / "cli"
    stand_in.mkdir(parents=True)
    (stand_in / "main.py").write_text("import time\ndef cli():\n    time.sleep(600)\n")
    program = str(Path(sys.executable).with_name("heirpay-dbt"))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, kind, program, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(how)
    deadline = time.monotonic() + 20
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        assert not is_running(child)
    finally:
        if is_running(child):
            os.kill(child, signal.SIGKILL)
