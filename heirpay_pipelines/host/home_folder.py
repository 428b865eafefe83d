"""Whether HEIRPAY_HOME can be this user's home: everything that the pipeline writes lies there."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

NOTED = re.compile(rb'"sequence": [0-9]')


class HomeError(Exception):
    """The folder cannot be used. The message says why and what to do."""


def require_own_home(home: Path) -> None:
    """Raise HomeError when the folder is another user's, is no folder, or cannot be made.

    A folder of another user would end with files that its owner can no longer read, even where
    this user is the administrator and may write there.
    """
    try:
        owner = home.stat().st_uid
    except FileNotFoundError:
        _require_place_for(home)
        return
    except OSError as error:
        raise HomeError(f"{home} cannot be used ({error.strerror}): name another folder.") from None
    if not home.is_dir():
        raise HomeError(f"{home} is a file, not a folder: name another.")
    if owner != os.geteuid():
        theirs, ours = _name(owner), _name(os.geteuid())
        raise HomeError(
            f"{home} belongs to the user {theirs}, and this command runs as {ours}. Run it as"
            f" {theirs} (sudo -u {theirs} heirpay …), or name a folder of {ours}."
        )


def require_state(home: Path) -> None:
    """Raise HomeError when the home's state file is gone: it would silently begin anew, without
    what only it knows (closed months, erasures, incidents, the audit log)."""
    if is_state_lost(home):
        raise HomeError(
            f"{home}/state/heirpay.sqlite is gone or empty, though pulls were landed with it. "
            "Restore it from a backup, or begin a new one with `heirpay repair` "
            "(docs/how-to/recovery.md says what is lost then)."
        )


def is_state_lost(home: Path) -> bool:
    """Whether a manifest says that it was noted in a state file, and there is none."""
    state = home / "state" / "heirpay.sqlite"
    if state.is_file() and state.stat().st_size:
        return False
    newest = sorted((home / "landing" / "manifests").glob("*.json"))[-3:]
    return any(NOTED.search(path.read_bytes()) for path in newest)


def _require_place_for(home: Path) -> None:
    there = next(folder for folder in home.parents if folder.exists())
    if not there.is_dir():
        raise HomeError(f"{home} cannot be made: {there} is a file. Name another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise HomeError(
            f"{home} cannot be made: {there} is not writable for the user {_name(os.geteuid())}."
            " Let this user write there, or name another folder."
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # of no account on this machine, as in a container
        return f"#{user}"
