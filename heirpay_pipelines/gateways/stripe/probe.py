"""Asking each endpoint for one object: what may the key read, and what does it cost if not?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from heirpay_pipelines.gateways.errors import ExpansionRefusedError, NotReadableError, PullError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.identity import UNKNOWN, identify
from heirpay_pipelines.gateways.stripe.pull import TAXED
from heirpay_pipelines.gateways.stripe.resources import RESOURCES, Resource

ATTEMPTS = 3
FORBIDDEN = 403
LATER = "Try again later; see Stripe's status page."
# Beside the lists. An object that cannot exist is not found by a key that may read its kind.
OTHERS = (
    Resource(
        "customer_balance_transaction", "customers/cus_0/balance_transactions",
        figures="what changed a customer's credit balance, in reconciliation_breaks",
    ),
    Resource("tax.transaction", "tax/transactions/tax_0", figures=TAXED, needed="named"),
    Resource(
        "report_row", "reporting/report_types/balance.summary.1",
        figures="comparison with Stripe's own reports; payouts' contents are listed one by one",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class ProbeResult:
    """One line for `heirpay doctor`: whether the endpoint answers this key, what it costs if not,
    and what to do. `blocks` says that nothing is published without it."""

    subject: str
    allowed: bool
    detail: str
    fix: str = ""
    blocks: bool = True


def probe_account(account: StripeAccount) -> list[ProbeResult]:
    """The account itself first; when nothing can be reached, nothing else is asked."""
    return asyncio.run(_probe(account))


async def _probe(account: StripeAccount) -> list[ProbeResult]:
    client = Client(account.api_key, account.api_base, attempts=ATTEMPTS)
    try:
        try:
            identity = await identify(client, account.api_key, None)
        except PullError as error:
            fix = "Check STRIPE_API_BASE, the network and STRIPE_API_KEY."
            return [ProbeResult("Stripe account", False, str(error), fix)]
        known = "its id is not known" if identity["id"] == UNKNOWN else identity["id"]
        found = ProbeResult("Stripe account", True, f"{known} at {account.api_base}")
        asked = (_resource(client, resource) for resource in (*RESOURCES, *OTHERS))
        lists = await asyncio.gather(*asked)
        return [found, *lists, *await _parts(client)]
    finally:
        await client.close()


async def _resource(client: Client, resource: Resource) -> ProbeResult:
    subject = f"GET /v1/{resource.path}"
    try:
        await client.get(resource.path, dict(_parameters(resource)))
    except NotReadableError as error:
        if error.status != FORBIDDEN and resource in OTHERS:
            return ProbeResult(subject, True, "readable")
        return _refused(resource, error)
    except PullError as error:
        return ProbeResult(subject, False, str(error), LATER)
    return ProbeResult(subject, True, "readable")


async def _parts(client: Client) -> list[ProbeResult]:
    """What is landed from within another resource, and needs a permission of its own."""
    found = []
    for resource in (r for r in RESOURCES if r.children):
        for name in resource.children:
            subject = f"GET /v1/{resource.path} with {name}"
            try:
                await client.get(resource.path, {"limit": 1, "expand": [f"data.{name}"]})
            except (NotReadableError, ExpansionRefusedError) as error:
                permission = getattr(error, "permission", None) or f"read permission for {name}"
                cost = f"the night goes on without {resource.children_figures}"
                found.append(ProbeResult(subject, False, f"{permission} is missing: {cost}",
                                         _remedy(permission), blocks=False))  # fmt: skip
            except PullError as error:
                found.append(ProbeResult(subject, False, str(error), LATER))
            else:
                found.append(ProbeResult(subject, True, "readable"))
    return found


def _remedy(permission: str) -> str:
    return f"Give the restricted key {permission} in Stripe's dashboard (Developers, API keys)."


def _refused(resource: Resource, error: NotReadableError) -> ProbeResult:
    """What an endpoint that cannot be read costs, and the permission that would open it."""
    permission = error.permission or f"read permission for {resource.path}"
    cost = {
        "always": f"nothing is published: {resource.figures} rest on it",
        "named": f"nothing is published once an object names one: {resource.figures} rest on it",
        "never": f"the night goes on without {resource.figures}",
    }[resource.needed]
    return ProbeResult(
        f"GET /v1/{resource.path}",
        False,
        f"{permission} is missing: {cost}",
        _remedy(permission),
        blocks=resource.needed != "never",
    )


def _parameters(resource: Resource) -> Iterator[tuple[str, object]]:
    if resource.follow != "always" and resource not in OTHERS:
        yield "limit", 1
        yield from resource.params
