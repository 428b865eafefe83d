"""Reading bank files in a process of their own: one file never ends, delays or fills a night.

The process serves many files, as it costs a moment to start; one that takes too long, needs too
much memory or dies takes the process with it, is refused, and the next file gets a new one.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType

from heirpay_pipelines.bank.child import (
    BASE_MEMORY,
    BASE_SECONDS,
    FRAME,
    MEGABYTE,
    MEMORY_A_BYTE,
    OUT_OF_MEMORY,
    PROPOSE,
    READ,
    SECONDS_A_MEGABYTE,
)
from heirpay_pipelines.bank.csv_proposal import Proposal
from heirpay_pipelines.bank.document import MAX_BYTES, Document
from heirpay_pipelines.bank.wire import unpacked

START_SECONDS, END_SECONDS = 60, 10
PATIENCE = 6
"""The clock's limit is so many times the processor's: a busy machine refuses no file."""
MOST_ANSWER = 2**30
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
CHUNK = 2**20
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from heirpay_pipelines.bank.child import main; main()"
)


class _Failed(Exception):
    """The reading process gave no answer; the message says why, where it is known."""


class _Late(_Failed):
    """It gave none in time."""


class GuardedReader:
    """Reads files one after the other. A context manager: the process ends with it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> GuardedReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, path: Path, mapping: str | None) -> list[Document]:
        """The documents of a file: each with statements or a refusal. `mapping` is the text of
        its mapping.yaml. Never raises for what the file is."""
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                return [_refused(f"larger than {MAX_BYTES} bytes: no statement is; split it")]
            with path.open("rb"):
                pass
        except OSError as error:
            return [_refused(f"cannot be read ({error.strerror}); let this user read it")]
        try:
            return unpacked(self._ask(READ, path, size, mapping))
        except _Failed as failed:
            return [_refused(f"{failed}; ask the bank for the file again, or split it")]

    def propose(self, path: Path) -> Proposal:
        """A mapping for a CSV file that is refused."""
        try:
            content = json.loads(self._ask(PROPOSE, path, path.stat().st_size, None))
            return Proposal(content["mapping"], tuple(content["asked"]))
        except (OSError, _Failed):
            return Proposal(None, ("the file cannot be read",))

    @property
    def process_id(self) -> int | None:
        """Of the process that reads now; None before the first file and after one that ended it."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, wish: str, path: Path, size: int, mapping: str | None) -> bytes:
        request = json.dumps([wish, os.fspath(path), path.name, mapping]).encode() + b"\n"
        seconds = PATIENCE * (BASE_SECONDS + SECONDS_A_MEGABYTE * size / MEGABYTE)
        process = self._started()
        try:
            assert process.stdin is not None  # noqa: S101 - for mypy
            process.stdin.write(request)
            process.stdin.flush()
            return self._answer(process, seconds)
        except (_Failed, BrokenPipeError) as failed:
            raise _Failed(self._why(process, isinstance(failed, _Late), size)) from None
        except BaseException:
            self.close()
            raise

    def _why(self, process: subprocess.Popen[bytes], is_late: bool, size: int) -> str:
        """What ended the process, which is gone when this returns."""
        code = None
        if not is_late:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(END_SECONDS)
        self.close()
        if is_late or code == -signal.SIGXCPU:
            seconds = BASE_SECONDS + SECONDS_A_MEGABYTE * (size // MEGABYTE)
            return f"reading it takes longer than {seconds} seconds of the processor"
        if code == OUT_OF_MEMORY:
            megabytes = (BASE_MEMORY + MEMORY_A_BYTE * size) // MEGABYTE
            return f"reading it takes more memory than {megabytes} MB"
        return "reading it ends the process that reads"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this program's own code
                [sys.executable, "-c", START, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in INHERITED if name in os.environ}
                | {"PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
            try:
                self._answer(self._process, START_SECONDS)
            except _Failed:
                self.close()
                raise RuntimeError("The process that reads bank files does not start.") from None
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        """One frame, or _Failed at the deadline or when the process ended."""
        assert process.stdout is not None  # noqa: S101 - for mypy
        until = monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            (length,) = FRAME.unpack(_bytes(ready, process, FRAME.size, until))
            if length > MOST_ANSWER:
                raise _Failed
            return _bytes(ready, process, length, until)


def _bytes(
    ready: selectors.BaseSelector, process: subprocess.Popen[bytes], count: int, until: float
) -> bytes:
    assert process.stdout is not None  # noqa: S101 - for mypy
    found = bytearray()
    while len(found) < count:
        if not ready.select(max(0.0, until - monotonic())):
            raise _Late
        chunk = os.read(process.stdout.fileno(), min(CHUNK, count - len(found)))
        if not chunk:
            raise _Failed
        found += chunk
    return bytes(found)


def _refused(reason: str) -> Document:
    return Document(None, None, refusal=reason)
