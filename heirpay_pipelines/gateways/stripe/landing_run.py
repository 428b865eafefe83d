"""One night's pull, landed: all of it becomes visible with its manifest, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.allocation import DAYS, ReadAllocation
from heirpay_pipelines.gateways.stripe.budget import is_live
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.identity import UNKNOWN, identify
from heirpay_pipelines.gateways.stripe.landed_store import LandedStore
from heirpay_pipelines.gateways.stripe.ports import Progress
from heirpay_pipelines.gateways.stripe.pull import Pull
from heirpay_pipelines.gateways.stripe.reports import Reports
from heirpay_pipelines.gateways.stripe.write_probe import probe_due, probe_writes
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError, Manifest
from heirpay_pipelines.landing.pull_sequence import (
    NOT_TOLD_AGAIN,
    Lost,
    commit,
    cursors_to_go_on_from,
    known_pulls,
    lost_pulls,
    read_again,
    whole,
)
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Object, Writer
from heirpay_pipelines.state.database import open_state

FIRST_ACCOUNTS = 1_293_840_000
"""No account of Stripe is older than 2011: where lists begin when the account does not say."""


@dataclass(frozen=True)
class PullOutcome:
    """What a night's pull brought. `manifest` is the newest one visible as of the night;
    `pulled` is false when the night lies before it and is only computed again."""

    manifest: Manifest
    pulled: bool

    @property
    def rows(self) -> dict[str, int]:
        return self.manifest.rows_by_object() if self.pulled else {}

    @property
    def requests(self) -> int:
        return self.manifest.requests if self.pulled else 0


def pull_and_land(
    account: StripeAccount,
    as_of: datetime,
    full: bool,
    progress: Progress,
    client: Client | None = None,
    reports: Reports | None = None,
) -> PullOutcome:
    """Pull what changed up to `as_of` (UTC) and commit it; with `full`, list everything again.

    An `as_of` before the newest pull pulls nothing: the night is computed from what was landed by
    then. Raises PullError, or LandingError when the folder belongs to another account, cannot be
    written, or nothing was landed by then. `client` and
    `reports` are ones with other limits or patience.
    """
    landing = Landing.of(account.home)
    for said in whole(account.home.state_file, landing):
        progress.note(said)
    newest = landing.newest()
    if newest is not None and as_of < newest.as_of:
        return PullOutcome(_visible(landing, as_of), pulled=False)
    landing.discard_uncommitted(known_pulls(account.home.state_file))
    own = client or Client(account.api_key, account.api_base, tell=progress.note)
    own_reports = reports or Reports(account.api_key, account.api_base)
    with open_state(account.home.state_file) as state:
        lost = lost_pulls(state)
        cursors = cursors_to_go_on_from(state, landing, newest)
    pulling = _pull(account, landing, own, own_reports, as_of, full, progress, cursors, lost)
    manifest = commit(account.home.state_file, landing, asyncio.run(pulling))
    with open_state(account.home.state_file) as state:
        read_again(state, lost, manifest.pull_id)
    return PullOutcome(manifest, pulled=True)


def _visible(landing: Landing, as_of: datetime) -> Manifest:
    visible = landing.manifests(as_of)
    if not visible:
        first = landing.manifests()[0].as_of.isoformat()
        raise LandingError(
            f"Nothing was pulled by {as_of.isoformat()}: the first pull is as of {first}. "
            "Use that instant or a later one; earlier months are in the tables of that night."
        )
    return visible[-1]


async def _pull(
    account: StripeAccount,
    landing: Landing,
    client: Client,
    reports: Reports,
    as_of: datetime,
    full: bool,
    progress: Progress,
    cursors: dict[str, int],
    lost: list[Lost],
) -> Manifest:
    started = datetime.now(UTC)
    newest = landing.newest()
    try:
        known = None if newest is None else newest.account
        identity = await identify(client, account.api_key, known)
        began = client.clock
        _same_account(newest, identity, account)
        if known == UNKNOWN:  # what was landed under it stays one account's
            identity = identity | {"id": UNKNOWN}
        pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}"
        writer = Writer(
            landing,
            pull_id,
            str(identity["id"]),
            stripe.api_version or "",
            as_of,
            suppressed=suppression_list(account.home),
        )
        store = LandedStore(writer, landing)
        origin = int(identity.get("created") or FIRST_ACCOUNTS)
        pull = Pull(client, store, as_of, cursors, progress, origin, full, reports)
        await pull.run()
        probed = None
        if probe_due(_newest_probe(landing), account.api_key, started):
            probed = await probe_writes(client, account.api_key, started)
        files = await writer.finish()
    finally:
        await client.close()
    manifest = Manifest(
        pull_id=pull_id,
        as_of=as_of,
        account=str(identity["id"]),
        livemode=is_live(account.api_key),
        api_version=writer.api_version,
        mode=pull.mode,
        cursors=pull.new_cursors(),
        started_at=started,
        ended_at=datetime.now(UTC),
        requests=sum(client.budget.spent.values()),
        files=files,
        coverage=tuple(
            _records([*pull.coverage.values(), *pull.unread, *_of_lost(lost, cursors, as_of)])
        ),
        write_probe=probed,
        began=began,
    )
    progress.note(str(_allocation(landing, store, manifest)))
    return manifest


def _newest_probe(landing: Landing) -> dict[str, Any] | None:
    probes = (manifest.write_probe for manifest in reversed(landing.manifests()))
    return next((probe for probe in probes if probe is not None), None)


def _of_lost(lost: list[Lost], cursors: dict[str, int], as_of: datetime) -> Iterator[Coverage]:
    since = cursors.get("event")
    first = None if since is None else datetime.fromtimestamp(since, UTC).isoformat()
    for one in lost:
        yield Coverage(
            endpoint=f"landing/manifests/{one.pull_id}",
            object_name="manifest",
            mode="lost",
            covered_from=first,
            covered_until=as_of.isoformat(),
            rows=0,
            requests=0,
            reason=f"the pull was lost; {NOT_TOLD_AGAIN}",
        )


def _records(coverage: Iterable[Coverage]) -> list[dict[str, Any]]:
    return [line.record() for line in sorted(coverage, key=lambda line: line.endpoint)]


def _allocation(landing: Landing, store: LandedStore, manifest: Manifest) -> ReadAllocation:
    first = manifest.started_at - timedelta(days=DAYS)
    pulls = [manifest, *(m for m in landing.manifests() if m.started_at >= first)]
    return ReadAllocation(sum(m.requests for m in pulls), store.transactions(DAYS))


def _same_account(newest: Manifest | None, identity: Object, account: StripeAccount) -> None:
    unknown = newest is None or UNKNOWN in (newest.account, identity["id"])
    if newest is not None and not unknown and newest.account != identity["id"]:
        raise LandingError(
            f"{account.home.folder} holds the account {newest.account}, and the key is of "
            f"{identity['id']}: set HEIRPAY_HOME to another folder for that account."
        )
