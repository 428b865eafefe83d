"""Ctrl-C goes to every process of a terminal: one quiet line, of whatever is under way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import Heirpay

from heirpay_pipelines.sandbox import command as sandbox

ACCOUNT = """
from pathlib import Path
from heirpay_pipelines.cli import cli
from heirpay_pipelines.orchestration.embedded import serve_account
import click, time

@click.command()
def wait():
    with serve_account(Path("bank"), "--start", "2026-10-01", "--now", "2026-10-09") as account:
        print("ready", flush=True)
        time.sleep(60)

cli.places = {"wait": ("cli:wait", "")}
import heirpay_pipelines.cli as module
module.wait = wait
import sys
sys.argv = ["heirpay", "wait"]
module.main()
"""
HELPERS = """
import os, sys, time
from heirpay_pipelines.orchestration.quiet_children import quiet_log_helpers
from dagster._core.execution.compute_logs import mirror_stream_to_file

try:
    with quiet_log_helpers(), mirror_stream_to_file(sys.stderr, os.path.abspath("step.err")):
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("ended")
"""


def interrupted(code: str, folder: Path) -> tuple[int, str, str]:
    """A program in a terminal of its own, interrupted as soon as it is ready."""
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n", program.communicate()
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=60)
    return program.returncode, out, err


@pytest.mark.parametrize(
    ("code", "ended", "out", "said"),
    [
        (ACCOUNT, 1, "", ["heirpay: interrupted"]),
        (HELPERS, 0, "ended\n", []),
    ],
    ids=["the embedded account", "Dagster's helpers"],
)
def test_a_child_says_nothing_of_its_own(
    tmp_path: Path, code: str, ended: int, out: str, said: list[str]
) -> None:
    found = interrupted(code, tmp_path)
    assert found[:2] == (ended, out)
    assert [line.partition(";")[0] for line in found[2].splitlines() if line] == said


def test_an_interrupted_command_says_so_in_one_line(
    heirpay: Heirpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "_today", interrupt)
    ended = heirpay("sandbox", "serve")
    assert (ended.code, ended.out, len(ended.lines)) == (1, "", 1)
    assert ended.lines[0].startswith("heirpay: interrupted")


def test_the_account_served_by_hand_ends_quietly(tmp_path: Path) -> None:
    code = """
import socket, sys
from heirpay_pipelines.cli import main
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
import uvicorn
startup = uvicorn.Server.startup
async def ready(self, sockets=None):
    await startup(self, sockets=sockets)
    print("ready", flush=True)
uvicorn.Server.startup = ready
import click
click.echo = lambda *_, **__: None
sys.argv = ["heirpay", "sandbox", "serve", "--port", str(port)]
sys.argv += ["--start", "2026-10-01", "--now", "2026-10-09"]
main()
"""
    assert interrupted(code, tmp_path) == (0, "", "")
