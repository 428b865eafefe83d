"""Where files may be written: never through a link, never into what belongs to somebody else.

Another user of the machine can put a link, a pipe or a folder of theirs where a report, evidence
or an export is about to be written: then our file would replace one of ours that they chose, or
lie where they read it. So each folder is looked at before it is written into, and each file after
it is opened and before a byte of it changes.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

NOT_PLAIN = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENOTDIR)
PRIVATE = 0o600
DRAFT = re.compile(r"\.(?P<name>.+?)(?:~[^~]*)?\.partial")


class PlaceError(Exception):
    """A file or folder is a link, or another user's. The message names it and what to do."""

    exit_code = 2


def own_folder(path: Path, *, shared: bool = False) -> Path:
    """Make `path` and what is missing above it (0700) and return it, absolute; PlaceError unless it
    is a real folder of this user's. `shared` also takes one that everybody may write in and nobody
    but a file's owner may change it (`/tmp`): for a single new file."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolving would follow the links
    for part in (*reversed(absolute.parents), absolute):
        try:
            found = part.lstat()
        except FileNotFoundError:
            part.mkdir(mode=0o700)
            continue
        if stat.S_ISLNK(found.st_mode) and (part == absolute or not _trusted(found)):
            raise PlaceError(f"{part} is a link: name the folder that it leads to.")
    found = absolute.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise PlaceError(f"{absolute} is no folder: name another.")
    if found.st_uid != os.geteuid() and not (shared and found.st_mode & stat.S_ISVTX):
        raise PlaceError(f"{absolute} belongs to another user: name a folder of your own.")
    return absolute


def open_to_write(path: Path) -> int:
    """A descriptor of the empty file `path` for its owner only (0600), new or emptied.

    PlaceError when what is there is a link, a pipe, another user's, or also has another name.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE)
    except OSError as error:
        if error.errno in NOT_PLAIN:
            raise _not_ours(path) from None
        raise
    found = os.fstat(descriptor)
    ours = found.st_uid == os.geteuid() and found.st_nlink == 1
    if not stat.S_ISREG(found.st_mode) or not ours:
        os.close(descriptor)
        raise _not_ours(path)
    os.fchmod(descriptor, PRIVATE)
    os.ftruncate(descriptor, 0)
    return descriptor


def write_whole(path: Path, content: bytes) -> None:
    """`path` has its old content or the new one, never half, also when two processes write it at
    once; on disk when this returns."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with os.fdopen(open_to_write(partial), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def draft_of(path: Path, mark: str = "") -> Path:
    """Where a file or folder is made before it is renamed to `path`; `mark` tells drafts apart."""
    return path.with_name(f".{path.name}{f'~{mark}' if mark else ''}.partial")


def final_path(path: Path) -> Path:
    """Where a file lies once every draft on its way has its own name (`draft_of`)."""
    named = (DRAFT.fullmatch(part) for part in path.parts)
    return Path(*(m["name"] if m else part for m, part in zip(named, path.parts, strict=True)))


def sync_folder(folder: Path) -> None:
    """Have a folder's names on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _trusted(found: os.stat_result) -> bool:
    """Whether a link on the way was made by this user or by the system."""
    return found.st_uid in (0, os.geteuid())


def _not_ours(path: Path) -> PlaceError:
    return PlaceError(
        f"{path} is a link, or not a file of this user's alone: nothing is written there. Remove "
        "it, or name another folder."
    )
