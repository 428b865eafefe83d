"""An account of millions of objects, made up as they are asked for, with Stripe's limits.

It answers like the embedded account, and takes little of the machine: what is measured is the
pull. `python benchmarks/served_lists.py PORT LATENCY_MS LIMITS kind=count …`
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn

from heirpay_pipelines.sandbox.limits import LIMITS, Limiter

BEGIN, END = 1_700_000_000, 1_760_000_000
SIZE = 2_000  # bytes of one object
LISTS = {
    "balance_transaction": "balance_transactions",
    "charge": "charges",
    "payment_intent": "payment_intents",
    "refund": "refunds",
    "transfer": "transfers",
}
EMPTY = b'{"object":"list","data":[],"has_more":false,"url":"/v1"}'
ACCOUNT = b'{"id":"acct_1Benchmark","object":"account","created":%d}' % BEGIN
BALANCE = b'{"object":"balance","livemode":false,"available":[],"pending":[]}'


@dataclass
class Made:
    """`count` objects of one kind, spread evenly over the account's life."""

    kind: str
    count: int
    template: bytes = b""

    def __post_init__(self) -> None:
        about = {
            "amount": 4_200, "currency": "usd", "fee": 152, "net": 4_048, "livemode": False,
            "status": "succeeded", "metadata": {"order": "A-1000"}, "description": "",
        }  # fmt: skip
        text = orjson.dumps(about)[1:]
        about["description"] = "x" * max(0, SIZE - len(text) - 90)
        head = b'{"id":"obj_%09d","object":"' + self.kind.encode() + b'","created":%d,'
        self.template = head + orjson.dumps(about)[1:]

    def created(self, index: int) -> int:
        return BEGIN + index * (END - BEGIN) // max(self.count, 1)

    def at(self, second: int) -> int:
        """How many objects are older than the second."""
        span = END - BEGIN
        index = max(0, -((BEGIN - second) * self.count // span))
        while index > 0 and self.created(index - 1) >= second:
            index -= 1
        while index < self.count and self.created(index) < second:
            index += 1
        return min(index, self.count)

    def page(self, params: dict[str, list[str]]) -> bytes:
        after = self.at(int(params["created[lt]"][0])) if "created[lt]" in params else self.count
        first = self.at(int(params["created[gte]"][0])) if "created[gte]" in params else 0
        if "starting_after" in params:
            after = min(after, int(params["starting_after"][0].removeprefix("obj_")))
        last = max(first, after - int(params.get("limit", ["10"])[0]))
        data = b",".join(
            self.template % (index, self.created(index)) for index in range(after - 1, last - 1, -1)
        )
        more = b"true" if last > first else b"false"
        return b'{"object":"list","data":[%b],"has_more":%b,"url":"/v1/%b"}' % (
            data, more, LISTS[self.kind].encode()
        )  # fmt: skip


@dataclass
class App:
    """The ASGI application; `/_stats` says how many requests it answered and refused."""

    made: dict[str, Made]
    limiter: Limiter
    latency: float
    answered: Counter[str] = field(default_factory=Counter)

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        status, body, headers = self.answer(scope)
        if status == 200 and not scope["path"].startswith("/_"):
            await asyncio.sleep(self.latency)
        pairs = [(b"content-type", b"application/json"),
                 (b"content-length", str(len(body)).encode()), *headers]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    def answer(self, scope: dict[str, Any]) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        path = scope["path"].removeprefix("/v1/")
        if path == "/_stats":
            return 200, orjson.dumps(self.answered), []
        if reason := self.limiter.refusal(path.partition("/")[0]):
            self.answered["refused"] += 1
            header = (b"stripe-rate-limited-reason", reason.encode())
            return 429, b'{"error":{"type":"invalid_request_error","code":"rate_limit"}}', [header]
        self.answered["answered"] += 1
        if path in self.made:
            return 200, self.made[path].page(parse_qs(scope["query_string"].decode())), []
        return 200, {"account": ACCOUNT, "balance": BALANCE}.get(path, EMPTY), []


def main(port: int, latency_ms: float, limits: str, *counts: str) -> None:
    """Serve until the process is ended."""
    asked = dict(count.split("=") for count in counts)
    made = {LISTS[kind]: Made(kind, int(count)) for kind, count in asked.items()}
    app = App(made, Limiter(*LIMITS[limits]), latency_ms / 1000)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False,
                lifespan="off", loop="uvloop", http="httptools")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
