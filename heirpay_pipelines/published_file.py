"""A published DuckDB file as it was published, whatever another program on the machine does to it.

DuckDB opens a file for writing by default. A program that does so and dies leaves a log beside the
file (`NAME.wal`, `NAME.wal.checkpoint`, `NAME.wal.recovery`), and DuckDB replays a log that it
finds under the name of the file that it opens, read-only too. Ours open the file under a private
name, beside which no log can lie, and hold it against the checksum that it was published with.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

BUILDING = "building"
"""Folder of files that a run still writes: their logs are their own."""
READING = "reading"
SET_ASIDE = "set_aside"
MOST_ENTRIES = 100
RECORD = ".published"
"""Ends the name of the record beside a published file: what it was when it was published."""
CANNOT_LINK = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP)


class ChangedFileError(Exception):
    """The file is not what was published. The message says what to do."""


def is_published(path: Path) -> bool:
    """Whether the file is one that only a rename changes."""
    return path.parent.name != BUILDING


def logs_beside(path: Path) -> list[Path]:
    """Logs that another program left, or still has open, under the name of a published file."""
    return sorted(path.parent.glob(f"{path.name}.wal*"))


def put_in_place(
    fresh: Path, target: Path, before: Callable[[str], object] = lambda _: None
) -> list[Path]:
    """Make the closed file `fresh` the published `target` in one step; logs that were set aside.
    `before` is given its SHA-256 right before the step, to be recorded.

    A log under the name of `target` belongs to another file: it goes before the new file comes,
    and again after, for a program that has the old file open makes one whenever it writes.
    Read-only by its mode: DuckDB refuses to open it for writing, but to a privileged user.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _fsync(fresh)
    fresh.chmod(0o400)
    made = _described(fresh)
    # Killed on either side of the rename, however often, the record knows the file that is there.
    earlier = _recorded(target) or ([_described(target)] if target.is_file() else [])
    _write_record(target, [made, *earlier][:MOST_ENTRIES])
    aside = set_logs_aside(target)
    before(made["sha256"])
    fresh.replace(target)
    aside += set_logs_aside(target)
    _write_record(target, [made])
    _fsync(target.parent)
    return aside


def set_logs_aside(target: Path) -> list[Path]:
    """Move what lies beside a published file into the folder `set_aside`; where it lies now."""
    moved = []
    for log in logs_beside(target):
        folder = target.parent / SET_ASIDE
        folder.mkdir(exist_ok=True, mode=0o700)
        place = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{log.name}"
        with suppress(FileNotFoundError):  # its program took it away in this moment
            log.replace(place)
            place.chmod(0o600)
            moved.append(place)
    return moved


@contextmanager
def private_name(path: Path) -> Iterator[Path]:
    """Another name of the published file, for as long as it takes to open it.

    On a disk that takes no new name the file is opened by its own, or, when a log lies there, as a
    copy in the system's temporary folder. Raises ChangedFileError.
    """
    name = path.parent / READING / f"{uuid4().hex}.duckdb"
    try:
        name.parent.mkdir(exist_ok=True, mode=0o700)
        os.link(path, name)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        with _without_link(path) as unlinked:
            _verify(path, unlinked)
            yield unlinked
        return
    try:
        _verify(path, name)
        yield name
    finally:
        name.unlink(missing_ok=True)


@contextmanager
def private_copy(path: Path) -> Iterator[Path]:
    """A copy of the published file, for one that another program holds open for writing.

    Raises ChangedFileError when that program has changed it, or changes it now.
    """
    folder = path.parent / READING
    folder.mkdir(exist_ok=True, mode=0o700)
    name = folder / f"{uuid4().hex}.duckdb"
    try:
        shutil.copyfile(path, name)
        name.chmod(0o400)
        _verify(path, name)
        yield name
    finally:
        name.unlink(missing_ok=True)


def is_being_replaced(path: Path) -> bool:
    """Whether a new file is about to take its place, or a kill came in between."""
    return len(_recorded(path)) > 1


def is_as_published(path: Path) -> bool | None:
    """Whether the file has the checksum that it was published with; None without a record."""
    known = _recorded(path)
    return digest(path) in {entry["sha256"] for entry in known} if known else None


def forget(path: Path) -> None:
    """Remove a published file and all that lies beside it under its name."""
    for file in (path, path.with_name(path.name + RECORD), *logs_beside(path)):
        file.unlink(missing_ok=True)


@contextmanager
def _without_link(path: Path) -> Iterator[Path]:
    if not logs_beside(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="heirpay-") as folder:
        name = Path(folder) / path.name
        shutil.copyfile(path, name)
        yield name


def _verify(path: Path, name: Path) -> None:
    """`name` is the file to open, `path` where it was published."""
    known = _recorded(path)
    found = name.stat()
    if not known or any(
        (entry["bytes"], entry["mtime_ns"]) == (found.st_size, found.st_mtime_ns) for entry in known
    ):
        return
    found_digest = digest(name)
    if found_digest not in {entry["sha256"] for entry in known}:
        raise ChangedFileError(
            f"{path.name} was changed after it was published: another program opened it for "
            "writing. `heirpay run` publishes it anew."
        )


def _described(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"sha256": digest(path), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def _recorded(path: Path) -> list[dict[str, Any]]:
    """What the file may be, newest first; nothing when there is no record that can be read."""
    try:
        entries = json.loads(path.with_name(path.name + RECORD).read_bytes())
        return [
            {"sha256": str(e["sha256"]), "bytes": int(e["bytes"]), "mtime_ns": int(e["mtime_ns"])}
            for e in entries
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write_record(path: Path, entries: list[dict[str, Any]]) -> None:
    record = path.with_name(path.name + RECORD)
    partial = record.with_name(record.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(entries, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, record)  # noqa: PTH105 - no step by itself: the file's own rename is


def digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
