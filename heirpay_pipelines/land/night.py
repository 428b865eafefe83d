"""One night's pull, landed: all of it becomes visible with its manifest, or none."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import stripe

from heirpay_pipelines.land.landing import Landing
from heirpay_pipelines.land.manifest import LandingError, Manifest, write_manifest
from heirpay_pipelines.land.views import create_landing_views
from heirpay_pipelines.land.writer import Object, Writer
from heirpay_pipelines.pull.budget import Budget, limits_of
from heirpay_pipelines.pull.client import Client
from heirpay_pipelines.pull.coverage import Coverage
from heirpay_pipelines.pull.nightly import Progress, Pull
from heirpay_pipelines.settings import Settings


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
    settings: Settings, as_of: datetime, full: bool, progress: Progress
) -> PullOutcome:
    """Pull what changed up to `as_of` (UTC) and commit it; with `full`, list everything again.

    An `as_of` before the newest pull pulls nothing: the night is computed from what was landed by
    then. Raises PullError, or LandingError when the folder belongs to another account or nothing
    was landed by then.
    """
    landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
    newest = landing.newest()
    if newest is not None and as_of < newest.as_of:
        return PullOutcome(_visible(landing, as_of), pulled=False)
    landing.discard_uncommitted()
    manifest = asyncio.run(_pull(settings, landing, newest, as_of, full, progress))
    write_manifest(landing.manifests_dir, manifest)
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
    settings: Settings,
    landing: Landing,
    newest: Manifest | None,
    as_of: datetime,
    full: bool,
    progress: Progress,
) -> Manifest:
    started = datetime.now(UTC)
    budget = Budget(limits_of(settings.api_key))
    client = Client(settings.api_key, settings.stripe_api_base, budget)
    account = await client.get("account")
    _same_account(newest, account, settings)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}"
    writer = Writer(landing, pull_id, str(account["id"]), stripe.api_version or "", as_of)
    since = None if newest is None or full else newest.event_cursor
    pull = Pull(client, _Store(writer, landing, settings), as_of, since, progress)
    await pull.run()
    return Manifest(
        pull_id=pull_id,
        as_of=as_of,
        account=str(account["id"]),
        livemode=settings.api_key.startswith(("sk_live_", "rk_live_")),
        api_version=writer.api_version,
        mode=pull.mode,
        event_cursor=int(as_of.timestamp()),
        started_at=started,
        ended_at=datetime.now(UTC),
        requests=sum(budget.spent.values()),
        files=await writer.finish(),
        coverage=tuple(_records(pull.coverage)),
    )


def _records(coverage: list[Coverage]) -> list[dict[str, Any]]:
    return [line.record() for line in sorted(coverage, key=lambda line: line.endpoint)]


def _same_account(newest: Manifest | None, account: Object, settings: Settings) -> None:
    if newest is not None and newest.account != account["id"]:
        raise LandingError(
            f"{settings.home} holds the account {newest.account}, and the key is of "
            f"{account['id']}: set HEIRPAY_HOME to another folder for that account."
        )


@dataclass
class _Store:
    """The pull's view of the landing: it puts versions, and asks what earlier pulls landed."""

    writer: Writer
    landing: Landing
    settings: Settings

    async def put(
        self,
        obj: Object,
        source: str,
        observed_at: datetime | None = None,
        event_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        await self.writer.add(obj, source, observed_at, event_id, api_version)

    def known_events(self, since: int) -> set[str]:
        """Ids of the landed events created at or after `since` (epoch seconds)."""
        lowest = datetime.fromtimestamp(since, UTC).replace(tzinfo=None)
        return {row[0] for row in self._ask("event", "id", f"created >= '{lowest}'")}

    def payouts_without_composition(self, landed_now: dict[str, Object]) -> list[str]:
        """Automatic payouts reconciled by Stripe whose composition is not landed yet."""
        newest = dict(
            self._ask("payout", "id, last(payload order by observed_at)", "true group by id")
        )
        payouts = {id: json.loads(payload) for id, payload in newest.items()} | landed_now
        have = {row[0] for row in self._ask("payout_composition", "id", "true")}
        return sorted(
            id
            for id, payout in payouts.items()
            if payout.get("automatic")
            and payout.get("reconciliation_status") == "completed"
            and id not in have
        )

    def _ask(self, name: str, columns: str, condition: str) -> list[tuple[Any, ...]]:
        files = self.landing.files()
        if name not in files:
            return []
        with duckdb.connect(":memory:") as connection:
            connection.execute("create schema landing")
            create_landing_views(connection, self.settings, datetime.max.replace(tzinfo=UTC))
            return connection.execute(
                f"select {columns} from landing.{name} where {condition}"
            ).fetchall()
