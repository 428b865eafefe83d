"""Stripe's request limits: a bucket for the account and one for each endpoint."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

# Requests a second: in all, for one endpoint. 0 is no limit.
LIMITS = {"live": (100, 25), "test": (25, 25), "off": (0, 0)}


def endpoint_of(resource: str) -> str:
    """The endpoint that a path under /v1/ is counted under: its first part, or its first two."""
    first, *rest = resource.split("/", 2)
    return f"{first}/{rest[0]}" if first in ("radar", "billing", "reporting") and rest else first


@dataclass
class Bucket:
    """Lets `rate` requests a second through, and as many at once."""

    rate: float
    tokens: float = field(init=False)
    filled: float = field(default_factory=lambda: time.monotonic())

    def __post_init__(self) -> None:
        self.tokens = self.rate

    def has_one(self) -> bool:
        now = time.monotonic()
        self.tokens = min(self.rate, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        return self.tokens >= 1


class Limiter:
    """Says why a request is refused, as `Stripe-Rate-Limited-Reason` does, or None."""

    def __init__(self, account: int, endpoint: int) -> None:
        self.account = Bucket(account) if account else None
        self.endpoints = defaultdict[str, Bucket](lambda: Bucket(endpoint)) if endpoint else None

    def refusal(self, endpoint: str) -> str | None:
        mine = self.endpoints[endpoint] if self.endpoints is not None else None
        if mine is not None and not mine.has_one():
            return "endpoint-rate"
        if self.account is not None and not self.account.has_one():
            return "global-rate"
        for bucket in (mine, self.account):
            if bucket is not None:
                bucket.tokens -= 1
        return None
