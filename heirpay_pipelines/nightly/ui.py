"""`heirpay ui`: Dagster's web UI and daemon, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress

import click

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.at_rest.tokens import read_or_make_token
from heirpay_pipelines.child_environment import child_environment
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.shipped import WORKSPACE
from heirpay_pipelines.shown import say

LOOPBACK = "127.0.0.1"
OF_DAGSTER = ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY")
END_SECONDS = 20
"""Given to Dagster's processes to end by themselves."""


@click.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(0, 65535),
              help="Port on 127.0.0.1; 0: a free one.")  # fmt: skip
def ui(port: int) -> None:
    """Start Dagster's web UI and daemon on loopback: runs, assets, checks, schedules.

    The printed link lets a browser in: nobody else, and no page of another site, uses the UI.
    docs/how-to/security.md says how several people reach it.

    The daemon runs what is switched on under Automation: schedules in the reporting time zone, and
    the sensors. It sends no telemetry.
    """
    from heirpay_pipelines.nightly.home import prepare_dagster_home

    settings = Settings.load()
    url = f"http://{LOOPBACK}:{free_port(port)}"
    prepare_dagster_home(settings)
    token = read_or_make_token(settings.ui_token)
    say(f"{url}/?token={token}  (ready in a few seconds; stop with Ctrl-C)")
    # The report's links lead here while it runs.
    write_whole(settings.ui_file, url.encode())
    try:
        sys.exit(run_until_told(_dagster(url), settings))
    finally:
        settings.ui_file.unlink(missing_ok=True)


def _dagster(url: str) -> list[str]:
    services = [sys.executable, "-P", "-m", "heirpay_pipelines.nightly.ui_services"]
    host, port = url.removeprefix("http://").split(":")
    return [*services, "-w", str(WORKSPACE), "-h", host, "-p", port, "--log-level", "warning"]


def run_until_told(command: list[str], settings: Settings) -> int:
    """Run Dagster until it ends or this process is told to; its exit code, 0 when told to.

    Dagster ends its webserver, daemon and code servers on Ctrl-C only: a signal that ends a
    service (SIGTERM) would leave them behind. So each signal reaches all of them as Ctrl-C does,
    and what is left after that is killed. A night under way is killed with them, which is safe.
    """
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: told.set())
    environment = child_environment(*settings.variables(), *OF_DAGSTER) | {
        "HEIRPAY_HOME": str(settings.home),
        "PYTHONWARNINGS": "ignore:Function `dev_command`",
    }
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    try:
        while process.poll() is None and not told.wait(0.5):
            pass
        _signal_all(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=END_SECONDS)
    finally:
        _signal_all(process.pid, signal.SIGKILL)
    return 0 if told.is_set() else process.wait()


def _signal_all(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def free_port(port: int) -> int:
    """The port, or for 0 one that is free; OSError when somebody has it."""
    with closing(socket.create_server((LOOPBACK, port))) as probe:
        return int(probe.getsockname()[1])
