"""From the inbox into landing: delivered events become versions that an intraday build can see.

The nightly pull still reads the event log and asks Stripe again where events alone do not say what
is newest, so what is landed here is early, never final. An event is marked as drained after the
manifest is committed; a drain that was killed in between is recognised by its manifest, and its
events are not landed twice.

Figures are those of the key's own account and mode: an event of a connected account, or of the
other mode, is set aside with its reason, and its body goes. A thin event names its object: the
object is fetched between two pulls, and left to the pull where one follows at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.gateways.errors import PullError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.event_log import lacks, of_another_version
from heirpay_pipelines.gateways.stripe.refetch import pull_again, resource_of
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.receive.damaged import UNUSED_BODIES, Damaged
from heirpay_pipelines.receive.stored_bodies import fault_of_body
from heirpay_pipelines.state import State, open_state

MODE = "webhook"
BATCH = 500

# Two events of one second about one object do not say which is newer: its version is left to the
# nightly pull, which fetches the object.
WAITING = """
select deliveries.event_id, deliveries.created, cast(bodies.body as blob) as body,
  bodies.sha256, bodies.damaged_at,
  exists (
    select 1 from webhook_deliveries as twin
    where twin.object_id = deliveries.object_id and twin.created = deliveries.created
      and twin.event_id <> deliveries.event_id
  ) as is_tied
from webhook_deliveries as deliveries
left join webhook_bodies as bodies using (event_id)
where deliveries.drained_at is null and deliveries.created <= ?
  and (deliveries.account is null or deliveries.account = ?) and deliveries.livemode = ?
  and deliveries.form = 'snapshot'
order by deliveries.created, deliveries.event_id
"""
THIN = """
select event_id, object_id from webhook_deliveries
where drained_at is null and created <= ? and (account is null or account = ?) and livemode = ?
  and form = 'thin'
order by created, event_id
"""
SET_ASIDE = """
update webhook_deliveries
set drained_at = ?, not_used = case
  when account is not null and account <> ? then 'of a connected account'
  else 'of the other mode'
end
where drained_at is null and ((account is not null and account <> ?) or livemode <> ?)
"""
NAMES_NOTHING = "names no object that is pulled"


@dataclass(frozen=True)
class DrainOutcome:
    """What a drain did. `pull_id` is None when nothing was landed, and `reason` says why.

    `left_to_pull` are events whose object an event alone does not give: tied, cut short or thin.
    `set_aside` are those of connected accounts, of the other mode, or that name nothing we pull.
    """

    events: int = 0
    versions: int = 0
    left_to_pull: int = 0
    set_aside: int = 0
    pull_id: str | None = None
    reason: str | None = None


def waiting(account: StripeAccount, state: State, as_of: datetime) -> int:
    """How many events a drain would land now."""
    newest = Landing.of(account.home).newest()
    if newest is None or as_of < newest.as_of:
        return 0
    return sum(
        int(state.rows(f"select count(*) as n from ({sql})", _parameters(newest, as_of))[0]["n"])
        for sql in (WAITING, THIN)
    )


def _parameters(newest: Manifest, as_of: datetime) -> tuple[int, str, bool]:
    return int(as_of.timestamp()), newest.account, newest.livemode


def drain(account: StripeAccount, as_of: datetime, *, pull_follows: bool = True) -> DrainOutcome:
    """Land every event that was created up to `as_of` (aware UTC) and waits in the inbox.

    The caller holds the run lock: landing has one writer. Before the first pull nothing is drained,
    for that pull lists everything, and neither for a night before the newest pull. Unless
    `pull_follows`, what thin events name is asked for at Stripe. Raises LandingError when landing
    cannot be read or written; nothing is marked then.
    """
    landing = Landing.of(account.home)
    newest = landing.newest()
    if newest is None:
        return DrainOutcome(reason="nothing was pulled yet: the first pull lists everything")
    if as_of < newest.as_of:
        return DrainOutcome(reason="the night lies before the newest pull")
    with open_state(account.home.state_file) as state:
        state.connection.execute("pragma secure_delete = on")
        finish_interrupted(landing, state)
        aside = _set_aside(state, newest, as_of)
        thin = _thin(account, state, newest, as_of, pull_follows)
        outcome = asyncio.run(_land(account, landing, newest, state, as_of))
        outcome = replace(
            outcome,
            events=outcome.events + thin.events,
            versions=outcome.versions + thin.versions,
            left_to_pull=outcome.left_to_pull + thin.left_to_pull,
            set_aside=aside + thin.set_aside,
        )
        # What was deleted must not linger in the log beside the file.
        state.connection.execute("pragma wal_checkpoint(truncate)")
    return outcome


def _set_aside(state: State, newest: Manifest, as_of: datetime) -> int:
    """Let go of what belongs to no figure; how many events."""
    own, mode = newest.account, newest.livemode
    with state.transaction() as connection:
        found: int = connection.execute(SET_ASIDE, (as_of.isoformat(), own, own, mode)).rowcount
        connection.execute(UNUSED_BODIES)
    return found


def _thin(
    account: StripeAccount, state: State, newest: Manifest, as_of: datetime, pull_follows: bool
) -> DrainOutcome:
    """Settle thin events: those that name what is pulled are asked for, or left to the pull that
    follows; the others are noted as not used. What Stripe does not answer now goes on waiting."""
    rows = state.rows(THIN, _parameters(newest, as_of))
    named = {r["event_id"]: r["object_id"] for r in rows if resource_of(r["object_id"] or "")}
    asked = []
    if named and not pull_follows:
        try:
            asked = pull_again(account, list(named.values()), as_of)
        except (PullError, TimeoutError):
            rows, named = [r for r in rows if r["event_id"] not in named], {}
    at = as_of.isoformat()
    with state.transaction() as connection:
        connection.executemany(
            "update webhook_deliveries set drained_at = ?, not_used = ? where event_id = ?",
            [(at, None if r["event_id"] in named else NAMES_NOTHING, r["event_id"]) for r in rows],
        )
        connection.executemany(
            "delete from webhook_bodies where event_id = ?", [(r["event_id"],) for r in rows]
        )
    landed = sum(answer.landed for answer in asked)
    return DrainOutcome(len(named), landed, len(named) - landed, set_aside=len(rows) - len(named))


async def _land(
    account: StripeAccount, landing: Landing, newest: Manifest, state: State, as_of: datetime
) -> DrainOutcome:
    started = datetime.now(UTC)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-webhook"
    writer = Writer(
        landing,
        pull_id,
        newest.account,
        newest.api_version,
        as_of,
        suppressed=suppression_list(account.home),
    )
    drained, versions, damaged = [], 0, Damaged(account, writer, pull_id)
    for row in _rows(state, newest, as_of):
        fault = fault_of_body(row["event_id"], row["body"], row["sha256"])
        if fault is not None:
            damaged.found(row, fault)
            continue
        versions += await _add(writer, orjson.loads(row["body"]), tied=bool(row["is_tied"]))
        drained.append(row["event_id"])
    for event, tied in await damaged.settle():
        versions += await _add(writer, event, tied=tied)
        drained.append(event["id"])
    if not drained and not damaged.is_noted:
        damaged.mark(state, as_of)
        return DrainOutcome(reason="the inbox is empty")
    files = await writer.finish()
    line = Coverage("webhooks", "event", MODE, None, as_of.isoformat(), len(drained), 0)
    # The pull's own cursors stay: the next night follows the event log from where it was.
    commit(
        account.home.state_file,
        landing,
        replace(
            newest,
            pull_id=pull_id,
            as_of=as_of,
            mode=MODE,
            started_at=started,
            ended_at=datetime.now(UTC),
            requests=0,
            files=files,
            coverage=(line.record(),),
        ),
    )
    damaged.mark(state, as_of)
    mark_drained(state, drained, pull_id, as_of)
    left = len(drained) - versions
    return DrainOutcome(len(drained), versions, left, pull_id=pull_id)


def _rows(state: State, newest: Manifest, as_of: datetime) -> Iterator[dict[str, Any]]:
    cursor = state.connection.execute(WAITING, _parameters(newest, as_of))
    names = [column[0] for column in cursor.description]
    while batch := cursor.fetchmany(BATCH):
        for row in batch:
            yield dict(zip(names, row, strict=True))


async def _add(writer: Writer, event: dict[str, Any], *, tied: bool) -> bool:
    """Land the event and, where it gives one, the version of its object; whether it did."""
    at = datetime.fromtimestamp(event["created"], UTC)
    facts = (at, event["id"], event.get("api_version"))
    await writer.add(event, MODE, *facts)
    obj = event["data"]["object"]
    resource = BY_OBJECT.get(obj["object"])
    # A cancelled subscription is Stripe's `deleted` too, yet the object lives on.
    deleted = event["type"].endswith(".deleted") and obj["object"] != "subscription"
    if resource is None or tied or not isinstance(obj.get("id"), str):
        return False
    if not deleted and (of_another_version(event.get("api_version")) or lacks(obj, resource)):
        return False
    await writer.add(obj | {"deleted": True} if deleted else obj, MODE, *facts)
    return True


def mark_drained(state: State, event_ids: list[str], pull_id: str, as_of: datetime) -> None:
    """Note that events are in landing, and let go of their bodies, in one transaction."""
    with state.transaction() as connection:
        connection.executemany(
            "update webhook_deliveries set drained_at = ?, pull_id = ? where event_id = ?",
            [(as_of.isoformat(), pull_id, event_id) for event_id in event_ids],
        )
        connection.executemany(
            "delete from webhook_bodies where event_id = ?", [(name,) for name in event_ids]
        )


def finish_interrupted(landing: Landing, state: State) -> None:
    """Mark what a drain landed that was killed before it could."""
    known = {
        row["pull_id"] for row in state.rows("select distinct pull_id from webhook_deliveries")
    }
    for manifest in landing.manifests():
        if manifest.mode != MODE or manifest.pull_id in known:
            continue
        files = [file for file in manifest.files if file.object_name == "event"]
        with open_files(landing) as connection:
            found = connection.execute(f"select id from {relation(landing, files)}").fetchall()
        mark_drained(state, [row[0] for row in found], manifest.pull_id, manifest.as_of)
