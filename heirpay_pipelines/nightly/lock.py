"""One run at a time: DuckDB builds, landing and state have a single writer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from heirpay_pipelines.settings import Settings


class AnotherRunError(Exception):
    """A second run was started while one is under way. It ends without touching anything."""


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """Hold the installation's run lock; raise AnotherRunError when another process has it.

    The operating system releases it when the process ends, however it ends.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(settings.home / "run.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise AnotherRunError(
            f"Another run is under way in {settings.home}. Wait for it to end "
            "(`heirpay ui` shows it), then start again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def refuse_second_run(settings: Settings) -> None:
    """Raise AnotherRunError at once when a run is under way; nothing has been started yet."""
    with run_lock(settings):
        pass
