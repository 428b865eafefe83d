"""Serve an account for as long as a block runs, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import LIMITS, Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store

STOP_SECONDS = 10


def uvicorn_config(server: Server) -> uvicorn.Config:
    """How the account is served everywhere: fast, quiet, on loopback."""
    return uvicorn.Config(
        server, log_level="warning", access_log=False, lifespan="off", loop="uvloop",
        http="httptools", timeout_graceful_shutdown=1,
        date_header=False,  # the account's own clock tells the date
    )  # fmt: skip


def server_of(
    store: Store, *, key: str = SANDBOX_KEY, limits: str = "off", latency: float = 0.0
) -> Server:
    """A server in front of a store. `latency` in seconds."""
    return Server(Api(store, frozenset({key})), Limiter(*LIMITS[limits]), latency)


@contextmanager
def serve(account: Store | Server, port: int = 0, **options: str | float) -> Iterator[str]:
    """Serve on 127.0.0.1 (`port` 0: any that is free) and yield the base URL.

    `options` are those of `server_of`, for a store.
    """
    server = account if isinstance(account, Server) else server_of(account, **options)  # type: ignore[arg-type]
    listening = socket.create_server(("127.0.0.1", port))
    running = uvicorn.Server(uvicorn_config(server))
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = running.force_exit = True
        thread.join(timeout=STOP_SECONDS)
        listening.close()
