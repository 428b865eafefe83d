"""Dagster's own folder under HEIRPAY_HOME: its settings, runs and event log."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.settings import Settings

# Written at each start, so that a change here reaches every installation.
DAGSTER_YAML = {
    # ASSURANCE.md fact 3: telemetry is on by default. Ours contacts the configured endpoints only.
    "telemetry": {"enabled": False},
    # One writer: nights that pile up wait for each other.
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
    # A run whose process died is marked failed, so that it does not look as if it ran for ever.
    "run_monitoring": {"enabled": True, "start_timeout_seconds": 180},
    "nux": {"enabled": False},
    # Loading parses the dbt project when it changed; a busy machine takes its time.
    "code_servers": {"local_startup_timeout": 600},
}


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the folder, write `dagster.yaml`, point DAGSTER_HOME at it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = home / "dagster.yaml"
    text = yaml.safe_dump(DAGSTER_YAML, sort_keys=True)
    if not target.is_file() or target.read_text() != text:
        write_whole(target, text.encode())
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    return home
