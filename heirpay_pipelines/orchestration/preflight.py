"""One request before anything is started: is Stripe there, and does it take the key?

Loading Dagster and the models takes seconds; who mistyped the key or the host is told before.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.gateways.errors import KeyRefusedError, PullError, UnreachableError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.orchestration.clock import is_landed, judged
from heirpay_pipelines.orchestration.night import close_failed, tell_failed_run
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.runs import open_run

TIMEOUT_SECONDS = 4.0
ATTEMPTS = 2


def cannot_pull(settings: Settings, as_of: datetime | None) -> str | None:
    """Why no pull can begin: the key is not accepted, or no connection is made. None when Stripe
    answers, when it fails in a way that may pass (the run tries that longer), and for a night that
    is computed from what was landed. Raises FutureNightError."""
    if as_of is not None and is_landed(settings, as_of):
        return None
    try:
        clock = asyncio.run(_ask(settings))
        judged(as_of, datetime.now(UTC), clock)
    except (KeyRefusedError, UnreachableError) as error:
        return str(error)
    except PullError:
        return None
    return None


def record_failed(settings: Settings, as_of: datetime, reason: str) -> str:
    """Record a run that could not begin, in the run history, the audit log and as an incident; its
    id. The caller holds the run lock."""
    run_id = str(uuid.uuid4())
    with open_state(settings.state_file) as state:
        run = open_run(state, run_id, as_of)
        detail = {"as_of": run.as_of.isoformat(), "settings": settings.fingerprint}
        append(state, run.started_at, "nightly", Action.RUN_STARTED, run_id, detail)
        close_failed(state, run_id, reason)
    tell_failed_run(settings, run_id, as_of, reason)
    return run_id


async def _ask(settings: Settings) -> datetime | None:
    client = Client(
        settings.api_key,
        settings.stripe_api_base,
        attempts=ATTEMPTS,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        await client.get("account")
    finally:
        await client.close()
    return None if client.clock is None else datetime.fromtimestamp(client.clock, UTC)
