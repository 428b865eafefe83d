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
from heirpay_pipelines.host.child_environment import child_environment
from heirpay_pipelines.host.with_parent import with_parent
from heirpay_pipelines.orchestration.code_location import LOCATION, PUBLISHED_FIGURES
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.shipped import WORKSPACE
from heirpay_pipelines.text.shown import say

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOPBACK = "127.0.0.1"
OF_DAGSTER = ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY")
FIGURES = f"/locations/{LOCATION}/asset-groups/{PUBLISHED_FIGURES}"
"""The page of the published figures in Dagster's catalog."""
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
    from heirpay_pipelines.orchestration.dagster_files import set_damaged_aside
    from heirpay_pipelines.orchestration.home import prepare_dagster_home
    from heirpay_pipelines.orchestration.home_files import said_of_landing

    settings = Settings.load()
    url = f"http://{LOOPBACK}:{free_port(port)}"
    prepare_dagster_home(settings)
    damage = [*set_damaged_aside(settings), said_of_landing(settings)]
    for line in filter(None, damage):
        say(f"heirpay: {line}", err=True)
    _begin_with_a_free_queue(settings)
    token = read_or_make_token(settings.ui_token)
    say(f"{url}/?token={token}  (ready in a few seconds; stop with Ctrl-C)")
    say(f"Published figures  {url}{FIGURES}?token={token}")
    # The report's links lead here while it runs.
    write_whole(settings.ui_file, url.encode())
    try:
        sys.exit(run_until_told(_dagster(url), settings))
    finally:
        settings.ui_file.unlink(missing_ok=True)


def _begin_with_a_free_queue(settings: Settings) -> None:
    """Runs that died hold the queue no longer, before the daemon looks at it."""
    from dagster import DagsterInstance

    from heirpay_pipelines.orchestration.dead_runs import fail_dead_runs

    with DagsterInstance.get() as instance:
        fail_dead_runs(instance, settings)


def _dagster(url: str) -> list[str]:
    services = [sys.executable, "-P", "-m", "heirpay_pipelines.orchestration.ui_services"]
    host, port = url.removeprefix("http://").split(":")
    return [*services, "-w", str(WORKSPACE), "-h", host, "-p", port, "--log-level", "warning"]


def run_until_told(command: list[str], settings: Settings) -> int:
    """Run Dagster until it ends or this process is told to; its exit code, 0 when told to.

    Dagster ends its webserver, daemon and code servers on Ctrl-C only: a signal that ends a
    service (SIGTERM) would leave them behind. So they run below a process of ours that ends all of
    them, also when this one is killed. A night under way is killed with them, which is safe.
    """
    told = threading.Event()
    for number in ENDING:
        signal.signal(number, lambda *_: told.set())
    environment = child_environment(*settings.variables(), *OF_DAGSTER) | {
        "HEIRPAY_HOME": str(settings.folder),
        "PYTHONWARNINGS": "ignore:Function `dev_command`",
    }
    guardian = with_parent("heirpay_pipelines.orchestration.ui", *command, number=signal.SIGTERM)
    process = subprocess.Popen(guardian, env=environment, start_new_session=True)  # noqa: S603
    try:
        while process.poll() is None and not told.wait(0.5):
            pass
        if told.is_set():
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2 * END_SECONDS)
    finally:
        _signal_all(process.pid, signal.SIGKILL)
    return 0 if told.is_set() else process.wait()


def guard(command: list[str]) -> int:
    """Run the command in this process's group until it ends or this process is told to; then end
    all that is left of the group, as Ctrl-C does, and kill what does not end."""
    told = threading.Event()
    for number in ENDING:
        signal.signal(number, lambda *_: told.set())
    process = subprocess.Popen(command)  # noqa: S603
    while process.poll() is None and not told.wait(0.5):
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _signal_all(os.getpgrp(), signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=END_SECONDS)
    ended = process.poll()
    if os.getpgrp() == os.getpid():  # never the group of somebody else
        _signal_all(os.getpgrp(), signal.SIGKILL)
    return 1 if ended is None else ended


def _signal_all(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def free_port(port: int) -> int:
    """The port, or for 0 one that is free; OSError when somebody has it."""
    with closing(socket.create_server((LOOPBACK, port))) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))
