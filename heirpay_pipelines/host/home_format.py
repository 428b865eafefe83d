"""The number of a home's format: how its state file, landing and folders are laid out.

It is raised with every migration of the state file and with every other change that an earlier
release would read wrongly (`tests/state/test_home_format.py` holds both together). A home without a
number was written before there was one, in format 1 (docs/decisions/0016).
"""

from __future__ import annotations

import json
from pathlib import Path

from heirpay_pipelines.host.home_folder import HomeError

FORMAT = 2
"""What this release writes, and the newest that it reads."""
NOTE = "home.json"
RESTORING = "restore.json"
"""Lies in a home while a restored one takes its place."""


def format_of(home: Path) -> int | None:
    """The number that a home carries; None when it carries none. Raises HomeError when the note
    cannot be read."""
    note = home / NOTE
    try:
        content = note.read_bytes()
    except FileNotFoundError:
        return None
    try:
        number = json.loads(content)["format"]
    except (ValueError, KeyError, TypeError):
        number = None
    if type(number) is not int or number < 1:
        raise HomeError(f"{note} is damaged: restore it from a backup (docs/how-to/backup.md).")
    return number


def note_of(number: int) -> bytes:
    """The note of a home in a format."""
    return json.dumps({"format": number}).encode() + b"\n"


def require_known_format(home: Path) -> None:
    """Raise HomeError, before anything is read or written, for a home of a later release, and for
    one that is half restored."""
    if (home / RESTORING).exists():
        raise HomeError(
            f"Restoring {home} was interrupted: start `heirpay restore FOLDER --force` again with"
            " the same backup. Nothing else opens the home until then."
        )
    number = format_of(home)
    if number is not None and number > FORMAT:
        raise HomeError(
            f"{home} was written by a later release (format {number}, this one knows {FORMAT}):"
            " install that release, or restore the backup of before (docs/how-to/backup.md)."
        )
