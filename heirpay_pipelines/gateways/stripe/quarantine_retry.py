"""Poisoned objects: what was listed and is no object that could be landed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from heirpay_pipelines.gateways.errors import PullError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.refetch import fetch
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError, Manifest
from heirpay_pipelines.landing.pull_sequence import commit, known_pulls
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Object, Writer, fault_of

MOMENT = timedelta(seconds=1)
OPEN = """
with newest as (
    select
        id, last(payload order by observed_at) as payload, min(observed_at) as first_seen_at
    from {files}
    group by id
)
select id, first_seen_at, payload
from newest
where (payload ->> '$.resolved') is distinct from 'true'
order by first_seen_at, id
"""


@dataclass(frozen=True)
class Poisoned:
    """One quarantined object: why, since when (UTC), and the record that was landed for it."""

    id: str
    first_seen_at: datetime
    reason: str
    record: Object

    @property
    def raw(self) -> Any:
        """What Stripe answered; None for what is no answer, such as a bank statement."""
        return orjson.loads(self.record["raw"]) if "raw" in self.record else None


@dataclass(frozen=True)
class Retried:
    """What became of one object: landed, or why it stays in quarantine."""

    id: str
    landed: bool
    detail: str


def quarantined_objects(landing: Landing) -> list[Poisoned]:
    """Every object that is in quarantine now, oldest first."""
    files = landing.files().get("quarantine")
    if not files:
        return []
    with open_files(landing) as connection:
        rows = connection.execute(OPEN.format(files=relation(landing, files))).fetchall()
    found = [(id, at, orjson.loads(payload)) for id, at, payload in rows]
    return [
        Poisoned(id, at.replace(tzinfo=UTC), str(record["reason"]), record)
        for id, at, record in found
    ]


def retry_quarantined(
    account: StripeAccount, ids: Iterable[str] = (), client: Client | None = None
) -> list[Retried]:
    """Try the objects again (all, without `ids`): as they were answered, when the product reads
    them now, else as Stripe answers now. What can be landed is landed and leaves quarantine.

    Raises LandingError when an id is not in quarantine. The caller holds the run lock.
    """
    landing = Landing.of(account.home)
    waiting = {poisoned.id: poisoned for poisoned in quarantined_objects(landing)}
    wanted = list(ids) or list(waiting)
    unknown = [id for id in wanted if id not in waiting]
    if unknown:
        raise LandingError(f"{unknown[0]} is not in quarantine; see `heirpay quarantine list`.")
    newest = landing.newest()
    if newest is None or not wanted:
        return []
    landing.discard_uncommitted(known_pulls(account.home.state_file))
    own = client or Client(account.api_key, account.api_base)
    return asyncio.run(_retry(account, landing, newest, own, [waiting[id] for id in wanted]))


async def _retry(
    account: StripeAccount,
    landing: Landing,
    newest: Manifest,
    client: Client,
    waiting: list[Poisoned],
) -> list[Retried]:
    started = datetime.now(UTC)
    pull_id = f"{newest.as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-retry"
    writer = Writer(
        landing,
        pull_id,
        newest.account,
        newest.api_version,
        newest.as_of,
        suppressed=suppression_list(account.home),
    )
    try:
        retried = [await _try(writer, client, poisoned) for poisoned in waiting]
    finally:
        await client.close()
    made = replace(
        newest,
        pull_id=pull_id,
        mode="retry",
        started_at=started,
        ended_at=datetime.now(UTC),
        requests=sum(client.budget.spent.values()),
        files=await writer.finish(),
        coverage=(),
    )
    if made.files:
        commit(account.home.state_file, landing, made)
    return retried


async def _try(writer: Writer, client: Client, poisoned: Poisoned) -> Retried:
    if "raw" not in poisoned.record:
        detail = "a bank statement: each run tries it again when it or the mapping has changed"
        return Retried(poisoned.id, False, detail)
    if "event_id" in poisoned.record:
        detail = "a webhook's damaged body: each drain of the inbox asks Stripe for the event again"
        return Retried(poisoned.id, False, detail)
    raw = poisoned.raw
    as_answered = fault_of(raw) is None
    try:
        obj = raw if as_answered else await _ask_again(client, raw)
    except PullError as error:
        return Retried(poisoned.id, False, str(error))
    fault = "it carries no id to ask Stripe for" if obj is None else fault_of(obj)
    if obj is None or fault is not None:
        return Retried(poisoned.id, False, f"still: {fault}")
    # Several versions of one object may have waited: each was so when it was answered.
    await writer.add(obj, "list", poisoned.first_seen_at if as_answered else None)
    # A moment later than the record itself, so that it is the newer of the two.
    resolved = poisoned.record | {"resolved": True, "resolved_as": obj["id"]}
    await writer.add(resolved, "list", max(poisoned.first_seen_at, writer.observed_at) + MOMENT)
    return Retried(poisoned.id, True, f"landed as {obj['object']} {obj['id']}")


async def _ask_again(client: Client, raw: Any) -> Object | None:
    """The object as Stripe answers now, or None when what was answered names no object."""
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return None
    resource = BY_OBJECT.get(str(raw.get("object")))
    return None if resource is None else await fetch(client, resource, raw["id"])
