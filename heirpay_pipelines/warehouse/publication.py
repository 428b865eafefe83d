"""The one moment at which the published warehouse changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from heirpay_pipelines.duck import connect
from heirpay_pipelines.published_file import put_in_place

# What a build needs and a reader must not see: views over landing files, copies of state.
BUILD_ONLY = ("landing", "state")


def publish(
    build: Path, target: Path, key: str | None, before: Callable[[str], object] = lambda _: None
) -> list[Path]:
    """Make `build` the published warehouse `target`, all of it or nothing; logs of other programs
    that lay beside it and were set aside. `before` is given the file's SHA-256 right before the
    rename: it belongs into the audit log.

    The file is complete and on disk before the rename, and the rename is atomic, so a reader sees
    the old file or the new one. A reader that has the old file open keeps it until it closes.
    Killed before the rename, yesterday's file stays; `discard_builds` clears the rest.
    """
    with connect(build, key, read_only=False) as connection:
        for schema in BUILD_ONLY:
            connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute("checkpoint")
    return put_in_place(build, target, before)


def record_published(build: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Say in the build's own run history that this run is the one that is published by it."""
    build.execute(
        "update operations.run_history set outcome = 'published', is_published = true"
        " where run_id = ?",
        [run_id],
    )


def discard_builds(directory: Path, but: Path | None = None) -> None:
    """Remove what killed or refused runs, and those of a selection, left in the folder of build
    databases; `but` this one, with what lies beside it under its name.

    The caller holds the run lock, so no build in it is in use.
    """
    for leftover in directory.glob("*"):
        if but is not None and leftover.name.startswith(but.name):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()
