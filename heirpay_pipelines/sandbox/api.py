"""The API of the embedded account: one function from a request to an answer."""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from heirpay_pipelines.sandbox.errors import (
    ApiError,
    bad_key,
    missing,
    not_permitted,
    unknown_route,
)
from heirpay_pipelines.sandbox.lists import Object, Page, limit_of, page_of
from heirpay_pipelines.sandbox.render import ExpandError, Renderer
from heirpay_pipelines.sandbox.routes import BY_PATH, CHILDREN, NESTED, Route
from heirpay_pipelines.sandbox.store import Store

EVENT_RETENTION = 30 * 86_400
IGNORED = {"limit", "starting_after", "ending_before", "created", "expand", "types"}
Test = Callable[[Object], bool]
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass
class Api:
    """Answers GET requests on one store.

    `keys` may read everything; `denied` are paths for which a restricted key has no permission.
    """

    store: Store
    keys: frozenset[str]
    denied: frozenset[str] = frozenset()
    renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        self.renderer = Renderer(self.store)

    def authorise(self, header: str) -> None:
        """Bearer, or Basic with the key as user; raise ApiError 401 otherwise."""
        scheme, _, value = header.partition(" ")
        key = value.strip()
        if scheme.lower() == "basic":
            key = base64.b64decode(value).decode("utf-8", "replace").partition(":")[0]
        if key not in self.keys:
            raise bad_key(key)

    def get(self, path: str, query: list[tuple[str, str]]) -> bytes:
        """The body for GET /v1/<path>; raises ApiError."""
        params = {name: value for name, value in query if not name.startswith("expand[")}
        expand = tuple(value for name, value in query if name.startswith("expand["))
        try:
            return self._dispatch(path, params, expand)
        except ExpandError as error:
            raise ApiError(400, str(error), param="expand") from None

    def _dispatch(self, path: str, params: dict[str, str], expand: tuple[str, ...]) -> bytes:
        parts = path.split("/")
        self._permitted(parts[0])
        if path == "balance":
            # Stripe's balance has no id: it is the account's.
            balance = self.renderer.shape(self.store.get("balance", "balance"), expand)
            return orjson.dumps({name: value for name, value in balance.items() if name != "id"})
        if path == "account":
            account = self.store.get("account", self.store.account_id)
            return self.renderer.render(account, expand)
        if (route := BY_PATH.get(path)) is not None:
            return self._list(path, route, params, expand)
        head, tail = ("/".join(parts[:2]), parts[2:]) if parts[0] in ("radar", "billing") else (
            parts[0], parts[1:]
        )  # fmt: skip
        route = BY_PATH.get(head)
        if route is None or not tail:
            raise unknown_route("GET", f"/v1/{path}")
        if len(tail) == 1:
            return self.renderer.render(self._object(route, tail[0]), expand)
        return self._children(head, route, tail, params, expand)

    def _permitted(self, resource: str) -> None:
        if resource in self.denied:
            raise not_permitted(resource)

    def _object(self, route: Route, id: str) -> Object:
        found = self.store.find(route.object_type, id)
        if found is None or self._expired(found):
            raise missing(route.object_type, id)
        return found

    def _expired(self, obj: Object) -> bool:
        too_old = obj.get("created", 0) < self.store.now - EVENT_RETENTION
        return obj["object"] == "event" and bool(too_old)

    def _list(
        self, path: str, route: Route, params: dict[str, str], expand: tuple[str, ...]
    ) -> bytes:
        params = dict(params)
        if path == "subscription_items":
            return self._subscription_items(params, expand)
        objects = self.store.all(route.object_type)
        if path == "balance_transactions" and (payout := params.pop("payout", None)):
            objects = sorted(self.store.payout_contents(payout), key=_order)
        keep = self._filter(route, params)
        page = page_of(objects, params, keep, lambda id: self.store.find(route.object_type, id))
        return self._body(f"/v1/{path}", page, expand)

    def _subscription_items(self, params: dict[str, str], expand: tuple[str, ...]) -> bytes:
        """Items are kept inside their subscription, which the request has to name."""
        if "subscription" not in params:
            raise ApiError(400, "Missing required param: subscription.", param="subscription")
        parent = self.store.find("subscription", params["subscription"])
        if parent is None:
            raise missing("subscription", params["subscription"])
        objects = list(reversed(parent["items"]["data"]))
        return self._body("/v1/subscription_items", _nested_page(objects, params), expand)

    def _filter(self, route: Route, params: dict[str, str]) -> Test:
        tests = [
            _test(route, name, wanted)
            for name, wanted in params.items()
            if name.partition("[")[0] not in IGNORED
        ]
        types = {value for name, value in params.items() if name.startswith("types[")}
        if types:
            tests.append(lambda obj: obj["type"] in types)
        if route.default is not None and "status" not in params:
            tests.append(route.default)
        if route.object_type == "event":
            tests.append(lambda obj: not self._expired(obj))
        return lambda obj: all(test(obj) for test in tests)

    def _children(
        self,
        head: str,
        route: Route,
        tail: list[str],
        params: dict[str, str],
        expand: tuple[str, ...],
    ) -> bytes:
        parent, name = self._object(route, tail[0]), tail[1]
        if (head, name) in CHILDREN:
            kind, owner = CHILDREN[head, name]
            objects = [o for o in self.store.all(kind) if o.get(owner) == parent["id"]]
        elif (head, name) in NESTED:
            objects = list(reversed(parent[NESTED[head, name]]["data"]))
        else:
            raise unknown_route("GET", f"/v1/{head}/{'/'.join(tail)}")
        return self._body(f"/v1/{head}/{tail[0]}/{name}", _nested_page(objects, params), expand)

    def _body(self, url: str, page: Page, expand: tuple[str, ...]) -> bytes:
        inner = tuple(path.removeprefix("data.") for path in expand if path.startswith("data."))
        if len(inner) != len(expand):
            raise ApiError(400, "Lists expand paths that begin with 'data.'", param="expand")
        data = b",".join(self.renderer.render(obj, inner) for obj in page.data)
        more = b"true" if page.has_more else b"false"
        return b'{"object":"list","data":[%b],"has_more":%b,"url":%b}' % (
            data, more, orjson.dumps(url)
        )  # fmt: skip


def _order(obj: Object) -> tuple[int, str]:
    return int(obj["created"]), obj["id"]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _test(route: Route, name: str, wanted: str) -> Test:
    """What one query parameter asks of an object; raises ApiError for one that is not known."""
    custom = dict(route.custom)
    if name in custom:
        test = custom[name]
        return lambda obj: test(obj, wanted)
    if name in route.filters:
        return lambda obj: _text(obj.get(name)) == wanted
    field_name, _, comparison = name.rstrip("]").partition("[")
    if field_name == "arrival_date" and comparison in COMPARISONS:
        compare, bound = COMPARISONS[comparison], int(wanted)
        return lambda obj: compare(int(obj[field_name]), bound)
    raise ApiError(400, f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def _nested_page(objects: list[Object], params: dict[str, str]) -> Page:
    """A page of a list that is ordered by position, not by time; `objects` is last first."""
    ordered = objects[::-1]
    start = 0
    if cursor := params.get("starting_after"):
        ids = [obj["id"] for obj in ordered]
        if cursor not in ids:
            raise ApiError(400, f"No such object: '{cursor}'", param="starting_after")
        start = ids.index(cursor) + 1
    limit = limit_of(params)
    return Page(ordered[start : start + limit], len(ordered) > start + limit)
