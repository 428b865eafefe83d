"""SQL that may only read the published warehouse: bounded in rows, bytes, seconds and memory.

It runs in a child process (`sql_child`), one query at a time, that is ended at the deadline. The
child is kept for the next query, so that it is started once.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.duck import WarehouseError, connect_shut
from heirpay_pipelines.home import Home
from heirpay_pipelines.host.child_environment import child_environment
from heirpay_pipelines.query.one_select import RefusedSqlError

START_SECONDS = 120.0
QUERIES_OF_A_CHILD = 500
"""Then a fresh one takes over: what a query leaves behind in a process ends with it."""
ESCAPED = 8
"""An answer's text takes at most so many times the bytes that its values are bounded to."""
ERRORS = {"refused": RefusedSqlError, "warehouse": WarehouseError, "key": EncryptionKeyError}


@dataclass(frozen=True)
class SqlBounds:
    """What one query may take."""

    rows: int = 1_000
    bytes: int = 1_000_000
    seconds: float = 20.0
    memory: str = "512MB"


@contextmanager
def open_locked(home: Home, bounds: SqlBounds) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, shut, for SQL of our own. WarehouseError when there is none."""
    key = home.key
    with connect_shut(
        home.warehouse,
        key,
        memory_limit=bounds.memory,
        threads=1,
        timezone=home.timezone,
    ) as connection:
        yield connection


def run_bounded(
    home: Home,
    sql: str,
    parameters: dict[str, Any] | None = None,
    bounds: SqlBounds | None = None,
    *,
    judged: bool = False,
) -> dict[str, Any]:
    """Run a query; `{"columns", "rows", "truncated"}`. Decimals and instants come as text, so
    that money stays exact. What a caller wrote is `judged` by `require_allowed` first, in the same
    bounds. Raises RefusedSqlError, or WarehouseError when nothing is published."""
    limits = bounds or SqlBounds()
    request = {
        "file": str(home.warehouse), "key": home.key, "sql": sql,
        "parameters": parameters or {}, "judged": judged,
        "rows": limits.rows, "bytes": limits.bytes, "seconds": limits.seconds,
        "memory": limits.memory, "timezone": home.timezone,
    }  # fmt: skip
    answer = CHILD.ask(request, limits)
    if "error" in answer:
        raise ERRORS[answer["kind"]](answer["error"])
    return answer


class _Ended(Exception):
    """The child ended, or was ended, before it had answered."""


class SqlChild:
    """The child process, started when it is first needed and again after it was ended."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0

    @property
    def pid(self) -> int | None:
        """The child's process id; None when none runs."""
        return self._process.pid if self._process else None

    def ask(self, request: dict[str, Any], limits: SqlBounds) -> dict[str, Any]:
        """The child's answer. RefusedSqlError when it takes too long or too much memory."""
        if not self._one_at_a_time.acquire(timeout=limits.seconds):
            raise RefusedSqlError("Another query is still running: ask again in a moment.")
        try:
            process = self._warm()
            ends = time.monotonic() + limits.seconds
            try:
                _write(process, json.dumps(request).encode() + b"\n", ends)
                answer = _read_line(process, ends, limits.bytes * ESCAPED + 1_000_000)
            except TimeoutError:
                self.end()
                raise RefusedSqlError(
                    f"The query took more than {limits.seconds:g} seconds."
                ) from None
            except _Ended:
                self.end()
                raise RefusedSqlError(f"The query needs more than {limits.memory}.") from None
            self._answered += 1
            if self._answered >= QUERIES_OF_A_CHILD:
                self.end()
            return answer
        finally:
            self._one_at_a_time.release()

    def end(self) -> None:
        """End the child at once, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    cast("IO[bytes]", pipe).close()
            process.wait()

    def _warm(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.end()
        # -P: what lies in the working folder is none of our modules.
        command = [sys.executable, "-P", "-m", "heirpay_pipelines.serve.sql_child"]
        self._process = subprocess.Popen(  # noqa: S603
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
        )
        self._answered = 0
        try:
            _read_line(self._process, time.monotonic() + START_SECONDS, 1_000)
        except (TimeoutError, _Ended):
            self.end()
            raise RefusedSqlError("The process for queries does not start.") from None
        return self._process


def _write(process: subprocess.Popen[bytes], request: bytes, ends: float) -> None:
    """Hand the request over; more than a pipe holds waits for the child to read it."""
    descriptor = cast("IO[bytes]", process.stdin).fileno()
    os.set_blocking(descriptor, False)
    while request:
        if not select.select([], [descriptor], [], max(0.0, ends - time.monotonic()))[1]:
            raise TimeoutError
        try:
            request = request[os.write(descriptor, request) :]
        except BrokenPipeError:
            raise _Ended from None


def _read_line(process: subprocess.Popen[bytes], ends: float, most: int) -> dict[str, Any]:
    descriptor = cast("IO[bytes]", process.stdout).fileno()
    line = bytearray()
    while not line.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0.0, ends - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(descriptor, 1 << 16)
        line += part
        if not part or len(line) > most:
            raise _Ended
    answer: dict[str, Any] = json.loads(line)
    return answer


CHILD = SqlChild()
atexit.register(CHILD.end)
