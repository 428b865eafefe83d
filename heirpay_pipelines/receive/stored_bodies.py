"""Bodies of the inbox: kept with a hash, judged by it, and asked for again when damaged."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import orjson

from heirpay_pipelines.gateways.errors import NotReadableError, PullError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.receive.event import EventRefusedError, read_event

ATTEMPTS, SECONDS = 3, 60
GONE = "Stripe does not have the event any more"
KEEP = "insert into webhook_bodies (event_id, body, sha256) values (?, ?, ?)"
CHANGE = "update webhook_bodies set body = ?, sha256 = ? where event_id = ?"


def keep_body(connection: Any, event_id: str, body: str) -> None:
    """Store a new delivery's body, inside the caller's transaction."""
    connection.execute(KEEP, (event_id, body, digest(body.encode())))


def change_body(connection: Any, event_id: str, body: str) -> None:
    """Put another body in the place of one, on purpose (an erasure)."""
    connection.execute(CHANGE, (body, digest(body.encode()), event_id))


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def fault_of_body(event_id: str, body: bytes | None, sha256: str | None) -> str | None:
    """What is wrong with a stored body, or None. One of an earlier release has no hash."""
    if body is None:
        return "is gone"
    if sha256 is not None and digest(body) != sha256:
        return "does not match its hash"
    try:
        if read_event(body).event_id != event_id:
            return "is another event's"
    except (EventRefusedError, UnicodeDecodeError) as error:
        return f"is no event any more ({error})"
    return None


def quarantined_body(event_id: str, fault: str, body: bytes | None, pull_id: str) -> dict[str, Any]:
    """The record of a damaged body in landing's quarantine, by its event's id."""
    return {
        "id": f"quarantine_{event_id}",
        "object": "quarantine",
        "reason": f"the webhook body of {event_id} {fault}: the event is asked for again",
        "pull_id": pull_id,
        "event_id": event_id,
        "raw": json.dumps((body or b"").decode("utf-8", "replace")),
    }


def ask_for_events(account: StripeAccount, ids: Sequence[str]) -> dict[str, dict[str, Any] | str]:
    """The events as Stripe answers them now, by id; GONE for one that it does not have any more.
    One that it does not answer now is left out."""
    return asyncio.run(_ask(account, ids)) if ids else {}


async def _ask(account: StripeAccount, ids: Sequence[str]) -> dict[str, dict[str, Any] | str]:
    found: dict[str, dict[str, Any] | str] = {}
    client = Client(account.api_key, account.api_base, attempts=ATTEMPTS)
    try:
        async with asyncio.timeout(SECONDS):
            for event_id in ids:
                try:
                    event = await client.get(f"events/{event_id}")
                    if fault_of_body(event_id, orjson.dumps(event), None) is None:
                        found[event_id] = event
                except NotReadableError as error:
                    if error.status == 404:
                        found[event_id] = GONE
    except (PullError, TimeoutError):
        pass  # the next drain asks again
    finally:
        await client.close()
    return found
