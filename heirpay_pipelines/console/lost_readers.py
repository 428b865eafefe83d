"""Whoever read the output may go before its end (`… | head`, a terminal that is closed). No command
complains of it, and no night fails because nobody watches it any more."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

LIKE_SIGPIPE = 141
"""The exit code that shells give a program whose reader has gone."""


@contextmanager
def tolerate_lost_readers() -> Iterator[None]:
    """Within it what is written to a lost stderr goes nowhere; at its end a lost stdout, too."""
    real = sys.stderr
    sys.stderr = cast("TextIO", _Tolerant(real))
    try:
        yield
    finally:
        sys.stderr = real
        for stream in (sys.stdout, real):
            try:
                stream.flush()
            except (OSError, ValueError):
                _to_nowhere(stream)


class _Tolerant:
    """A stream that goes on without its reader."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._or_nowhere(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        self._or_nowhere(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _or_nowhere(self, write: Callable[[], Any]) -> None:
        try:
            write()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):  # EIO: of a terminal that is closed
                raise
            _to_nowhere(self._stream)


def _to_nowhere(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
