"""Faults on demand: what goes wrong with answers, for tests of what stands in front of Stripe."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import orjson

from heirpay_pipelines.sandbox.errors import (
    ApiError,
    bad_key,
    missing,
    not_permitted,
    rate_limited,
    unknown_route,
)
from heirpay_pipelines.sandbox.store import Object

Kind = Literal[
    "rate_limit", "status", "reset", "truncate", "invalid_json", "hang", "latency", "empty_page",
    "repeat_page", "duplicate", "revoked", "forbidden", "gone", "set_field", "drop_field",
    "older_event",
]  # fmt: skip
OLDER_VERSION = "2023-10-16"


@dataclass
class Fault:
    """One fault of answers to requests whose path and query match the pattern `where`.

    The first `after` matching requests are spared, the next `times` struck. By `kind`:
    `rate_limit` 429 with the `reason`; `status` an error with HTTP `status`; `reset` the connection
    breaks without an answer; `truncate` in mid-body; `invalid_json` a 200 that is none; `hang`
    `seconds` before the answer, then a reset; `latency` `seconds` more; `empty_page` no data and
    `has_more`; `repeat_page` the list's previous page again; `duplicate` each object of the page
    twice; `revoked` 401; `forbidden` 403; `gone` 404; `set_field` and `drop_field` change the
    `field` of each object (`value`: an unknown enum value, a new field, a wrong type);
    `older_event` events say an older API version.
    """

    kind: Kind
    where: str = ""
    times: float = math.inf
    after: int = 0
    status: int = 500
    reason: str = "global-rate"
    seconds: float = 1.0
    field: str = ""
    value: Any = None
    met: int = 0
    struck: int = 0
    _previous: bytes = b""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind is one of {', '.join(get_args(Kind))}")
        self._pattern = re.compile(self.where)

    def strikes(self, url: str) -> bool:
        """Whether it strikes this request; each matching one is counted."""
        if not self._pattern.search(url):
            return False
        self.met += 1
        hit = self.after < self.met <= self.after + self.times
        self.struck += hit
        return hit

    def refusal(self, path: str) -> ApiError | None:
        """The error that it answers instead, if it is one of those."""
        resource = path.removeprefix("/v1/")
        match self.kind:
            case "rate_limit":
                return rate_limited(self.reason)
            case "status":
                return ApiError(self.status, "An unknown error occurred.")
            case "revoked":
                return bad_key("rk_test_revoked")
            case "forbidden":
                return not_permitted(resource.partition("/")[0])
            case "gone":
                parent, _, id = resource.partition("/")
                return missing(parent, id) if id else unknown_route("GET", path)
        return None

    def spoil(self, body: bytes) -> bytes:
        """What it makes of a body."""
        match self.kind:
            case "invalid_json":
                return b"<html>" + body
            case "repeat_page":
                before, self._previous = self._previous, self._previous or body
                return before or body
            case "empty_page":
                return _page(body, lambda data: [], has_more=True)
            case "duplicate":
                return _page(body, lambda data: [each for each in data for _ in range(2)])
            case "set_field" | "drop_field" | "older_event":
                return _page(body, lambda data: [self._changed(each) for each in data])
        return body

    def _changed(self, obj: Object) -> Object:
        if self.kind == "older_event":
            return obj | {"api_version": OLDER_VERSION} if obj.get("object") == "event" else obj
        *parents, name = self.field.split(".")
        holder = obj
        for parent in parents:
            holder = holder.get(parent) or {}
        if self.kind == "set_field":
            holder[name] = self.value
        else:
            holder.pop(name, None)
        return obj

    def shown(self) -> Object:
        about = {each.name: getattr(self, each.name) for each in fields(self)}
        about["times"] = None if math.isinf(self.times) else self.times
        return {name: value for name, value in about.items() if not name.startswith("_")}


def _page(body: bytes, change: Any, has_more: bool | None = None) -> bytes:
    """A body with its list's data, or its only object, changed."""
    found = orjson.loads(body)
    if found.get("object") != "list":
        return orjson.dumps(change([found])[0]) if change([found]) else body
    found["data"] = change(found["data"])
    if has_more is not None:
        found["has_more"] = has_more
    return orjson.dumps(found)


@dataclass
class Faults:
    """The faults that are set; the first that strikes a request decides."""

    active: list[Fault] = field(default_factory=list)

    def of(self, url: str) -> Fault | None:
        return next((fault for fault in self.active if fault.strikes(url)), None)

    def add(self, body: bytes) -> None:
        """From a JSON object or a list of them; raise ApiError 400 where it is not understood."""
        try:
            given = orjson.loads(body)
            entries = given if isinstance(given, list) else [given]
            self.active += [Fault(**entry) for entry in entries]
        except (orjson.JSONDecodeError, TypeError, ValueError, re.error) as error:
            raise ApiError(400, f"No such fault: {error}") from None
