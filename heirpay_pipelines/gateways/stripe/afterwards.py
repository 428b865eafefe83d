"""What changed between the night's instant and the moment of listing.

A list answers with objects as they are when it is read. Events stamped after the instant, instants
within an object, and what it names tell which answers are later than the instant; what was known
before, or what the events say was there before, tells the version of then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import stripe

from heirpay_pipelines.gateways.coverage import LEFT_OUT, Coverage
from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import Tally
from heirpay_pipelines.gateways.stripe.lister import ListPull, Object, Page, Window
from heirpay_pipelines.gateways.stripe.named import unreadable_id
from heirpay_pipelines.gateways.stripe.ports import Store
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, Resource

EVENT = BY_OBJECT["event"]
ENDPOINT = "changes after the instant"
END_OF_TIME = 4_102_444_800  # the year 2100
NOT_KNOWN = "changed after the instant, and its version of then is not known: in no table tonight"
BLIND = "without the event log, only the objects' own instants tell what changed after the instant"


@dataclass(frozen=True)
class Late:
    """An event after the night's instant: the object as it was then, and what was there before."""

    type: str
    created: int
    obj: Object
    previous: Object | None
    api_version: str | None


@dataclass(frozen=True)
class Known:
    """The newest version that is known of the instant; `carried` by an event that was not landed as
    a version, because it lacks what a listed one has."""

    obj: Object
    carried: bool


async def late_events(client: Client, store: Store, until: int, tally: Tally) -> None:
    """Put the events created at `until` (epoch seconds) or later aside, for this pull alone: the
    next one follows them."""

    async def keep(_: Resource, page: Page) -> int:
        for event in page:
            if (record := _record(event)) is not None:
                await store.put(record, "event")
        return 0

    pull = ListPull(client, EVENT, keep, until)
    try:
        await pull.run(Window(until, END_OF_TIME))
    except* NotReadableError:
        tally.note = BLIND
    tally.requests += max(pull.requests, 1)


def _record(event: Any) -> Object | None:
    if not isinstance(event, dict):
        return None
    data = event.get("data")
    obj = data.get("object") if isinstance(data, dict) else None
    if not isinstance(obj, dict) or not isinstance(obj.get("id"), str):
        return None
    return {
        "id": str(event.get("id")),
        "object": "late_event",
        "created": event.get("created"),
        "kind": obj.get("object"),
        "object_id": obj["id"],
        "type": event.get("type"),
        "api_version": event.get("api_version"),
        "previous": (data or {}).get("previous_attributes"),
        "data": obj,
    }


async def leave_out(store: Store, object_name: str, id: str) -> None:
    """Record that an object is in no table of this night, so that a reference to it is no fault."""
    record = {
        "id": unreadable_id(object_name, id, LEFT_OUT),
        "object": "unreadable_object",
        "object_name": object_name,
        "object_id": id,
        "status": LEFT_OUT,
    }
    await store.put(record, "list")


def line_of(path: str, object_name: str, id: str, as_of: str) -> Coverage:
    """The line of coverage of an object that is left out."""
    return Coverage(
        endpoint=f"/v1/{path}/{id}",
        object_name=object_name,
        mode="derived",
        covered_from=None,
        covered_until=as_of,
        rows=0,
        requests=0,
        status=LEFT_OUT,
        reason=NOT_KNOWN,
    )


def version_of_then(listed: Object, known: Known | None, events: Sequence[Late]) -> Object | None:
    """The object as it was at the instant, from `listed` (as it is now) and what is known of it;
    None when that is not known. `events` are those after the instant, oldest first."""
    if known is not None:
        return _object(filled(known.obj, listed)) if known.carried else known.obj
    if not events:
        return None
    if events[0].type.endswith(".deleted"):
        return _object(filled(events[0].obj, listed))
    if any(event.api_version not in (None, stripe.api_version) for event in events):
        return None
    told = {event.created for event in events if event.previous}
    if any(event.created not in told for event in events):
        return None
    then: Any = listed
    for event in reversed(events):
        then = overlaid(then, event.previous or {})
    return _object(filled(then, listed))


def _object(value: Any) -> Object | None:
    return value if isinstance(value, dict) else None


def overlaid(value: Any, previous: Any) -> Any:
    """The value with what stood there before: objects field by field, all else whole."""
    if not isinstance(value, dict) or not isinstance(previous, dict):
        return previous
    return value | {name: overlaid(value.get(name), was) for name, was in previous.items()}


def filled(then: Any, now: Any) -> Any:
    """A version with what only a listed answer has, where both are of the same object: expanded
    objects in place of ids, and the rest of cut lists. None where a cut list has changed."""
    if isinstance(then, str):
        return now if isinstance(now, dict) and now.get("id") == then else then
    if isinstance(then, list) and isinstance(now, list):
        by_id = {each["id"]: each for each in now if isinstance(each, dict) and "id" in each}
        found = [filled(each, by_id.get(_id(each))) for each in then]
        return found
    if not isinstance(then, dict) or not isinstance(now, dict) or _id(then) != _id(now):
        return then
    if then.get("object") == "list" and then.get("has_more"):
        return _whole(then, now)
    result: Object = {}
    for name, value in then.items():
        result[name] = filled(value, now.get(name))
        if result[name] is None and value is not None:
            return None
    return result | {name: now[name] for name in _only_expanded(then, now)}


def _whole(then: Object, now: Object) -> Object | None:
    first, rest = then.get("data") or [], now.get("data") or []
    same = [_id(each) for each in first] == [_id(each) for each in rest[: len(first)]]
    if not same or now.get("has_more"):
        return None
    return then | {"data": [*filled(first, rest), *rest[len(first) :]], "has_more": False}


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _only_expanded(then: Object, now: Object) -> Iterable[str]:
    """Fields that Stripe sends only when they are expanded."""
    resource = BY_OBJECT.get(str(then.get("object")))
    for path in resource.expand if resource else ():
        if "." not in path and path not in then and path in now:
            yield path
