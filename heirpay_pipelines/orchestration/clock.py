"""As of when a night is: the instant that was asked for, held against the gateway's own clock.

A night of the future would publish what has not happened yet, and the nights after it, which lie
before it, would pull nothing. This machine's clock is not trusted alone: an answer of the gateway
carries its `Date`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heirpay_pipelines.gateways.errors import PullError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError
from heirpay_pipelines.settings import Settings

TOLERANCE = timedelta(minutes=5)
"""So far may two clocks be apart before one of them is wrong."""
TIMEOUT_SECONDS = 4.0
ATTEMPTS = 2


class FutureNightError(Exception):
    """The night that was asked for has not come yet. The message says what time it is."""

    exit_code = 2


@dataclass(frozen=True)
class AsOf:
    """The instant (UTC) of a night; `remark` says why it is not this machine's, where it is not."""

    instant: datetime
    remark: str | None = None


def as_of_night(settings: Settings, asked: datetime | None) -> AsOf:
    """The night's instant: `asked`, else now. Raises FutureNightError."""
    if asked is not None and is_landed(settings, asked):
        return AsOf(asked)
    return judged(asked, datetime.now(UTC), asyncio.run(server_clock(settings)))


def judged(asked: datetime | None, here: datetime, there: datetime | None) -> AsOf:
    """As `as_of_night`, from this machine's clock and the gateway's (None: it did not answer)."""
    now, whose = (here, "this machine's") if there is None else (there, "Stripe's")
    if asked is not None:
        if asked > now + TOLERANCE:
            raise FutureNightError(
                f"{asked.isoformat()} lies in the future: it is {now:%Y-%m-%dT%H:%M:%SZ} by "
                f"{whose} clock. Give --as-of an instant that has passed, or leave it out."
            )
        return AsOf(asked)
    if there is None or abs(here - there) <= TOLERANCE:
        return AsOf(here)
    return AsOf(
        there,
        f"this machine's clock says {here:%Y-%m-%dT%H:%M:%SZ}, Stripe's "
        f"{there:%Y-%m-%dT%H:%M:%SZ}: the night is as of Stripe's. Set the clock of this machine",
    )


def is_landed(settings: Settings, as_of: datetime) -> bool:
    """Whether a night lies before the newest pull, so that it is computed from what was landed."""
    with contextlib.suppress(LandingError):
        newest = Landing.of(settings).newest()
        return newest is not None and as_of < newest.as_of
    return False


async def server_clock(settings: Settings) -> datetime | None:
    """The gateway's clock by the `Date` of an answer, also one that refuses; None without one."""
    client = Client(
        settings.api_key, settings.stripe_api_base, attempts=ATTEMPTS, timeout=TIMEOUT_SECONDS
    )
    try:
        await client.get("account")
    except PullError:
        pass  # the pull says what is wrong
    finally:
        await client.close()
    return None if client.clock is None else datetime.fromtimestamp(client.clock, UTC)
