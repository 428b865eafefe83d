"""Secrets that this installation makes for itself: a token of a door, a key of its own.

A file of one is there whole or not at all, for its owner only. What a full disk, a kill or another
user left in its place opens no door: it is made anew.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from heirpay_pipelines.at_rest.places import own_folder, write_whole

TOKEN_BYTES = 32
WHOLE = re.compile(r"[A-Za-z0-9_-]{43,}")
"""A token of ours: 32 random bytes in base64, or more than that in hexadecimal."""


def read_or_make_token(path: Path) -> str:
    """The token kept at `path`; a new one when there is none, or none that is whole and ours."""
    kept = _kept(path)
    if kept is not None:
        return kept
    own_folder(path.parent)
    _give_way(path)
    token = secrets.token_hex(TOKEN_BYTES)
    write_whole(path, token.encode())
    return token


def _kept(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        private = not stat.S_IMODE(found.st_mode) & 0o077 and found.st_nlink == 1
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or not private:
            return None
        text = file.read(1024).decode("ascii", "replace").strip()
    return text if WHOLE.fullmatch(text) else None


def _give_way(path: Path) -> None:
    """Remove what is no token of ours; a folder stays, and is told by the write."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        path.unlink()
