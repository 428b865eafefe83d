"""Ctrl-C reaches every process of the terminal: Dagster's helpers, which it starts for each step's
log, would each print a traceback. They end with the run that started them, so they need not hear.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTION = {signal.SIGINT}


@contextmanager
def quiet_log_helpers() -> Iterator[None]:
    """Until the block ends, what Dagster starts to copy a step's output does not hear Ctrl-C."""
    from dagster._core.execution import compute_logs

    module: Any = compute_logs
    start = module.execute_posix_tail

    @contextmanager
    def start_deaf(path: str, stream: Any) -> Iterator[Any]:
        helpers = start(path, stream)
        with deaf_children():
            pids = helpers.__enter__()
        try:
            yield pids
        finally:
            helpers.__exit__(None, None, None)

    module.execute_posix_tail = start_deaf
    try:
        yield
    finally:
        module.execute_posix_tail = start


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that this thread starts in the block do not hear Ctrl-C: they inherit what it
    blocks. One that comes meanwhile is heard at the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTION)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
