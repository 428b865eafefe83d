"""The embedded account over HTTP, on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.errors import ApiError, rate_limited, unknown_route
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.store import API_VERSION

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
PREFIX = "/v1/"


@dataclass
class Server:
    """The ASGI application. `advance` lets days pass; `latency` is seconds for each request."""

    api: Api
    limiter: Limiter
    latency: float = 0.0
    advance: Callable[[int], None] | None = None
    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if self.latency:
            await asyncio.sleep(self.latency)
        try:
            status, body, headers = 200, self._answer(scope), {}
        except ApiError as error:
            status, body, headers = error.status, orjson.dumps(error.body), error.headers
        await _respond(send, status, body, headers, sum(self.served.values()))

    def _answer(self, scope: dict[str, Any]) -> bytes:
        path, query = scope["path"], parse_qsl(scope["query_string"].decode())
        if path.startswith("/_sandbox/"):
            return self._admin(scope["method"], path.removeprefix("/_sandbox/"), dict(query))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if not path.startswith(PREFIX) or scope["method"] != "GET":
            raise unknown_route(scope["method"], path)
        self.api.authorise(headers.get("authorization", ""))
        resource = path.removeprefix(PREFIX)
        endpoint = resource.partition("/")[0]
        if reason := self.limiter.refusal(endpoint):
            self.refused[endpoint] += 1
            raise rate_limited(reason)
        self.served[endpoint] += 1
        return self.api.get(resource, query)

    def _admin(self, method: str, what: str, params: dict[str, str]) -> bytes:
        if what == "stats":
            counts = {"served": self.served, "refused": self.refused}
            return orjson.dumps({"now": self.api.store.now, **counts})
        if what == "advance" and method == "POST" and self.advance is not None:
            self.advance(int(params["days"]))
            self.api.renderer.forget()
            return orjson.dumps({"now": self.api.store.now})
        raise unknown_route(method, f"/_sandbox/{what}")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _respond(
    send: Send, status: int, body: bytes, headers: dict[str, str], number: int
) -> None:
    pairs = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "request-id": f"req_{number:014d}",
        "stripe-version": API_VERSION,
        **headers,
    }
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
