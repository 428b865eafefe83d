"""The ASGI application: `POST /webhooks/stripe`, health, metrics, its own description."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heirpay_pipelines.receive.bodies import Bodies, BodyTooLargeError
from heirpay_pipelines.receive.event import EventRefusedError, read_event
from heirpay_pipelines.receive.inbox import Inbox, InboxFailedError, InboxFullError
from heirpay_pipelines.receive.limits import RateLimit
from heirpay_pipelines.receive.metrics import CONTENT_TYPE, Metrics
from heirpay_pipelines.receive.openapi import openapi_document
from heirpay_pipelines.receive.refusals import Refusals
from heirpay_pipelines.receive.rejections import record_rejection
from heirpay_pipelines.receive.signature import SignatureRefusedError, Verifier

log = logging.getLogger("heirpay.receive")
WEBHOOK_PATH = "/webhooks/stripe"
REFUSALS_WRITTEN_EVERY = 5.0  # seconds
UNREAD = ("rate_limited", "body_too_large", "body_too_slow", "signature_missing",
          "signature_malformed")  # fmt: skip
"""Outcomes that are known before the body is whole."""


@dataclass(frozen=True)
class Bounds:
    """What one request, and one client, may cost."""

    max_body_bytes: int = 1 << 20
    unfinished_bytes: int = 32 << 20
    """Of all bodies together that are not whole yet."""
    body_seconds: float = 10.0
    requests_per_second: float = 2_000
    burst: float = 4_000


def create_app(
    state_file: Path,
    verifier: Verifier,
    bounds: Bounds = Bounds(),
    *,
    clock: Callable[[], float] = time.time,
    max_batch: int = 512,
) -> Starlette:
    """The application over the inbox in `state_file`. `clock` gives seconds since the epoch."""
    metrics = Metrics()
    inbox = Inbox(state_file, max_batch=max_batch, on_commit=metrics.committed)
    endpoint = Endpoint(state_file, verifier, inbox, metrics, bounds, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await inbox.start()
        writing = asyncio.create_task(endpoint.write_refusals())
        yield
        writing.cancel()
        await endpoint.write_refusals_once()
        await inbox.stop()

    routes = [
        Route(WEBHOOK_PATH, endpoint.receive, methods=["POST"]),
        Route("/health", endpoint.health, methods=["GET"]),
        Route("/metrics", endpoint.render_metrics, methods=["GET"]),
        Route("/openapi.json", endpoint.describe, methods=["GET"]),
    ]
    return Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={Exception: endpoint.unexpected}
    )


class Endpoint:
    """The handlers. Every answer is small, says why, and repeats nothing of the request."""

    def __init__(
        self,
        state_file: Path,
        verifier: Verifier,
        inbox: Inbox,
        metrics: Metrics,
        bounds: Bounds,
        clock: Callable[[], float],
    ) -> None:
        self._state_file = state_file
        self._verifier = verifier
        self._inbox = inbox
        self._metrics = metrics
        self._bounds = bounds
        self._clock = clock
        self._bodies = Bodies(max(bounds.unfinished_bytes, 4 * bounds.max_body_bytes))
        self._rate = RateLimit(bounds.requests_per_second, bounds.burst)
        self._refusals = Refusals(state_file)

    async def receive(self, request: Request) -> Response:
        """Store one event; 200 only after it is on disk."""
        started = time.perf_counter()
        status, outcome, retry_after = await self._outcome(request)
        self._metrics.answers.labels(outcome).inc()
        self._metrics.request_seconds.observe(time.perf_counter() - started)
        headers = {"retry-after": str(retry_after)} if retry_after else {}
        if outcome in UNREAD:
            headers["connection"] = "close"  # the rest of the body is not read, either
        return JSONResponse({"outcome": outcome}, status, headers)

    async def _outcome(self, request: Request) -> tuple[int, str, int]:
        """(status, outcome, seconds after which to come again or 0)."""
        client = request.client.host if request.client else "unknown"
        if wait := self._rate.wait_seconds(client, time.monotonic()):
            return 429, "rate_limited", math.ceil(wait)
        header = request.headers.get("stripe-signature")
        try:
            self._require_size(request)
            self._verifier.require_header(header)
            body = await self._body(request)
        except BodyTooLargeError:
            return 413, "body_too_large", 0
        except SignatureRefusedError as refusal:
            return self._unsigned(refusal.reason)
        except (TimeoutError, ClientDisconnect):
            return 408, "body_too_slow", 0
        try:
            self._verifier.verify(body, header, self._clock())
            delivery = read_event(body)
            fresh = await self._inbox.store(delivery)
        except SignatureRefusedError as refusal:
            return self._unsigned(refusal.reason)
        except EventRefusedError as refusal:
            return await self._reject(body, refusal.reason)
        except InboxFullError:
            return 503, "inbox_full", 1
        except InboxFailedError:
            return 503, "not_stored", 5
        self._metrics.newest_event.set(delivery.created)
        return 200, "stored" if fresh else "duplicate", 0

    def _unsigned(self, reason: str) -> tuple[int, str, int]:
        self._refusals.count(reason, datetime.fromtimestamp(self._clock(), UTC))
        return 400, reason, 0

    async def write_refusals(self) -> None:
        """Write the counts of refused requests now and then, until it is cancelled."""
        while True:
            await asyncio.sleep(REFUSALS_WRITTEN_EVERY)
            await self.write_refusals_once()

    async def write_refusals_once(self) -> None:
        """Write them now; a state file that cannot be written costs counts, no answer."""
        try:
            await asyncio.to_thread(self._refusals.write)
        except Exception as error:  # noqa: BLE001 - counts of strangers' requests
            log.error("refused requests were not counted (%s)", type(error).__name__)  # noqa: TRY400

    def _require_size(self, request: Request) -> None:
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self._bounds.max_body_bytes:
            raise BodyTooLargeError

    async def _body(self, request: Request) -> bytes:
        """The body, bounded in bytes and in seconds, and with all others in sum."""
        bounds = self._bounds
        return await self._bodies.read(request.stream(), bounds.max_body_bytes, bounds.body_seconds)

    async def _reject(self, body: bytes, reason: str) -> tuple[int, str, int]:
        log.warning("refused a signed webhook of %d bytes: %s", len(body), reason)
        try:
            await asyncio.to_thread(record_rejection, self._state_file, body, reason)
        except Exception as error:  # noqa: BLE001 - not recorded, so Stripe delivers again
            log.error("the refusal was not recorded (%s)", type(error).__name__)  # noqa: TRY400
            return 503, "not_stored", 5
        return 400, reason, 0

    async def health(self, _: Request) -> Response:
        """200 while events are made durable, 503 with the reason when the newest were not."""
        failure = self._inbox.failure
        body = {"status": "failing" if failure else "ok", "waiting": self._inbox.waiting}
        if failure:
            body["reason"] = failure
        return JSONResponse(body, 503 if failure else 200)

    async def render_metrics(self, _: Request) -> Response:
        self._metrics.waiting.set(self._inbox.waiting)
        return Response(self._metrics.render(), headers={"content-type": CONTENT_TYPE})

    async def describe(self, _: Request) -> Response:
        return JSONResponse(openapi_document())

    async def unexpected(self, _: Request, error: Exception) -> Response:
        """A fault of ours: said plainly, counted, and Stripe delivers again."""
        log.error("unexpected %s while answering", type(error).__name__)
        self._metrics.answers.labels("error").inc()
        return JSONResponse({"outcome": "error"}, 503, {"retry-after": "5"})
