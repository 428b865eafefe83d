"""Dagster's event log held open while a run writes to it.

Dagster opens its SQLite files anew for each of a night's thousands of events. Whoever is the last
to close such a file also copies its write-ahead log back and removes it, so that each event costs
milliseconds, and on a slow disk tens of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from sqlalchemy import Connection, Engine

HELD = 2
"""The index and the run that goes on. Pruning old runs opens many files, one after the other."""


@contextmanager
def event_log_held_open(instance: DagsterInstance) -> Iterator[None]:
    """Until the block ends, one connection to each file that the instance's event log uses. Each
    event is still a transaction of its own, seen by the UI at once."""
    from dagster._core.storage.event_log import SqliteEventLogStorage

    if not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        yield
        return
    storage: Any = instance.event_log_storage
    files = HeldFiles(storage)
    with ExitStack() as at_end:
        at_end.callback(files.close)
        storage._connect = files.connect
        at_end.callback(delattr, storage, "_connect")
        yield


class HeldFiles:
    """Connections to the files of an event log, in the order of their last use."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._held: dict[str, Engine] = {}

    @contextmanager
    def connect(self, shard: str) -> Iterator[Connection]:
        """As `SqliteEventLogStorage._connect`, which this takes the place of."""
        # Dagster's lock: one thread at a time has any of the connections.
        with self._storage._db_lock:
            engine = self._engine(shard)
            if shard not in self._storage._initialized_dbs:
                self._storage._initdb(engine)
                self._storage._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._held.pop(shard, None) or _engine(self._storage.conn_string_for_shard(shard))
        while len(self._held) >= HELD:  # the longest unused
            self._held.pop(next(iter(self._held))).dispose()
        self._held[shard] = engine
        return engine

    def close(self) -> None:
        """Close every file."""
        with self._storage._db_lock:
            while self._held:
                self._held.popitem()[1].dispose()


def _engine(url: str) -> Engine:
    from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool

    options = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    # `_initdb` has two at a time: the second is closed when it is given back.
    return create_engine(url, poolclass=QueuePool, pool_size=1, connect_args=options)
