"""Asking each endpoint for one object: what may the key read?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from heirpay_pipelines.pull.client import Client
from heirpay_pipelines.pull.errors import NotReadableError, PullError
from heirpay_pipelines.pull.resources import RESOURCES, Resource
from heirpay_pipelines.settings import Settings

ATTEMPTS = 3


@dataclass(frozen=True)
class ProbeResult:
    """One line for `heirpay doctor`: whether the endpoint answers this key, and how to mend it."""

    subject: str
    allowed: bool
    detail: str
    mend: str = ""


def probe_account(settings: Settings) -> list[ProbeResult]:
    """The account itself first; when it cannot be reached, nothing else is asked."""
    return asyncio.run(_probe(settings))


async def _probe(settings: Settings) -> list[ProbeResult]:
    client = Client(settings.api_key, settings.stripe_api_base, attempts=ATTEMPTS)
    try:
        account = await _account(client, settings)
        if not account.allowed:
            return [account]
        rest = [resource for resource in RESOURCES if resource.path != "account"]
        return [account, *await asyncio.gather(*(_resource(client, r) for r in rest))]
    finally:
        await client.close()


async def _account(client: Client, settings: Settings) -> ProbeResult:
    try:
        account = await client.get("account")
    except PullError as error:
        mend = "Check STRIPE_API_BASE, the network and STRIPE_API_KEY."
        return ProbeResult("Stripe account", False, str(error), mend)
    return ProbeResult("Stripe account", True, f"{account['id']} at {settings.stripe_api_base}")


async def _resource(client: Client, resource: Resource) -> ProbeResult:
    subject = f"GET /v1/{resource.path}"
    try:
        await client.get(resource.path, dict(_parameters(resource)))
    except NotReadableError as error:
        mend = (
            f"Give the restricted key read permission for {resource.path}; until then the report "
            "says that it is not covered."
        )
        return ProbeResult(subject, False, str(error), mend)
    except PullError as error:
        return ProbeResult(subject, False, str(error), "Try again later; see Stripe's status page.")
    return ProbeResult(subject, True, "readable")


def _parameters(resource: Resource) -> Iterator[tuple[str, object]]:
    if resource.follow != "always":
        yield "limit", 1
        yield from resource.params
