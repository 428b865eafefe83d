"""The one moment at which the published warehouse changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from heirpay_pipelines.duck import SPILL, connect

# What a build needs and a reader must not see: views over landing files, copies of state.
BUILD_ONLY = ("landing", "state")


def publish(build: Path, target: Path, key: str | None) -> None:
    """Make `build` the published warehouse `target`, all of it or nothing.

    The file is complete and on disk before the rename, and the rename is atomic, so a reader sees
    the old file or the new one. A reader that has the old file open keeps it until it closes.
    Killed before the rename, yesterday's file stays; `discard_builds` clears the rest.
    """
    with connect(build, key, read_only=False) as connection:
        for schema in BUILD_ONLY:
            connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute("checkpoint")
    _fsync(build)
    build.chmod(0o600)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.replace(build, target)  # noqa: PTH105 - named for what matters here: it replaces
    _fsync(target.parent)


def record_published(build: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Say in the build's own run history that this run is the one that is published by it."""
    build.execute(
        "update operations.run_history set outcome = 'published', is_published = true"
        " where run_id = ?",
        [run_id],
    )


def discard_builds(directory: Path) -> None:
    """Remove what killed or refused runs left in the folder of build databases.

    The caller holds the run lock, so no build in it is in use.
    """
    shutil.rmtree(directory / SPILL, ignore_errors=True)
    for leftover in directory.glob("*"):
        if leftover.is_file():
            leftover.unlink()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
