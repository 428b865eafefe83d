"""Making a copy of a home that others may be reading, and whose databases others may be writing."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest.keys import EncryptionKeyError, KeyedPath, keyed
from heirpay_pipelines.at_rest.places import PlaceError, own_folder, sync_folder
from heirpay_pipelines.at_rest.sqlite import DamagedFileError, connect
from heirpay_pipelines.backup.errors import BackupError, BackupPlaceError
from heirpay_pipelines.backup.inventory import STATE, Found, inventory
from heirpay_pipelines.backup.listing import (
    CONTENT,
    LIST,
    Backup,
    CopiedFile,
    sha256_of,
    verify_backup,
    write_list,
)
from heirpay_pipelines.host.home_format import format_of
from heirpay_pipelines.published_file import CANNOT_LINK

UNFINISHED = "unfinished"
"""Marks a folder whose backup was not made to its end: it may be made there again."""
PIECE = 1 << 20
SPARE_BYTES = 16 << 20
"""Left free on the disk beside what is copied."""
NEVER_CHANGED = (("landing/objects/", ".parquet"), ("warehouse/", ".duckdb"))
"""Files that are only ever replaced by a rename: a second name of one is a copy of it."""


def make_backup(home: Path, state_file: KeyedPath, folder: Path, *, linked: bool = False) -> Backup:
    """Copy the home into the new or empty `folder` and verify it. The caller holds the run lock.

    With `linked`, files that never change get a second name where the disk allows it, so that the
    copy takes no room. What was copied goes again when it cannot be made whole. Raises BackupError.
    """
    is_new = not folder.exists()
    folder = _prepared(home, folder, linked)
    content = folder / CONTENT
    try:
        found = list(inventory(home))
        if not linked:
            _require_room(home, found, folder)
        backup = _copied(home, state_file, content, found, linked)
        verify_backup(folder, backup)
        write_list(folder, backup)
        (folder / UNFINISHED).unlink()
        sync_folder(folder)
    except BaseException:
        for path in (content, folder / LIST, folder / UNFINISHED):
            remove(path)
        if is_new:
            folder.rmdir()
        raise
    return backup


def remove(path: Path) -> None:
    """A file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def is_unfinished(folder: Path) -> bool:
    """Whether the process that made a backup there was killed before its end."""
    return (folder / UNFINISHED).is_file()


def _prepared(home: Path, folder: Path, linked: bool) -> Path:
    given = folder.resolve()
    if not linked and (given.is_relative_to(home) or home.is_relative_to(given)):
        raise BackupPlaceError(f"{folder} and the home {home} lie in one another: name another.")
    try:
        folder = own_folder(folder)
    except PlaceError as error:
        raise BackupPlaceError(str(error)) from None
    inside = {path.name for path in folder.iterdir()}
    if UNFINISHED in inside:
        remove(folder / CONTENT)
        remove(folder / LIST)
    elif inside:
        raise BackupPlaceError(f"{folder} is not empty: name a new folder for each backup.")
    (folder / UNFINISHED).touch(mode=0o600)
    return folder


def _require_room(home: Path, found: list[Found], folder: Path) -> None:
    needed = sum((home / each.place).lstat().st_size for each in found if each.kind != "folder")
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise BackupError(
            f"The backup needs {needed / 1e6:.0f} MB and {folder} has {free / 1e6:.0f} MB free:"
            " free some space there, or name another disk."
        )


def _copied(
    home: Path, state_file: KeyedPath, content: Path, found: list[Found], linked: bool
) -> Backup:
    files, links, left_out = [], {}, []
    content.mkdir(mode=0o700)
    for each in found:
        source, target = home / each.place, content / each.place
        place = each.place.as_posix()
        if each.kind == "folder":
            target.mkdir(mode=0o700)
        elif each.kind == "link":
            links[place] = os.readlink(source)  # noqa: PTH115 - a text, which may lead nowhere
            target.symlink_to(links[place])
        elif each.kind == "database":
            try:
                files.append(_snapshot(source, state_file, target, place))
            except _UnreadableDatabaseError:
                left_out.append(place)
        else:
            is_linked = linked and any(
                place.startswith(folder) and place.endswith(end) for folder, end in NEVER_CHANGED
            )
            copied = copy_file(source, target, place, is_linked)
            files += [copied] if copied else []
    for path in (content, *(content / each.place for each in found if each.kind == "folder")):
        sync_folder(path)
    return Backup(
        made_at=datetime.now(UTC),
        release=version("heirpay-pipelines"),
        home_format=format_of(home) or 1,
        files=tuple(files),
        folders=tuple(each.place.as_posix() for each in found if each.kind == "folder"),
        links=links,
        left_out=tuple(left_out),
    )


def copy_file(source: Path, target: Path, place: str, linked: bool = False) -> CopiedFile | None:
    """Copy a file with its mode and times, or give it a second name; None when it has just gone (a
    log that was turned over)."""
    if linked and (copied := _link(source, target, place)):
        return copied
    digest = hashlib.sha256()
    try:
        reading = source.open("rb")
    except FileNotFoundError:
        return None
    with reading, target.open("xb") as writing:
        found = os.fstat(reading.fileno())
        while piece := reading.read(PIECE):
            digest.update(piece)
            writing.write(piece)
        size = writing.tell()
        writing.flush()
        mode = found.st_mode & 0o700
        os.fchmod(writing.fileno(), mode)
        os.utime(writing.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
        os.fsync(writing.fileno())
    return CopiedFile(place, size, digest.hexdigest(), mode)


def _link(source: Path, target: Path, place: str) -> CopiedFile | None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        return None
    found = target.stat()
    return CopiedFile(place, found.st_size, sha256_of(target), found.st_mode & 0o700)


class _UnreadableDatabaseError(Exception):
    """A database of Dagster's that SQLite cannot read: it is made anew, and no reason to have no
    backup."""


def _snapshot(source: Path, state_file: KeyedPath, target: Path, place: str) -> CopiedFile:
    """Copy a database as it is at one instant, with what its log holds, whoever writes it
    meanwhile; encrypted when it is. Raises DamagedFileError when the state file is damaged.

    The file itself is opened by SQLite only: closing it would take other connections' locks away.
    """
    is_state = place == STATE.as_posix()
    mode = source.stat().st_mode & 0o700
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(connect(keyed(source, state_file.key if is_state else None))) as reading:
            _copy_pages(reading, keyed(target, state_file.key if is_state else None))
    except Exception as error:
        target.unlink()
        if not is_state and _is_damage(error):
            raise _UnreadableDatabaseError from None
        raise
    target.chmod(mode)
    return CopiedFile(place, target.stat().st_size, sha256_of(target), mode)


def _copy_pages(reading: Any, target: KeyedPath) -> None:
    with closing(connect(target)) as writing:
        reading.backup(writing)
        writing.execute("pragma journal_mode = delete")  # one file, with nothing beside it
        (found,) = writing.execute("pragma quick_check(1)").fetchone()
        if found != "ok":
            raise DamagedFileError(str(found))
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_damage(error: Exception) -> bool:
    """Whether it is the file, not the disk or somebody who keeps it locked."""
    is_malformed = type(error).__name__ == "DatabaseError"  # SQLite's or SQLCipher's
    return is_malformed or isinstance(error, DamagedFileError | EncryptionKeyError)
