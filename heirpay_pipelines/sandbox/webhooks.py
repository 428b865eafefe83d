"""Stripe's side of webhooks: signed deliveries of events, as unreliable as is asked for."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import httpx
import orjson

from heirpay_pipelines.sandbox.store import API_VERSION, Object, Store

TIMEOUT_SECONDS = 10.0
UNREACHED = 0


@dataclass
class Delivery:
    """What became of the deliveries: HTTP statuses (0: no answer), and events never sent."""

    statuses: Counter[int] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.statuses.total()

    @property
    def accepted(self) -> int:
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)


def signature(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header of a body sent at an instant (epoch seconds)."""
    signed = b"%d.%b" % (at, payload)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def register(store: Store, url: str, events: tuple[str, ...] = ("*",)) -> Object:
    """Put a webhook endpoint into the account, as its list then shows it."""
    number = len(store.all("webhook_endpoint")) + 1
    return store.put(
        {
            "id": f"we_{number:024d}", "object": "webhook_endpoint", "api_version": API_VERSION,
            "application": None, "created": store.now, "description": None,
            "enabled_events": list(events), "livemode": False, "metadata": {},
            "status": "enabled", "url": url,
        }
    )  # fmt: skip


def deliver(
    events: Iterable[Object], url: str, secret: str, *, duplicates: float = 0.0,
    drop: float = 0.0, shuffle: bool = False, seed: int = 0, connections: int = 8,
) -> Delivery:  # fmt: skip
    """Send events to an endpoint, each with a signature of its own instant.

    `drop` is the share that is never sent, `duplicates` the share of the others that is sent
    twice; `shuffle` sends them in any order. The same `seed` does the same again.
    """
    rng, done = Random(seed), Delivery()  # noqa: S311 - a simulation
    queue: list[bytes] = []
    for event in events:
        if rng.random() < drop:
            done.dropped.append(event["id"])
            continue
        queue += [orjson.dumps(event, option=orjson.OPT_INDENT_2)] * (
            2 if rng.random() < duplicates else 1
        )
    if shuffle:
        rng.shuffle(queue)
    with (
        httpx.Client(timeout=TIMEOUT_SECONDS) as client,
        ThreadPoolExecutor(max_workers=connections) as pool,
    ):
        done.statuses.update(pool.map(lambda body: _post(client, url, secret, body), queue))
    return done


def _post(client: httpx.Client, url: str, secret: str, body: bytes) -> int:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": signature(body, secret, int(time.time())),
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        return client.post(url, content=body, headers=headers).status_code
    except httpx.HTTPError:
        return UNREACHED
