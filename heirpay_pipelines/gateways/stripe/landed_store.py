"""The pull's view of the landing: it puts versions, and asks what was landed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from heirpay_pipelines.gateways.coverage import COMPLETE
from heirpay_pipelines.gateways.stripe.landed_afterwards import correct
from heirpay_pipelines.gateways.stripe.landed_references import missing_references
from heirpay_pipelines.gateways.stripe.named import ENDPOINT
from heirpay_pipelines.gateways.stripe.ports import Later, Named, PaidOut
from heirpay_pipelines.gateways.stripe.references import Missing
from heirpay_pipelines.landing.landing import Landing, by_object
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.writer import Object, Writer
from heirpay_pipelines.personal.pseudonyms import IS_PSEUDONYM

BATCH = 500
NEVER = 4_102_444_800  # the year 2100

NAMED = """
create temp table newest as
with log as (
    select
        id, created, payload -> '$.data.object' as obj,
        payload -> '$.data.object' ->> '$.object' as kind,
        payload -> '$.data.object' ->> '$.id' as object_id
    from {events}
),
marked as (
    select
        id, kind, object_id, created, md5(obj) as digest,
        max(created) over (partition by kind, object_id) as newest_at,
        min(created) over (partition by kind, object_id) as oldest_at
    from log
    where kind is not null and object_id is not null
)
select
    max(id) as event_id, kind, object_id,
    count(distinct digest) > 1 or bool_or(oldest_at <= ?) as doubtful
from marked
where created = newest_at
group by kind, object_id
"""

CARRIED = """
select
    kind, object_id, newest.event_id, payload ->> '$.type', created, api_version, doubtful,
    payload -> '$.data.object'
from (select distinct on (id) * from {events}) as log
inner join newest on newest.event_id = log.id
"""

PAYOUTS = """
with newest as (
    select id, last(payload order by observed_at, source) as payload
    from {payouts}
    group by id
)
select
    id, cast(payload ->> '$.arrival_date' as bigint) as arrival_date,
    payload ->> '$.balance_transaction'
from newest
where
    (payload ->> '$.automatic') = 'true'
    and (payload ->> '$.reconciliation_status') = 'completed'
    and id not in (select id from {compositions})
order by arrival_date, id
"""

CREDIT_USED_UP = """
with credited as (
    select payload ->> '$.customer' as id
    from (select distinct on (id) id, payload from {changes})
    group by all
    having sum(cast(payload ->> '$.amount' as bigint)) <> 0
)
select distinct id
from {customers}
where
    id in (select id from credited) and (payload ->> '$.balance') = '0'
    and not regexp_matches(id, '{pseudonym}')
order by id
"""

TAXES = """
with known as (
    select id, last(payload order by observed_at) as payload
    from {associations}
    group by id
)
select distinct payload ->> '$.payment_intent' as intent_id
from known
where
    coalesce(json_array_length(payload -> '$.tax_transaction_attempts'), 0) = 0
    or (payload ->> '$.payment_intent') in (
        select payload ->> '$.payment_intent' from {refunds}
    )
order by intent_id
"""

UNLISTED = """
with newest as (
    select id, last(payload order by observed_at, source) as payload
    from {before}
    where (created is null or created <= ?)
    group by id
)
select payload
from newest
where
    (payload ->> '$.deleted') is distinct from 'true'
    and id not in (select id from {now}) and not regexp_matches(id, '{pseudonym}')
order by id
"""


@dataclass
class LandedStore:
    """The Store of a pull (`pull.ports`) that writes with `writer` into `landing`."""

    writer: Writer
    landing: Landing
    _followed: set[str] = field(default_factory=set)
    """Files of this pull whose references were looked at."""

    async def put(
        self,
        obj: Object,
        source: str,
        observed_at: datetime | None = None,
        event_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        await self.writer.add(obj, source, observed_at, event_id, api_version)

    async def flush(self, object_name: str) -> None:
        await self.writer.flush(object_name)

    def known_events(self, since: int) -> set[str]:
        known: set[str] = set()
        for manifest in self.landing.manifests():
            # An event follows its instant: a pull made as of an earlier one cannot hold it.
            if manifest.as_of < datetime.fromtimestamp(since, UTC):
                continue
            files = [file for file in manifest.files if file.object_name == "event"]
            # What a webhook delivered is landed, but was not followed; nor is what happened while
            # a pull was reading: its list may have passed the place of that object.
            sql = "select id from {files} where source = 'event' and created >= ? and created < ?"
            span = [_naive(since), _naive(manifest.began or NEVER)]
            known |= {row[0] for row in self._ask(sql, span, files=files)}
        return known

    def named_by_events(self, seen_until: int) -> Iterator[list[Named]]:
        files = self._now("event")
        if not files:
            return
        with open_files(self.landing) as connection:
            events = relation(self.landing, files)
            connection.execute(NAMED.format(events=events), [_naive(seen_until)])
            found = connection.execute(CARRIED.format(events=events))
            while rows := found.fetchmany(BATCH):
                yield [
                    Named(kind, id, event, type, at.replace(tzinfo=UTC), version, doubtful, payload)
                    for kind, id, event, type, at, version, doubtful, payload in rows
                ]

    def event_object(self, event_id: str) -> Object:
        sql = "select payload -> '$.data.object' from {files} where id = ? limit 1"
        rows = self._ask(sql, [event_id], files=self._now("event"))
        obj: Object = orjson.loads(rows[0][0])
        return obj

    def payouts_to_compose(self) -> list[PaidOut]:
        payouts = self._before("payout") + self._now("payout")
        rows = self._ask(PAYOUTS, [], payouts=payouts, compositions=self._composed())
        return [PaidOut(*row) for row in rows]

    def credit_used_up(self) -> list[str]:
        before = self._before("customer_balance_transaction")
        return [
            row[0] for row in self._ask(CREDIT_USED_UP, [], changes=before,
                                        customers=self._now("customer"))
        ]  # fmt: skip

    def taxes_to_ask(self) -> list[str]:
        before = self._before("tax.association")
        rows = self._ask(TAXES, [], associations=before, refunds=self._now("refund"))
        return [row[0] for row in rows]

    def unlisted(self, object_name: str) -> list[Object]:
        before, now = self._before(object_name), self._now(object_name)
        limit = self.writer.observed_at.astimezone(UTC).replace(tzinfo=None)
        return [
            orjson.loads(row[0]) for row in self._ask(UNLISTED, [limit], before=before, now=now)
        ]

    async def missing_references(self, asked: bool, is_first: bool) -> list[Missing]:
        await self.writer.flush_all()
        now = list(self.writer.files)
        held = [file for file in now if file.path not in self._followed]
        self._followed |= {file.path for file in now}
        if is_first:
            held += self._not_followed()
        known = by_object([*(f for m in self.landing.manifests() for f in m.files), *now])
        return await asyncio.to_thread(
            missing_references, self.landing, by_object(held), known, asked
        )

    def _not_followed(self) -> list[LandedFile]:
        """Files of earlier pulls, since the last that followed its references to the end."""
        files: list[LandedFile] = []
        for manifest in reversed(self.landing.manifests()):
            if any(
                line["endpoint"] == ENDPOINT and line["status"] == COMPLETE
                for line in manifest.coverage
            ):
                break
            files += manifest.files
        return files

    async def correct_later(self) -> Later:
        await self.writer.flush_all()
        before = [file for m in self.landing.manifests() for file in m.files]
        now, as_of = list(self.writer.files), self.writer.observed_at
        done = await asyncio.to_thread(correct, self.landing, before, now, as_of)
        self.writer.files[:] = done.files
        for then in done.versions:
            source = "list" if then.event_id is None else "event"
            await self.put(then.obj, source, then.observed_at, then.event_id, then.api_version)
        return Later(done.moved, done.left_out)

    def holds(self, object_name: str) -> bool:
        return bool(self._before(object_name) or self._now(object_name))

    def transactions(self, days: int) -> int:
        """Charges made in the last days before the pull's as-of instant."""
        first = self.writer.observed_at.astimezone(UTC).replace(tzinfo=None) - timedelta(days=days)
        sql = "select count(distinct id) from {files} where created >= ?"
        rows = self._ask(sql, [first], files=self._before("charge") + self._now("charge"))
        return int(rows[0][0]) if rows else 0

    def _composed(self) -> list[LandedFile]:
        return self._before("payout_composition")

    def _before(self, object_name: str) -> list[LandedFile]:
        return self.landing.files().get(object_name, [])

    def _now(self, object_name: str) -> list[LandedFile]:
        return [file for file in self.writer.files if file.object_name == object_name]

    def _ask(self, sql: str, values: list[Any], **files: list[LandedFile]) -> list[Any]:
        """Rows of the query over the named sets of files; the first set decides whether there is
        anything to ask, any other may be empty."""
        if not next(iter(files.values())):
            return []
        tables = {
            name: relation(self.landing, found)
            if found
            else "(select null as id, null as payload where false)"
            for name, found in files.items()
        }
        with open_files(self.landing) as connection:
            return connection.execute(
                sql.format(pseudonym=IS_PSEUDONYM, **tables), values
            ).fetchall()


def _naive(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
