"""Lists as Stripe serves them: newest first, filtered, in pages with cursors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from heirpay_pipelines.sandbox.errors import ApiError
from heirpay_pipelines.sandbox.filters import integer

Object = dict[str, Any]
MAX_LIMIT = 100
DEFAULT_LIMIT = 10
COMPARED = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True)
class Page:
    data: list[Object]
    has_more: bool


def page_of(
    objects: Sequence[Object],
    params: dict[str, str],
    keep: Callable[[Object], bool],
    find: Callable[[str], Object | None],
    oldest: int = 0,
) -> Page:
    """One page of `objects` (oldest first) by `limit`, `created[…]`, and cursors.

    `find` looks a cursor's object up by its id; what was created before `oldest` is not served.
    Raises ApiError as Stripe does for a limit out of range or a cursor that is not known.
    """
    limit = limit_of(params)
    first, after = _created_window(objects, params)
    first = max(first, bisect_left(objects, oldest, key=created_at))
    cursor, before = params.get("starting_after"), params.get("ending_before")
    if cursor and before:
        raise ApiError(400, "You cannot parameterize both starting_after and ending_before.")
    if before:
        start = _position(objects, before, "ending_before", find(before)) + 1
        found = _take(objects, range(max(start, first), after), keep, limit)
        return Page(found.data[::-1], found.has_more)
    if cursor:
        after = min(after, _position(objects, cursor, "starting_after", find(cursor)))
    return _take(objects, range(after - 1, first - 1, -1), keep, limit)


def _take(
    objects: Sequence[Object], positions: range, keep: Callable[[Object], bool], limit: int
) -> Page:
    data: list[Object] = []
    for position in positions:
        obj = objects[position]
        if keep(obj):
            if len(data) == limit:
                return Page(data, True)
            data.append(obj)
    return Page(data, False)


def limit_of(params: dict[str, str]) -> int:
    limit = integer(params.get("limit", str(DEFAULT_LIMIT)), "limit")
    if not 1 <= limit <= MAX_LIMIT:
        raise ApiError(
            400, f"This value must be between 1 and {MAX_LIMIT} (it currently is '{limit}').",
            param="limit", code="parameter_invalid_integer",
        )  # fmt: skip
    return limit


def nested_page(entries: Sequence[Object], params: dict[str, str]) -> Page:
    """One page of a list that is kept inside an object, in its own order."""
    limit, start, stop = limit_of(params), 0, len(entries)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None:
        start = _place(entries, after, "starting_after") + 1
    if before is not None:
        stop = _place(entries, before, "ending_before")
        start = max(start, stop - limit)
        return Page(list(entries[start:stop]), start > 0)
    return Page(list(entries[start : start + limit]), stop > start + limit)


def _place(entries: Sequence[Object], cursor: str, param: str) -> int:
    for place, entry in enumerate(entries):
        if entry["id"] == cursor:
            return place
    raise ApiError(400, f"No such object: '{cursor}'", param=param, code="resource_missing")


def created_at(obj: Object) -> int:
    return int(obj.get("created", 0))


def _created_window(objects: Sequence[Object], params: dict[str, str]) -> tuple[int, int]:
    """Positions [first, after) of the objects in the `created` range."""
    bounds: dict[str, int] = {}
    for name in COMPARED:
        if (text := params.get(f"created[{name}]")) is not None:
            bounds[name] = integer(text, "created")
    if (exact := params.get("created")) is not None:
        second = integer(exact, "created")
        bounds = {"gte": second, "lte": second}
    lowest = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
    first = bisect_left(objects, lowest, key=created_at)
    after = len(objects)
    for bound in (bounds.get("lt"), None if "lte" not in bounds else bounds["lte"] + 1):
        if bound is not None:
            after = min(after, bisect_left(objects, bound, key=created_at))
    return first, after


def _position(objects: Sequence[Object], cursor: str, param: str, known: Object | None) -> int:
    """Where the cursor's object stands; objects are ordered by (created, id)."""
    if known is not None:
        key = (created_at(known), cursor)
        position = bisect_left(objects, key, key=lambda obj: (created_at(obj), obj["id"]))
        if position < len(objects) and objects[position]["id"] == cursor:
            return position
    raise ApiError(400, f"No such object: '{cursor}'", param=param, code="resource_missing")
