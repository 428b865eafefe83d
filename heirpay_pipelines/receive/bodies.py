"""Bodies that are being read: bounded one by one, and in sum."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class BodyTooLargeError(Exception):
    """More bytes than the bounds allow."""


class Bodies:
    """Reads bodies of many requests at once, of at most `most_bytes` together.

    Before more is held, the largest that is unfinished gives way (its request ends as too slow):
    an honest event is small and whole at once, so it is never the one.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._reading: dict[asyncio.Timeout, bytearray] = {}

    @property
    def held(self) -> int:
        """Bytes of the bodies that are unfinished."""
        return self._held

    async def read(self, chunks: AsyncIterator[bytes], most_bytes: int, seconds: float) -> bytes:
        """One body; BodyTooLargeError, or TimeoutError when it is not whole in time."""
        body = bytearray()
        async with asyncio.timeout(seconds) as until:
            self._reading[until] = body
            try:
                async for chunk in chunks:
                    if len(body) + len(chunk) > most_bytes:
                        raise BodyTooLargeError
                    if until in self._reading:
                        body += chunk
                        self._held += len(chunk)
                        self._make_room()
                    if until not in self._reading:  # it gave way
                        raise TimeoutError
                return bytes(body)
            finally:
                self._forget(until)

    def _make_room(self) -> None:
        while self._held > self._most:
            largest = max(self._reading, key=lambda until: len(self._reading[until]))
            self._forget(largest)
            largest.reschedule(0)  # it is over: its reader gets TimeoutError

    def _forget(self, until: asyncio.Timeout) -> None:
        body = self._reading.pop(until, None)
        if body is not None:
            self._held -= len(body)
