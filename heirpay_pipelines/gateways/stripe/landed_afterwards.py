"""Listed versions that are later than the night's instant, moved to when they held.

A version is moved by giving its row the instant since when it is known to hold; the file is written
anew before the pull is committed. The version of then, where it is known and not landed yet, lands
beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson

from heirpay_pipelines.duck import quoted
from heirpay_pipelines.gateways.stripe.afterwards import Known, Late, version_of_then
from heirpay_pipelines.gateways.stripe.landed_references import references
from heirpay_pipelines.gateways.stripe.references import BY_PREFIX, INSTANTS, NAMES
from heirpay_pipelines.landing.landing import Landing, by_object, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.read import KEY_NAME, open_files, relation
from heirpay_pipelines.landing.writer import sync_private

MOMENT = timedelta(seconds=1)
MOVED = 200_000  # a file's number is higher by this when rows of it were moved
LATE = "late_event"
NOTHING = "(select null as id, null::timestamp as created, 'null' as payload where false)"
Object = dict[str, Any]

EVENTS = """
create temp table late as
select
    payload ->> '$.kind' as kind, payload ->> '$.object_id' as id, created,
    payload ->> '$.type' as type, payload ->> '$.api_version' as api_version,
    payload -> '$.previous' as previous, payload -> '$.data' as data,
    to_timestamp(cast(payload ->> '$.data.created' as bigint)) at time zone 'UTC' as born_at
from (select distinct on (id) * from {files})
"""
# What did not exist at the instant: whatever names it is a later version.
BORN_LATER = "insert into born_later select {kind}, id from {files} where created > ?"
BY_EVENT = """
insert into found
select {kind}, listed.id, min(late.created)
from {listed} as listed inner join late on late.kind = {kind} and late.id = listed.id
where listed.source = 'list' and (listed.created is null or listed.created <= ?)
group by listed.id
"""
BY_INSTANT = """
insert into found
select {kind}, id, to_timestamp(min(holds_from)) at time zone 'UTC'
from (
    select id, unnest(list_transform(
        json_extract_string(payload, [{instants}]), lambda x: try_cast(x as bigint)
    )) as holds_from
    from {listed}
    where source = 'list' and (created is null or created <= ?)
)
where holds_from > epoch(?)
group by id
"""
# In two steps: parsing all payloads and joining them at once would not fit into the memory.
NAMING = """
create or replace temp table naming as
select distinct held.holder_id as id
from ({references}) as held
inner join born_later on born_later.kind = held.object_name and born_later.id = held.id
"""
BY_REFERENCE = """
insert into found
select distinct {kind}, id, cast(? as timestamp)
from {listed}
where
    source = 'list' and (created is null or created <= ?)
    and id in (select id from naming)
"""
CANDIDATES = """
select id, observed_at, payload, false as carried, null as event_id, null as api_version
from {versions}
where id in (select id from moved where kind = {kind}) and observed_at <= ? and ({condition})
"""
CARRIED = """
select
    payload ->> '$.data.object.id' as id, created as observed_at,
    payload -> '$.data.object' as payload, true as carried, id as event_id, api_version
from {events}
where
    (payload ->> '$.data.object.object') = {kind} and created <= ?
    and (payload ->> '$.data.object.id') in (select id from moved where kind = {kind})
"""
NEWEST = """
select distinct on (id) id, observed_at, payload, carried, event_id, api_version
from ({candidates})
order by id, observed_at desc, carried
"""


@dataclass(frozen=True)
class Then:
    """The version of an object at the instant, to be landed; when it was seen, and by which event
    (None: it follows from the listed one)."""

    obj: Object
    observed_at: datetime | None
    event_id: str | None
    api_version: str | None


@dataclass(frozen=True)
class Corrected:
    """Files in which rows were moved, versions to land, and (object, id) without any of then."""

    files: list[LandedFile]
    versions: list[Then]
    left_out: list[tuple[str, str]]
    moved: int


def correct(
    landing: Landing, before: list[LandedFile], now: list[LandedFile], as_of: datetime
) -> Corrected:
    """Move what this pull (`now`) listed in a version later than `as_of` (aware UTC). `before` are
    the files of earlier pulls. Files of late events are removed."""
    late = [file for file in now if file.object_name == LATE]
    own = by_object(file for file in now if file.object_name != LATE)
    instant = as_of.astimezone(UTC).replace(tzinfo=None)
    with open_files(landing) as connection:
        connection.execute("set preserve_insertion_order = false")
        _find(connection, landing, own, late, instant)
        counts = dict(connection.execute("select kind, count(*) from moved group by 1").fetchall())
        versions: list[Then] = []
        left_out: list[tuple[str, str]] = []
        replaced: dict[str, LandedFile] = {}
        for kind in sorted(counts):
            earlier = [file for file in before if file.object_name == kind]
            for id, then, is_landed in _decide(connection, landing, kind, own, earlier, instant):
                if then is not None and not is_landed:
                    versions.append(then)
                elif then is None and not is_landed:
                    left_out.append((kind, id))
            for file in own[kind]:
                replaced[file.path] = _move(connection, landing, kind, file)
    for file in late:
        (landing.root / file.path).unlink()
    kept = [replaced.get(file.path, file) for file in now if file.object_name != LATE]
    return Corrected(kept, versions, left_out, sum(counts.values()))


def _find(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    own: dict[str, list[LandedFile]],
    late: list[LandedFile],
    instant: datetime,
) -> None:
    """Fill `moved` (kind, id, at) with the listed versions that are later than the instant."""
    connection.execute("create temp table found (kind varchar, id varchar, holds_from timestamp)")
    connection.execute("create temp table born_later (kind varchar, id varchar)")
    connection.execute(EVENTS.format(files=relation(landing, late) if late else NOTHING))
    connection.execute(
        "insert into born_later select kind, id from late where born_at > ?", [instant]
    )
    for name, files in own.items():
        connection.execute(
            BORN_LATER.format(kind=quoted(name), files=relation(landing, files)), [instant]
        )
    any_born = connection.execute("select count(*) > 0 from born_later").fetchone() == (True,)
    for name, files in own.items():
        given = {"kind": quoted(name), "listed": relation(landing, files)}
        connection.execute(BY_EVENT.format(**given), [instant])
        if instants := INSTANTS.get(name):
            paths = ", ".join(quoted(f"$.{path}") for path in instants)
            sql = BY_INSTANT.format(**given, instants=paths)
            connection.execute(sql, [instant, instant])
        if any_born and (name in NAMES or name in BY_PREFIX) and name != "balance_transaction":
            connection.execute(NAMING.format(references=references(landing, name, files)))
            connection.execute(BY_REFERENCE.format(**given), [instant + MOMENT, instant])
    connection.execute(
        "create temp table moved as"
        " select kind, id, min(holds_from) as holds_from from found group by all"
    )


def _decide(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    kind: str,
    own: dict[str, list[LandedFile]],
    earlier: list[LandedFile],
    instant: datetime,
) -> Iterator[tuple[str, Then | None, bool]]:
    """(id, version of then to land, whether one is landed already) of each moved object."""
    connection.execute(
        f"create or replace temp table known as {_newest(landing, kind, own, earlier, instant)}"
    )
    found = connection.execute(
        "select listed.id, listed.payload, known.payload, known.carried, known.observed_at,"
        " known.event_id, known.api_version,"
        " (select list({'type': type, 'created': created, 'data': data, 'previous': previous,"
        " 'api_version': api_version} order by created) from late"
        f" where late.kind = {quoted(kind)} and late.id = listed.id)"
        f" from (select distinct on (id) * from {relation(landing, own[kind])}"
        " where source = 'list' and id in (select id from moved"
        f" where kind = {quoted(kind)})) as listed left join known on known.id = listed.id"
    ).fetchall()
    for id, payload, text, carried, observed_at, event_id, api_version, events in found:
        known = None if text is None else Known(orjson.loads(text), bool(carried))
        if known is not None and not known.carried:
            yield id, None, True
            continue
        obj = version_of_then(orjson.loads(payload), known, [_late(each) for each in events or ()])
        if obj is None:
            yield id, None, False
        elif known is None:
            yield id, Then(obj, None, None, None), False
        else:
            yield id, Then(obj, observed_at.replace(tzinfo=UTC), event_id, api_version), False


def _newest(
    landing: Landing,
    kind: str,
    own: dict[str, list[LandedFile]],
    earlier: list[LandedFile],
    instant: datetime,
) -> str:
    """SQL of the newest version of each moved object that is known of the instant."""
    at = quoted(str(instant))
    parts = [(relation(landing, own[kind]), "source <> 'list'")]
    if earlier:
        parts.append((relation(landing, earlier), "true"))
    candidates = [
        CANDIDATES.format(versions=versions, kind=quoted(kind), condition=condition)
        for versions, condition in parts
    ]
    if events := own.get("event"):
        candidates.append(CARRIED.format(events=relation(landing, events), kind=quoted(kind)))
    sql = NEWEST.format(candidates=" union all ".join(candidates))
    return sql.replace("?", f"cast({at} as timestamp)")


def _late(event: dict[str, Any]) -> Late:
    previous = orjson.loads(event["previous"]) if event["previous"] else None
    return Late(
        type=str(event["type"]),
        created=int(event["created"].replace(tzinfo=UTC).timestamp()),
        obj=orjson.loads(event["data"]),
        previous=previous if isinstance(previous, dict) else None,
        api_version=event["api_version"],
    )


def _move(
    connection: duckdb.DuckDBPyConnection, landing: Landing, kind: str, file: LandedFile
) -> LandedFile:
    """The file with the rows of moved objects stamped anew; the file itself when it has none."""
    source = relation(landing, [file])
    of_kind = f"(select id, holds_from from moved where kind = {quoted(kind)})"
    held = connection.execute(
        f"select count(*) from {source} where source = 'list' and id in (select id from {of_kind})"
    ).fetchone()
    if held is None or not held[0]:
        return file
    old = landing.root / file.path
    stem, _, number = old.stem.rpartition("-")
    target = old.with_name(f"{stem}-{int(number) + MOVED:05d}{old.suffix}")
    options = "format parquet, compression zstd"
    if landing.key:
        options += f", encryption_config {{footer_key: '{KEY_NAME}'}}"
    connection.execute(
        "copy (select rows.* replace (case when source = 'list'"
        " then coalesce(holds_from, observed_at) else observed_at end as observed_at)"
        f" from {source} as rows"
        f" left join {of_kind} as moved using (id)) to {quoted(str(target))} ({options})"
    )
    sync_private(Path(target))
    old.unlink()
    path = str(target.relative_to(landing.root))
    return LandedFile(path, file.object_name, file.rows, sha256_of(target))
