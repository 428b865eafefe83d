"""A night contacts the configured endpoints and nothing else: no telemetry, no download. And
it leaves nothing where others look."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from guard import socket_guard
from installed import Installation


def test_a_night_contacts_the_account_and_nothing_else(published: Installation) -> None:
    """The published night ran under a guard that notes and refuses every other address."""
    log = published.home.with_name("contacted")
    contacted = {line.split()[1] for line in log.read_text().splitlines()}
    assert len(contacted) == 1, contacted  # the port that the account had when the night ran
    assert contacted.pop().startswith("127.0.0.1:")


def test_a_night_leaves_nothing_in_the_temporary_folder(published: Installation) -> None:
    """The published night had one of its own (TMPDIR): what it writes lies under the home alone."""
    temporary = published.home.with_name("temporary")
    assert temporary.is_dir()
    assert [path.name for path in temporary.rglob("*")] == []


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('192.0.2.1', 443), 1)",
        "import socket; socket.getaddrinfo('telemetry.test', 443)",
        "import urllib.request as u; u.urlopen('https://telemetry.test/x', timeout=1)",
        "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 443))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_the_guard_sees_and_refuses(tmp_path: Path, code: str) -> None:
    environment = os.environ | socket_guard(tmp_path / "log", "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the socket guard refuses" in done.stderr
    assert "127.0.0.1:9" not in (tmp_path / "log").read_text()
