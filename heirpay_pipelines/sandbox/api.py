"""The API of the embedded account: one function from a request to an answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from heirpay_pipelines.sandbox.errors import (
    ApiError,
    bad_key,
    missing,
    not_permitted,
    unknown_route,
)
from heirpay_pipelines.sandbox.filters import PAGING, Params, filters_of, unknown_parameter
from heirpay_pipelines.sandbox.lists import Object, Page, nested_page, page_of
from heirpay_pipelines.sandbox.render import ExpandError, Renderer
from heirpay_pipelines.sandbox.reporting.api import ReportingApi
from heirpay_pipelines.sandbox.routes import BY_PATH, CHILDREN, NESTED, RETRIEVED, Route
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.sandbox.value_lists import ValueLists

EVENT_RETENTION = 30 * 86_400
EXPAND_DEPTH = 4
# Asked for by id after it was deleted, a customer is answered as a stub; all else is not found.
STUBBED = ("customer",)


@dataclass
class Api:
    """Answers requests on one store.

    `keys` may read everything; `denied` are paths for which a restricted key has no permission,
    `writable` those that it could write, did this account take writes. `write_keys` are those of
    the keys that may write Radar's value lists, the one thing that can be written.
    """

    store: Store
    keys: frozenset[str]
    denied: frozenset[str] = frozenset()
    writable: frozenset[str] = frozenset()
    write_keys: frozenset[str] = frozenset()
    renderer: Renderer = field(init=False)
    reporting: ReportingApi = field(init=False)
    value_lists: ValueLists = field(init=False)

    def __post_init__(self) -> None:
        self.renderer = Renderer(self.store)
        self.reporting = ReportingApi(self.store)
        self.value_lists = ValueLists(self.store)

    def authorise(self, header: str) -> str:
        """The key: Bearer, or Basic with the key as user; raise ApiError 401 otherwise."""
        scheme, _, value = header.partition(" ")
        key = value.strip()
        if scheme.lower() == "basic":
            key = _user(key)
        if key not in self.keys:
            raise bad_key(key)
        return key

    def post(self, path: str, form: Params, key: str, idempotency_key: str = "") -> bytes:
        """The body for POST /v1/<path>: only reports and values of Radar's lists are
        made; raises ApiError.

        As at Stripe, a restricted key's permission comes first, then whether the object exists.
        """
        self._permitted(path)
        if path == "reporting/report_runs":
            return self.reporting.create(form, idempotency_key)
        if path == "radar/value_list_items":
            if key.startswith("rk_") and key not in self.write_keys:
                raise not_permitted(path, "write")
            return self.value_lists.add(form, idempotency_key)
        head, _, id = path.rpartition("/")
        if (route := BY_PATH.get(head)) is None:
            raise unknown_route("POST", f"/v1/{path}")
        if key.startswith("rk_") and head not in self.writable:
            raise not_permitted(head, "write")
        self._object(route.object_type, id)
        raise ApiError(400, "The embedded account takes no writes.")

    def get(self, path: str, query: Params, base_url: str = "") -> bytes:
        """The body for GET /v1/<path>; raises ApiError. `base_url` is where files are served."""
        expand = tuple(value for name, value in query if _is_expand(name))
        params = [(name, value) for name, value in query if not _is_expand(name)]
        for each in expand:
            if each.count(".") >= EXPAND_DEPTH:
                raise _expand_error(
                    f"You cannot expand more than {EXPAND_DEPTH} levels of a property. "
                    f"Property: {each}."
                )
        self._may_expand(expand)
        try:
            if path.startswith(("reporting/", "files/")):
                self._permitted(path)
                return self.reporting.get(path, params, base_url)
            return self._dispatch(path, params, expand)
        except ExpandError as error:
            raise _expand_error(str(error)) from None

    def _dispatch(self, path: str, params: Params, expand: tuple[str, ...]) -> bytes:
        self._permitted(path)
        if path.startswith("radar/value_list"):
            self.value_lists.prepare()
        if path in ("account", "balance"):
            return self._singleton(path, params, expand)
        if (route := BY_PATH.get(path)) is not None:
            return self._list(route, params, expand)
        if path == "tax/associations/find":
            return self._tax_association(params, expand)
        if path == "subscription_items" or path.startswith("subscription_items/"):
            return self._subscription_items(path.partition("/")[2], params, expand)
        parts = path.split("/")
        size = 2 if parts[0] in ("radar", "billing", "checkout", "tax") else 1
        head, tail = "/".join(parts[:size]), parts[size:]
        kind = BY_PATH[head].object_type if head in BY_PATH else RETRIEVED.get(head)
        if kind is None or not tail or not all(tail):
            raise unknown_route("GET", f"/v1/{path}")
        parent = self._object(kind, tail[0])
        if len(tail) == 1:
            _only(params, ())
            return self.renderer.render(parent, expand)
        return self._under(path, head, parent, tail[1:], params, expand)

    def _permitted(self, path: str) -> None:
        for resource in self.denied:
            if path == resource or path.startswith(f"{resource}/"):
                raise not_permitted(resource, account=self.store.account_id)

    def _may_expand(self, paths: tuple[str, ...]) -> None:
        """What is expanded needs its own permission."""
        for path in paths:
            if (name := path.rpartition(".")[2]) in self.denied or f"{name}s" in self.denied:
                raise not_permitted(name, account=self.store.account_id)

    def _singleton(self, path: str, params: Params, expand: tuple[str, ...]) -> bytes:
        _only(params, ())
        if path == "account":
            account = self.store.get("account", self.store.account_id)
            return self.renderer.render(account, expand)
        # Stripe's balance has no id: it is the account's.
        balance = self.renderer.shape(self.store.get("balance", "balance"), expand)
        return orjson.dumps({name: value for name, value in balance.items() if name != "id"})

    def _object(self, kind: str, id: str) -> Object:
        found = self.store.find(kind, id)
        if found is None and kind in STUBBED and (kind, id) in self.store.deleted:
            return {"id": id, "object": kind, "deleted": True}
        too_old = kind == "event" and found is not None and found["created"] < self._oldest(kind)
        if found is None or too_old:
            raise missing(kind, id)
        return found

    def _oldest(self, kind: str) -> int:
        """Events are kept for thirty days, everything else for ever."""
        return self.store.now - EVENT_RETENTION if kind == "event" else 0

    def _list(self, route: Route, params: Params, expand: tuple[str, ...]) -> bytes:
        objects: Sequence[Object] | None = None
        payout = dict(params).get("payout")
        if route.path == "balance_transactions" and payout is not None:
            params = [(name, value) for name, value in params if name != "payout"]
            objects = self.store.payout_contents(payout)
        if "test_clock" in route.equal and not {"test_clock", "customer"} & dict(params).keys():
            objects = [o for o in self.store.all(route.object_type) if not o.get("test_clock")]
        if route.path == "accounts":  # those connected to this one, which is not among them
            objects = [o for o in self.store.all("account") if o["id"] != self.store.account_id]
        return self._page(f"/v1/{route.path}", route, params, expand, objects)

    def _page(
        self,
        url: str,
        route: Route,
        params: Params,
        expand: tuple[str, ...],
        objects: Sequence[Object] | None = None,
    ) -> bytes:
        """A page of these objects, or of all of the route's, that pass its filters."""
        kind, filters = route.object_type, filters_of(route, params)
        if objects is None:
            objects = self.store.all(kind)
            if filters.equal:
                objects = self.store.having(kind, *filters.equal.pop(0))
        page = page_of(
            objects,
            dict(params),
            filters.keep,
            lambda id: self.store.find(kind, id),
            self._oldest(kind),
        )
        return self._body(url, page, expand)

    def _tax_association(self, params: Params, expand: tuple[str, ...]) -> bytes:
        """The tax transactions of a payment that Stripe Tax calculated."""
        _only(params, ("payment_intent",))
        intent = dict(params).get("payment_intent", "")
        for association in self.store.having("tax.association", "payment_intent", intent):
            return self.renderer.render(association, expand)
        raise missing("tax.association", intent)

    def _subscription_items(self, id: str, params: Params, expand: tuple[str, ...]) -> bytes:
        """Items are kept inside their subscription, which a list has to name."""
        if id:
            _only(params, ())
            for parent in self.store.having("subscription", "items.data.id", id):
                item = next(each for each in parent["items"]["data"] if each["id"] == id)
                return self.renderer.render(item, expand)
            raise missing("subscription_item", id)
        wanted = dict(params).get("subscription")
        if wanted is None:
            raise ApiError(
                400, "Missing required param: subscription.", param="subscription",
                code="parameter_missing",
            )  # fmt: skip
        _only(params, (*PAGING, "subscription"))
        items = self._object("subscription", wanted)["items"]["data"]
        return self._body("/v1/subscription_items", nested_page(items, dict(params)), expand)

    def _under(
        self,
        path: str,
        head: str,
        parent: Object,
        tail: list[str],
        params: Params,
        expand: tuple[str, ...],
    ) -> bytes:
        """A list under an object, or one of its entries."""
        name, id = tail[0], "/".join(tail[1:])
        if (head, name) in CHILDREN:
            route, owner = CHILDREN[head, name]
            entries = self.store.having(route.object_type, owner, parent["id"])
            if not id:
                return self._page(f"/v1/{path}", route, params, expand, entries)
            kind = route.object_type
        elif (head, name) in NESTED:
            entries, kind = parent[NESTED[head, name]]["data"], name
            if not id:
                _only(params, PAGING)
                return self._body(f"/v1/{path}", nested_page(entries, dict(params)), expand)
        else:
            raise unknown_route("GET", f"/v1/{path}")
        for entry in entries:
            if entry["id"] == id:
                return self.renderer.render(entry, expand)
        raise missing(kind, id)

    def _body(self, url: str, page: Page, expand: tuple[str, ...]) -> bytes:
        inner = tuple(path.removeprefix("data.") for path in expand if path.startswith("data."))
        if len(inner) != len(expand):
            other = next(path for path in expand if not path.startswith("data."))
            raise ExpandError(
                f"This property cannot be expanded ({other}). "
                f"You may want to try expanding 'data.{other}' instead."
            )
        data = b",".join(self.renderer.render(obj, inner) for obj in page.data)
        more = b"true" if page.has_more else b"false"
        return b'{"object":"list","data":[%b],"has_more":%b,"url":%b}' % (
            data, more, orjson.dumps(url)
        )  # fmt: skip


def _is_expand(name: str) -> bool:
    return name == "expand" or name.startswith("expand[")


def _expand_error(message: str) -> ApiError:
    return ApiError(400, message, param="expand")


def _only(params: Params, known: Iterable[str]) -> None:
    for name, _ in params:
        if name not in known:
            raise unknown_parameter(name)


def _user(credentials: str) -> str:
    """The user name of Basic credentials; nothing where they are malformed."""
    try:
        decoded = base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return decoded.decode("utf-8", "replace").partition(":")[0]
