"""Objects asked for again at Stripe by their ids, between two pulls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.lister import complete_nested
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, Resource
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit, known_pulls
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Object, Writer, fault_of

MODE = "retry"
MOMENT = timedelta(seconds=1)
ATTEMPTS = 3  # a night that is otherwise done does not wait long
SECONDS = 120
# The kind of object that an id's prefix tells, of those with money of their own.
OBJECT_OF = {
    "ch": "charge", "py": "charge", "pi": "payment_intent", "re": "refund", "pyr": "refund",
    "du": "dispute", "dp": "dispute", "po": "payout", "tr": "transfer", "fee": "application_fee",
    "tu": "topup", "in": "invoice", "cn": "credit_note", "txn": "balance_transaction",
    "sub": "subscription", "cus": "customer",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What Stripe answered for one id; `landed` when it gave the object."""

    id: str
    landed: bool
    detail: str


def resource_of(id: str) -> Resource | None:
    """The list that an object's id belongs to; None for an id that tells no such object."""
    name = OBJECT_OF.get(id.partition("_")[0]) if "_" in id else None
    return BY_OBJECT.get(name) if name else None


async def fetch(client: Client, resource: Resource, id: str) -> Object:
    """One object as Stripe answers now, with its nested lists. Raises PullError."""
    expand = {"expand": list(resource.expand)} if resource.expand else {}
    obj: Object = await client.get(f"{resource.path}/{id}", expand)
    await complete_nested(client, obj)
    return obj


def pull_again(account: StripeAccount, ids: Sequence[str], as_of: datetime) -> list[Asked]:
    """Ask Stripe for the objects and land what it answers, a moment after `as_of` (aware UTC): a
    night that is computed again stays what it was, the next one sees them.

    Ids that tell no object are left out. Before the first pull nothing is asked. The caller holds
    the run lock. Raises PullError or TimeoutError when Stripe cannot be asked, LandingError when
    the answers cannot be kept.
    """
    landing = Landing.of(account.home)
    newest = landing.newest()
    known = [(id, resource) for id in dict.fromkeys(ids) if (resource := resource_of(id))]
    if newest is None or not known:
        return []
    landing.discard_uncommitted(known_pulls(account.home.state_file))
    client = Client(account.api_key, account.api_base, attempts=ATTEMPTS)
    return asyncio.run(_pull(account, landing, newest, client, known, as_of))


async def _pull(
    account: StripeAccount,
    landing: Landing,
    newest: Manifest,
    client: Client,
    known: Sequence[tuple[str, Resource]],
    as_of: datetime,
) -> list[Asked]:
    started = datetime.now(UTC)
    pull_id = f"{newest.as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-again"
    seen = max(newest.as_of, as_of) + MOMENT
    away = suppression_list(account.home)
    writer = Writer(landing, pull_id, newest.account, newest.api_version, seen, suppressed=away)
    try:
        async with asyncio.timeout(SECONDS):
            asked = [await _ask(client, writer, id, resource) for id, resource in known]
    finally:
        await client.close()
    files = await writer.finish()
    if files:
        commit(
            account.home.state_file,
            landing,
            replace(
                newest,
                pull_id=pull_id,
                mode=MODE,
                started_at=started,
                ended_at=datetime.now(UTC),
                requests=sum(client.budget.spent.values()),
                files=files,
                coverage=(),
            ),
        )
    return asked


async def _ask(client: Client, writer: Writer, id: str, resource: Resource) -> Asked:
    try:
        obj = await fetch(client, resource, id)
    except NotReadableError as error:
        return Asked(id, False, f"Stripe answers {error.status}: {error}")
    fault = fault_of(obj)
    if fault is not None:
        return Asked(id, False, fault)
    await writer.add(obj, "list")
    return Asked(id, True, f"{obj['object']} pulled again")
