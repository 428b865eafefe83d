"""Processes that kill themselves at a chosen call, for tests of what a death leaves behind.

They are children of a server process that has imported the package and opened nothing: a fork of
the test process itself would carry DuckDB's locks without the threads that hold them.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["heirpay_pipelines.orchestration.dead_runs", "pandas"])


def die_at(place: str, turn: int, work: Callable[..., None], *given: Any) -> None:
    """Do `work` (a function of a module, which loads it anew) in a process that dies of kill -9
    right before its call number `turn` of `place`, like `os:replace` or `pathlib:Path.rename`."""
    ended = ends_at(place, turn, work, *given)
    assert ended == -signal.SIGKILL, f"it ended with {ended}, not at {place}"


def ends_at(place: str, turn: int, work: Callable[..., None], *given: Any) -> int:
    """As `die_at`, for work that may end before it comes there; the exit code."""
    process = CONTEXT.Process(target=_do, args=(place, turn, work, given))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return int(process.exitcode)


def _do(place: str, turn: int, work: Callable[..., None], given: tuple[Any, ...]) -> None:
    module, _, path = place.partition(":")
    where: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        where = getattr(where, owner)
    real, calls = getattr(where, name), iter(range(1, 1000))

    def call(*arguments: Any, **named: Any) -> Any:
        if next(calls) == turn:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)

    setattr(where, name, call)
    work(*given)
