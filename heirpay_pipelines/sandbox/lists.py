"""Lists as Stripe serves them: newest first, filtered, in pages with cursors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heirpay_pipelines.sandbox.errors import ApiError

Object = dict[str, Any]
MAX_LIMIT = 100
DEFAULT_LIMIT = 10
COMPARED = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True)
class Page:
    data: list[Object]
    has_more: bool


def page_of(
    objects: list[Object],
    params: dict[str, str],
    keep: Callable[[Object], bool],
    find: Callable[[str], Object | None],
) -> Page:
    """One page of `objects` (oldest first) by `limit`, `created[…]`, and cursors.

    `find` looks a cursor's object up by its id.
    Raises ApiError as Stripe does for a limit out of range or a cursor that is not known.
    """
    limit = limit_of(params)
    first, after = _created_window(objects, params)
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
    objects: list[Object], positions: range, keep: Callable[[Object], bool], limit: int
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
    text = params.get("limit", str(DEFAULT_LIMIT))
    if not text.isdigit():
        raise ApiError(400, f"Invalid integer: {text}", param="limit")
    if not 1 <= int(text) <= MAX_LIMIT:
        raise ApiError(
            400, f"This value must be between 1 and {MAX_LIMIT} (it currently is '{text}').",
            param="limit", code="parameter_invalid_integer",
        )  # fmt: skip
    return int(text)


def created_at(obj: Object) -> int:
    return int(obj.get("created", 0))


def _created_window(objects: list[Object], params: dict[str, str]) -> tuple[int, int]:
    """Positions [first, after) of the objects in the `created` range."""
    bounds: dict[str, int] = {}
    for name in COMPARED:
        if (text := params.get(f"created[{name}]")) is not None:
            bounds[name] = _seconds(text)
    if (exact := params.get("created")) is not None:
        bounds = {"gte": _seconds(exact), "lte": _seconds(exact)}
    lowest = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
    first = bisect_left(objects, lowest, key=created_at)
    after = len(objects)
    for bound in (bounds.get("lt"), None if "lte" not in bounds else bounds["lte"] + 1):
        if bound is not None:
            after = min(after, bisect_left(objects, bound, key=created_at))
    return first, after


def _seconds(text: str) -> int:
    if not text.isdigit():
        raise ApiError(400, f"Invalid timestamp: {text}", param="created")
    return int(text)


def _position(objects: list[Object], cursor: str, param: str, known: Object | None) -> int:
    """Where the cursor's object stands; objects are ordered by (created, id)."""
    if known is not None:
        key = (created_at(known), cursor)
        position = bisect_left(objects, key, key=lambda obj: (created_at(obj), obj["id"]))
        if position < len(objects) and objects[position]["id"] == cursor:
            return position
    raise ApiError(400, f"No such object: '{cursor}'", param=param, code="resource_missing")
