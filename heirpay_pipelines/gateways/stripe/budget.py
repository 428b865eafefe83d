"""The one rate budget that everything pulled in parallel shares.

Stripe allows 100 requests a second for a live account and 25 for each endpoint (25 in all for a
sandbox account), and says by `Stripe-Rate-Limited-Reason` which of the two was passed.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

LIVE = (100.0, 25.0)
TEST = (25.0, 25.0)
LIVE_KEYS = ("sk_live_", "rk_live_")
# A little below the limit: the server's clock and ours do not tick together.
HEADROOM = 0.99
SLOWER, FASTER = 0.8, 1.05
LEAST_RATE = 1.0
# Several refusals within a second are one message: each was under way before the first came back.
ONE_MESSAGE_SECONDS = 1.0
LEAST_CHAINS, MOST_CHAINS, CHAINS_WITHOUT_LIMIT = 4, 32, 12


def is_live(key: str) -> bool:
    """Whether the key is of live mode, as its prefix says."""
    return key.startswith(LIVE_KEYS)


def limits_of(key: str) -> tuple[float, float]:
    """(requests a second in all, for one endpoint) that Stripe grants a key of this mode."""
    return LIVE if is_live(key) else TEST


@dataclass
class Pace:
    """Requests leave one by one, `rate` a second. A refusal slows it; time restores it."""

    limit: float
    rate: float = field(init=False)
    next_at: float = 0.0
    slowed_at: float = -math.inf

    def __post_init__(self) -> None:
        self.rate = self.limit * HEADROOM

    def reserve(self, now: float) -> float:
        """The instant at which the next request may leave."""
        at = max(now, self.next_at)
        self.next_at = at + 1 / self.rate
        self.rate = min(self.limit * HEADROOM, self.rate * FASTER ** (1 / self.rate))
        return at

    def refused(self, now: float, wait: float) -> None:
        if now - self.slowed_at >= ONE_MESSAGE_SECONDS:
            self.rate = max(LEAST_RATE, min(self.rate, self.limit) * SLOWER)
            self.slowed_at = now
        self.next_at = max(self.next_at, now + wait)


class Budget:
    """Waits until a request may leave; learns from refusals and latency; counts what was spent."""

    def __init__(self, limits: tuple[float, float]) -> None:
        account, endpoint = limits
        self.limits = limits
        self._account = Pace(account)
        self._endpoints = defaultdict[str, Pace](lambda: Pace(endpoint))
        self._latency: dict[str, float] = {}
        self.spent: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    async def wait_turn(self, endpoint: str) -> None:
        """Return when a request to the endpoint may leave."""
        now = asyncio.get_running_loop().time()
        at = max(self._account.reserve(now), self._endpoints[endpoint].reserve(now))
        if at > now:
            await asyncio.sleep(at - now)
        self.spent[endpoint] += 1

    def answered(self, endpoint: str, seconds: float) -> None:
        """Remember how long an answer took (a moving average)."""
        before = self._latency.get(endpoint, seconds)
        self._latency[endpoint] = 0.8 * before + 0.2 * seconds

    def chains(self, endpoint: str) -> int:
        """How many requests in flight fill the endpoint's limit at the latency that is seen."""
        rate = self._endpoints[endpoint].rate
        if math.isinf(rate):
            return CHAINS_WITHOUT_LIMIT
        wanted = math.ceil(rate * self._latency.get(endpoint, 0.0) * 1.25) + 2
        return max(LEAST_CHAINS, min(MOST_CHAINS, wanted))

    def refused(self, endpoint: str, reason: str, wait: float | None) -> None:
        """A 429: slow down what it names, and pause as long as it asks (or a second)."""
        self.refusals[endpoint] += 1
        now = asyncio.get_running_loop().time()
        pace = self._endpoints[endpoint] if reason == "endpoint-rate" else self._account
        pace.refused(now, wait if wait is not None else 1.0)
