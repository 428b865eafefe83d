"""What people meet when something cannot be done: one line that says what happened and what to do,
and the exit code (1: it failed, 2: bad usage or settings). The one place that words what others
raise; what is not known here keeps its traceback, for it is a fault of ours.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.text.shown import say

FAILED, BAD_USAGE = 1, 2
PACKAGE = "heirpay_pipelines."
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EPERM)
NOT_A_HOME = (*NOT_ALLOWED, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
BINDING = re.compile(r"(.+?) \(while attempting to bind on address \('(.+?)', (\d+)")
MISSING_TABLE = re.compile(r"Catalog Error: (?:Table|View) with name (\S+) does not exist")
FULL_WORDS = ("No space left on device", "database or disk is full", "Disk quota exceeded")
MAKE_ROOM = "Free some space there, then start again."


@dataclass(frozen=True)
class Known:
    """An error that people can act on."""

    line: str
    exit_code: int


def known(error: BaseException, home: Path) -> Known | None:
    """The error in words, when it or what caused it is known; `home` is HEIRPAY_HOME."""
    for one in _causes(error):
        if found := _known(one, home):
            return found
    return None


def exit_with(error: BaseException, home: Path) -> None:
    """Say a known error in one line and end with its exit code; return when it is not known."""
    found = known(error, home)
    if found is not None:
        say(f"heirpay: {found.line}", err=True)
        sys.exit(found.exit_code)


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _known(error: BaseException, home: Path) -> Known | None:
    from heirpay_pipelines.at_rest.sqlite import is_of_sqlite, refusal_of

    text = str(error)
    if isinstance(error, Exception) and is_of_sqlite(error):
        if "disk is full" in text or "disk I/O" in text:
            said = "disk I/O error" if "disk I/O" in text else "SQLite has no room"
            return Known(f"The disk that holds {home} is full ({said}). {MAKE_ROOM}", FAILED)
        return Known(f"SQLite cannot use a file in {home}: {refusal_of(error)}.", FAILED)
    if type(error).__name__ == "DatabaseError" and "malformed" in text:  # SQLite's or SQLCipher's
        return Known(
            f"A SQLite file in {home} is damaged ({text}). If it is state/heirpay.sqlite, restore"
            " it from a backup, or begin a new one with `heirpay repair`; a file below dagster"
            " may be moved away: only the history of runs in the UI is in it.",
            FAILED,
        )
    if isinstance(error, OSError):
        return _of_the_system(error, home)
    if type(error).__module__.startswith(PACKAGE):
        # The package's own errors are worded where they are raised.
        return Known(" ".join(text.split()), getattr(error, "exit_code", FAILED))
    if missing := MISSING_TABLE.match(text):
        return Known(
            f"The published warehouse has no table `{missing[1]}`: another version of HeirPay"
            " published it. `heirpay run` publishes it anew.",
            FAILED,
        )
    if any(words in text for words in FULL_WORDS):  # DuckDB, Arrow and others have their own types
        return Known(f"The disk that holds {home} is full. {MAKE_ROOM}", FAILED)
    return None


def _of_the_system(error: OSError, home: Path) -> Known | None:
    said = error.strerror or str(error)
    if bound := BINDING.match(said):
        return _not_listening(*bound.groups())
    if type(error).__module__.startswith(PACKAGE):
        return Known(f"{said.rstrip('.')}.", FAILED)
    where = error.filename if isinstance(error.filename, str) else None
    if error.errno in DISK_FULL or any(words in str(error) for words in FULL_WORDS):
        return Known(f"The disk that holds {where or home} is full. {MAKE_ROOM}", FAILED)
    if where is None:
        return None
    path = Path(where)
    if error.errno == errno.EROFS:
        return Known(f"{path}: {said}. Make its disk writable, or name another folder.", FAILED)
    of_the_home = (
        path == home or path in home.parents or (home in path.parents and not home.is_dir())
    )
    if error.errno in NOT_A_HOME and of_the_home:
        return Known(
            f"HEIRPAY_HOME: {home} cannot be made or used ({said}). Let this user write there, or"
            " name another folder.",
            BAD_USAGE,
        )
    if error.errno in NOT_ALLOWED:
        return Known(f"{path}: {said}. Give this user access to it.", FAILED)
    return Known(f"{path}: {said}.", FAILED)


def _not_listening(said: str, host: str, port: str) -> Known:
    if "in use" in said:
        line = f"Port {port} on {host} is in use: end what uses it, or choose one with --port."
    else:
        line = f"Nothing can listen on {host}, port {port} ({said}): choose another."
    return Known(line, BAD_USAGE)
