"""The durable inbox: concurrent requests share one transaction, and one fsync.

A single thread writes. While it waits for the disk, requests queue up; it then takes all that
wait and commits them together, so that throughput does not fall to one fsync for each event.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.receive.event import Delivery
from heirpay_pipelines.receive.stored_bodies import keep_body
from heirpay_pipelines.state import State, open_state

log = logging.getLogger("heirpay.receive")

BUSY_SECONDS = 5  # how long another writer of the state file may hold it before we refuse
INSERT = """
insert into webhook_deliveries (event_id, type, object_id, account, livemode, api_version, created,
  received_at, last_received_at, form, deliveries)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
on conflict (event_id) do update
  set deliveries = deliveries + 1, last_received_at = excluded.last_received_at
returning deliveries
"""


class InboxFullError(Exception):
    """More requests wait for the disk than are allowed: the sender should come again later."""


class InboxFailedError(Exception):
    """The event could not be made durable, so it must not be acknowledged."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One group commit: how many events it made durable and how many seconds it took."""

    events: int
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    answer: asyncio.Future[bool]


class Inbox:
    """Stores events from one event loop through one writer thread."""

    def __init__(
        self,
        state_file: Path,
        *,
        max_batch: int = 512,
        max_waiting: int = 5_000,
        on_commit: Callable[[Commit], None] = lambda _: None,
    ) -> None:
        self._state_file = state_file
        self._max_batch = max_batch
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(max_waiting)
        self._on_commit = on_commit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._write, name="inbox-writer", daemon=True)
        self._opened = threading.Event()
        self._failure: str | None = None

    async def start(self) -> None:
        """Start the writer; raise InboxFailedError when the state file cannot be opened."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.to_thread(self._opened.wait)
        if self._failure:
            raise InboxFailedError(self._failure)

    async def stop(self) -> None:
        """Write what waits, then end the writer."""
        await asyncio.to_thread(self._queue.put, None)
        await asyncio.to_thread(self._thread.join)

    async def store(self, delivery: Delivery) -> bool:
        """Return after the event is on disk: True for a new one, False for a duplicate.

        Raises InboxFullError or InboxFailedError; neither may be answered with a 2xx.
        """
        if self._loop is None or not self._thread.is_alive():
            raise InboxFailedError("the inbox writer is not running")
        answer: asyncio.Future[bool] = self._loop.create_future()
        try:
            self._queue.put_nowait(_Waiting(delivery, answer))
        except queue.Full:
            raise InboxFullError from None
        return await answer

    @property
    def waiting(self) -> int:
        """Requests that wait for the disk."""
        return self._queue.qsize()

    @property
    def failure(self) -> str | None:
        """Why the newest commit failed; None when it did not."""
        return self._failure if self._thread.is_alive() else self._failure or "writer not running"

    # The rest runs in the writer thread.

    def _write(self) -> None:
        try:
            with open_state(self._state_file) as state:
                state.connection.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000}")
                self._opened.set()
                while batch := self._next_batch():
                    self._commit(state, batch)
        except Exception as error:
            # The thread ends: `store` and `failure` say so, and health turns red.
            self._failure = f"the state file cannot be opened ({type(error).__name__})"
            log.exception("the inbox writer ended")
        finally:
            self._opened.set()

    def _next_batch(self) -> list[_Waiting]:
        """Wait for one request, then take all others that wait. Empty: time to end."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < self._max_batch:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)  # end after this batch
                break
            batch.append(item)
        return batch

    def _commit(self, state: State, batch: Sequence[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            fresh = _insert(state, [item.delivery for item in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, no sender may wait for ever
            # Disk full, or another process holds the file: nothing of the batch is acknowledged.
            self._failure = f"the newest commit failed ({type(error).__name__}: {error})"
            if state.connection.in_transaction:  # a COMMIT that failed leaves it open
                state.connection.execute("rollback")
            log.error("%d events were not stored: %s", len(batch), self._failure)  # noqa: TRY400
            self._answer(batch, InboxFailedError(self._failure))
        else:
            self._failure = None
            self._answer(batch, fresh)
        self._on_commit(Commit(len(batch), time.perf_counter() - started, ok=self._failure is None))

    def _answer(self, batch: Sequence[_Waiting], outcome: list[bool] | InboxFailedError) -> None:
        def resolve() -> None:
            for position, item in enumerate(batch):
                if item.answer.done():  # the client went away; the event stays stored
                    continue
                if isinstance(outcome, InboxFailedError):
                    item.answer.set_exception(outcome)
                else:
                    item.answer.set_result(outcome[position])

        batch[0].answer.get_loop().call_soon_threadsafe(resolve)


def _insert(state: State, deliveries: Sequence[Delivery]) -> list[bool]:
    """One transaction, durable when it returns; for each delivery whether the event is new."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    fresh = []
    with state.transaction() as connection:
        for d in deliveries:
            values = (d.event_id, d.type, d.object_id, d.account, d.livemode, d.api_version)
            (count,) = connection.execute(INSERT, (*values, d.created, now, now, d.form)).fetchone()
            fresh.append(count == 1)
            if count == 1:
                keep_body(connection, d.event_id, d.body)
    return fresh
