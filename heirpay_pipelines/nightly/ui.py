"""`heirpay ui`: Dagster's web UI and daemon, on loopback."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from pathlib import Path

import click

from heirpay_pipelines.settings import Settings

LOOPBACK = "127.0.0.1"
WORKSPACE = Path(__file__).resolve().parents[2] / "workspace.yaml"
"""In the checkout that the product is installed from: it names the code location."""


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1; 0: a free one.")
def ui(port: int) -> None:
    """Start Dagster's web UI and daemon on loopback: runs, assets, checks, schedules.

    The daemon runs what is switched on under Automation: schedules in the reporting time zone, and
    the sensors. It sends no telemetry.
    """
    from heirpay_pipelines.nightly.home import prepare_dagster_home

    settings = Settings.load()
    chosen = free_port(port)
    prepare_dagster_home(settings)
    os.environ["HEIRPAY_HOME"] = str(settings.home)
    click.echo(f"http://{LOOPBACK}:{chosen}  (ready in a few seconds; stop with Ctrl-C)")
    sys.stdout.flush()
    dagster = Path(sys.executable).with_name("dagster")
    command = ["dev", "-w", str(WORKSPACE), "-h", LOOPBACK, "-p", str(chosen)]
    command += ["--log-level", "warning"]
    os.environ["PYTHONWARNINGS"] = "ignore:Function `dev_command`"
    # Replaces this process, so that signals reach Dagster itself.
    os.execv(dagster, [str(dagster), *command])  # noqa: S606


def free_port(port: int) -> int:
    """The port, or for 0 one that is free; ClickException when somebody has it."""
    with closing(socket.socket()) as probe:
        # As servers do: a port whose last connections have only just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is in use: another `heirpay ui`? Choose one with --port, or 0 for any"
                " that is free."
            ) from None
        return int(probe.getsockname()[1])
