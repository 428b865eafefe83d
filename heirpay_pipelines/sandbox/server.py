"""The embedded account over HTTP, on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import orjson

from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.errors import ApiError, rate_limited, unknown_route, wrong_version
from heirpay_pipelines.sandbox.faults import Fault, Faults
from heirpay_pipelines.sandbox.limits import Limiter, endpoint_of
from heirpay_pipelines.sandbox.store import API_VERSION

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
PREFIX, ADMIN = "/v1/", "/_sandbox/"
LOGGED = 10_000
_log = logging.getLogger(__name__)


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def base_url(self) -> str:
        return f"http://{self.headers.get('host', '127.0.0.1')}"


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Server:
    """The ASGI application. `advance` lets days pass; `latency` is seconds for each request."""

    api: Api
    limiter: Limiter
    latency: float = 0.0
    advance: Callable[[int], None] | None = None
    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Faults = field(default_factory=Faults)
    log: deque[tuple[str, str, int]] = field(default_factory=lambda: deque(maxlen=LOGGED))
    _answered: int = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = await _request(scope, receive)
        self._answered += 1
        if request.path.startswith(ADMIN):
            await self._respond(send, self._caught(self._admin, request))
            return
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = self.faults.of(request.url)
        if fault is None:
            answer = self._caught(self._answer, request)
        else:
            answer = await self._faulty(fault, request, send)
        self.log.append((request.method, request.url, answer.status))
        if answer.status:
            await self._respond(send, answer, fault is not None and fault.kind == "truncate")

    def _caught(self, answer: Callable[[Request], Answer], request: Request) -> Answer:
        try:
            return answer(request)
        except ApiError as error:
            return Answer(error.status, orjson.dumps(error.body), error.headers)
        except Exception:  # noqa: BLE001 - a server answers, whatever happens
            _log.exception("The embedded account failed on %s %s", request.method, request.url)
            failure = ApiError(500, "The embedded account failed; see its output.")
            return Answer(500, orjson.dumps(failure.body))

    async def _faulty(self, fault: Fault, request: Request, send: Send) -> Answer:
        """The answer as the fault leaves it; of status 0 where there is none."""
        if fault.kind in ("hang", "latency"):
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("hang", "reset"):
            _reset(send)
            return Answer(0, b"")
        if (refusal := fault.refusal(request.path)) is not None:
            return Answer(refusal.status, orjson.dumps(refusal.body), refusal.headers)
        answer = self._caught(self._answer, request)
        if answer.status == 200:
            answer.body = fault.spoil(answer.body)
        return answer

    def _answer(self, request: Request) -> Answer:
        path, headers = request.path, request.headers
        if not path.startswith(PREFIX) or request.method not in ("GET", "POST"):
            raise unknown_route(request.method, path)
        key = self.api.authorise(headers.get("authorization", ""))
        if (version := headers.get("stripe-version", API_VERSION)) != API_VERSION:
            raise wrong_version(version, API_VERSION)
        resource = path.removeprefix(PREFIX)
        endpoint = endpoint_of(resource)
        if reason := self.limiter.refusal(endpoint):
            self.refused[endpoint] += 1
            raise rate_limited(reason)
        self.served[endpoint] += 1
        if request.method == "POST":
            form, once = _pairs(request.body.decode()), headers.get("idempotency-key", "")
            return Answer(200, self.api.post(resource, form, key, once))
        body = self.api.get(resource, _pairs(request.query), request.base_url)
        is_file = resource.startswith("files/") and resource.endswith("/contents")
        return Answer(200, body, content_type="text/csv" if is_file else "application/json")

    def _admin(self, request: Request) -> Answer:
        """What a test does with the account: see docs/how-to/embedded-account.md."""
        what = f"{request.method} {request.path.removeprefix(ADMIN)}"
        match what:
            case "GET stats":
                about = {"served": self.served, "refused": self.refused}
                return _json({"now": self.api.store.now, **about})
            case "GET log":
                return _json([f"{method} {url} {status}" for method, url, status in self.log])
            case "GET faults":
                return _json([fault.shown() for fault in self.faults.active])
            case "POST faults":
                self.faults.add(request.body)
                return _json([fault.shown() for fault in self.faults.active])
            case "DELETE faults":
                self.faults.active.clear()
                return _json([])
            case "POST advance" if self.advance is not None:
                self.advance(_days(dict(_pairs(request.query))))
                self.api.renderer.forget()
                return _json({"now": self.api.store.now})
        raise unknown_route(request.method, request.path)

    async def _respond(self, send: Send, answer: Answer, truncated: bool = False) -> None:
        pairs = {
            "content-type": answer.content_type,
            "content-length": str(len(answer.body)),
            "date": formatdate(self.api.store.now, usegmt=True),
            "request-id": f"req_{self._answered:014d}",
            "stripe-version": API_VERSION,
            **answer.headers,
        }
        encoded = [(name.lower().encode(), value.encode()) for name, value in pairs.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        if truncated:
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            _reset(send)
            return
        await send({"type": "http.response.body", "body": answer.body})


def _reset(send: Send) -> None:
    """Break the connection. ASGI has no message for it, so uvicorn's transport is told."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


def _json(value: Any) -> Answer:
    return Answer(200, orjson.dumps(value))


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _days(params: dict[str, str]) -> int:
    days = params.get("days", "1")
    if not days.isdigit():
        raise ApiError(400, f"Invalid integer: {days}", param="days")
    return int(days)


async def _request(scope: dict[str, Any], receive: Receive) -> Request:
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    body = b""
    while scope["method"] != "GET":
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return Request(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
