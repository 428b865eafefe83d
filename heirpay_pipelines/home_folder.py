"""Whether HEIRPAY_HOME can be this user's home: everything that the pipeline writes lies there."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


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
