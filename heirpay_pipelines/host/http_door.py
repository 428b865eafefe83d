"""A door of HTTP that silent, slow and endless clients cannot hold shut.

uvicorn waits without limit for a request's head and reads a head of any length; with its limit of
connections reached it answers everybody 503. Here a head and a whole message have their time, a
head its length, and when there are too many connections the one gives way that has waited longest
without asking anything, so that an honest sender is always heard.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from dataclasses import dataclass
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPARE_DESCRIPTORS = 256
"""Beside connections: the state file, its log, libraries."""


@dataclass(frozen=True)
class Patience:
    """How long and how much a door takes of its clients."""

    head_seconds: float = 10.0
    message_seconds: float = 30.0
    head_bytes: int = 64 * 1024
    connections: int = 1_000
    keep_alive_seconds: int = 30


def serve(
    app: Any, sockets: list[socket.socket], patience: Patience = Patience(), **options: Any
) -> None:
    """Serve `app` on listening sockets until SIGTERM or SIGINT, then end what is under way and
    return. `options` are uvicorn's."""
    # uvicorn raises the signal again once it has ended in good order: that is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _allow_descriptors(patience.connections + SPARE_DESCRIPTORS)
    config = uvicorn.Config(
        app,
        http=patient_protocol(patience),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
        timeout_keep_alive=patience.keep_alive_seconds,
        timeout_graceful_shutdown=10,
        **options,
    )
    uvicorn.Server(config).run(sockets=sockets)


def patient_protocol(patience: Patience) -> type[HttpToolsProtocol]:
    """uvicorn's protocol for one server, with `patience`."""

    class Patient(_PatientProtocol):
        bounds = patience

    Patient.unasked, Patient.unfinished = {}, {}
    return Patient


class _PatientProtocol(HttpToolsProtocol):
    bounds: ClassVar[Patience]
    unasked: ClassVar[dict[_PatientProtocol, None]]
    """Connections of which no whole head came yet, or none since the last answer; oldest first."""
    unfinished: ClassVar[dict[_PatientProtocol, None]]
    """Connections whose message has begun and not ended."""

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._awaits_head()
        if len(self.connections) > self.bounds.connections:
            first = next(iter(self.unasked)) if self.unasked else next(iter(self.unfinished), self)
            first.give_way()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settled()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self in self.unasked:
            self._head_bytes += len(data)
            if self._timer is None:  # of the next message on a kept connection
                self._allow(self.bounds.head_seconds)
        super().data_received(data)
        if self in self.unasked and self._head_bytes > self.bounds.head_bytes:
            self.give_way()

    def on_headers_complete(self) -> None:
        self._settled()
        self.unfinished[self] = None
        self._allow(self.bounds.message_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._settled()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self not in self.unfinished and not self.transport.is_closing() and not self.pipeline:
            self._awaits_head(timed=False)  # uvicorn's time for a kept connection runs

    def handle_websocket_upgrade(self) -> None:
        self._settled()
        super().handle_websocket_upgrade()

    def give_way(self) -> None:
        """Close the connection at once."""
        self._settled()
        self.transport.abort()

    def _awaits_head(self, *, timed: bool = True) -> None:
        self._settled()
        self.unasked[self] = None
        if timed:
            self._allow(self.bounds.head_seconds)

    def _settled(self) -> None:
        self._head_bytes = 0
        self.unasked.pop(self, None)
        self.unfinished.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _allow(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.give_way)


def _allow_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
