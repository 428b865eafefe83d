"""Which processes work on a home."""

from __future__ import annotations

import time
from pathlib import Path

END_SECONDS = 20


def processes_of(home: Path) -> list[str]:
    """Command lines of the processes that work on the home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile
            continue
        if command and f"HEIRPAY_HOME={home}".encode() in environment:
            found.append(command)
    return found


def wait_for_none(home: Path) -> None:
    """Fail when a process still works on the home after a while that its end may take."""
    deadline = time.monotonic() + END_SECONDS
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
