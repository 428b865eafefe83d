"""The `.env` file of the working folder: read whole, or refused with the line that is wrong."""

from __future__ import annotations

import os
import re
import stat
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

ENV_FILE = ".env"
LIVE_KEY = re.compile(r"(?<![A-Za-z0-9])[sr]k_(?:org_)?live_[A-Za-z0-9_]{8,}")


class EnvFileError(Exception):
    """The `.env` cannot be used as it is. The message names the line or the setting, no value."""


def read_env_file(path: Path) -> dict[str, str]:
    """The assignments of a `.env` file; none when there is no such file.

    Raises EnvFileError for a file that another user wrote or could write, for a line that is no
    assignment, for a text that is no UTF-8 and for a live key that other users of the machine can
    read.
    """
    if not path.is_file():
        return {}
    _refuse_what_others_write(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise EnvFileError(f"{path.absolute()} is no UTF-8 text: save it as UTF-8.") from None
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise EnvFileError(
                f"{path.absolute()}, line {_line(binding.original.string, binding.original.line)},"
                " is no assignment: write NAME=value, or begin a comment with #."
            )
    _refuse_readable_live_key(path, text)
    values = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in values.items() if value is not None}


def _line(original: str, first: int) -> int:
    """The line on which a statement begins: the parser counts empty lines before it to it."""
    before = original[: len(original) - len(original.lstrip())]
    return first + len(re.findall(r"\r\n|\n|\r", before))


def _refuse_what_others_write(path: Path) -> None:
    """Whoever writes the settings has the figures sent where they like. The administrator may."""
    for found in (path.lstat(), path.stat()):
        if found.st_uid not in (0, os.geteuid()):
            raise EnvFileError(
                f"{path.absolute()} belongs to another user and is not read: remove it, or start"
                " `heirpay` in a folder of your own."
            )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EnvFileError(
            f"{path.absolute()} can be written by other users (mode {mode:04o}) and is not read:"
            f" chmod 600 {path.absolute()}"
        )


def _refuse_readable_live_key(path: Path, text: str) -> None:
    """Also one in a comment: it works all the same."""
    mode = stat.S_IMODE(path.stat().st_mode)
    found = LIVE_KEY.search(text)
    if found and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise EnvFileError(
            f"{path.absolute()}, line {text.count(chr(10), 0, found.start()) + 1}, holds a live key"
            f" and other users can read the file (mode {mode:04o}): chmod 600 {path.absolute()}"
        )
