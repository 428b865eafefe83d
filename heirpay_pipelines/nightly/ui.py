"""`heirpay ui`: Dagster's web UI and daemon, on loopback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from heirpay_pipelines.settings import Settings


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Start Dagster's web UI and daemon on loopback: runs, assets, checks, schedules."""
    from heirpay_pipelines.nightly.home import prepare_dagster_home

    settings = Settings.load()
    prepare_dagster_home(settings)
    os.environ["HEIRPAY_HOME"] = str(settings.home)
    click.echo(f"http://127.0.0.1:{port}  (stop with Ctrl-C)")
    dagster = Path(sys.executable).with_name("dagster")
    command = ["dev", "-m", "heirpay_pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)]
    # Replaces this process, so that signals reach Dagster itself.
    os.execv(dagster, [str(dagster), *command])  # noqa: S606
