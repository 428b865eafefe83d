"""From a stored object to the bytes that Stripe would answer: truncated, collapsed, expanded."""

from __future__ import annotations

from typing import Any

import orjson

from heirpay_pipelines.sandbox.routes import INCLUDABLE, INCLUDED_LISTS, type_of
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
NESTED_LIMIT = 10
STUB = ("id", "object", "deleted")
# Fields that Stripe's objects have even where a hand-made one was put without them.
ALWAYS_THERE: dict[str, Any] = {
    "discount": None, "discounts": [], "shipping_cost": None, "total_details": None,
}  # fmt: skip


class ExpandError(Exception):
    """A path of `expand[]` cannot be expanded; the message is Stripe's."""


def not_expandable(name: str) -> ExpandError:
    return ExpandError(f"This property cannot be expanded ({name}).")


class Renderer:
    """Renders objects of one store. Answers without expansion are kept as bytes."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def render(self, obj: Object, expand: tuple[str, ...] = ()) -> bytes:
        """One object as JSON; `expand` are paths relative to it."""
        if expand:
            return orjson.dumps(self.shape(obj, expand))
        key = (obj["object"], obj["id"])
        kept = self.store.rendered.get(key)
        if kept is None:
            kept = orjson.dumps(self.shape(obj, ()))
            if self.store.find(*key) is obj:  # an entry of a nested list changes with its parent
                self.store.rendered[key] = kept
        return kept

    def forget(self) -> None:
        """Drop what was kept: objects may have been changed in place."""
        self.store.forget()

    def shape(self, obj: Object, expand: tuple[str, ...]) -> Object:
        if obj.get("deleted") is True and len(obj) == len(STUB):
            return dict(obj)
        wanted: dict[str, tuple[str, ...]] = {}
        for path in expand:
            head, _, rest = path.partition(".")
            wanted[head] = (*wanted.get(head, ()), *((rest,) if rest else ()))
        shaped = {}
        kind = obj.get("object")  # of an event's data it is the object itself, no type
        hidden = INCLUDABLE.get(kind, ()) if isinstance(kind, str) else ()
        for name, value in obj.items():
            if name in hidden and (name not in wanted or value is None):
                continue  # not sent, or made from other objects below
            if name in hidden and isinstance(value, int):
                wanted.pop(name)  # a number is all that there is to it
            shaped[name] = self._value(name, value, wanted.pop(name, None))
        for name, inner in wanted.items():
            shaped[name] = self._included(obj, name, inner)
        return shaped

    def _value(self, name: str, value: Any, expand: tuple[str, ...] | None) -> Any:
        if isinstance(value, str):
            return value if expand is None else self._referred(name, value, expand)
        if isinstance(value, list):
            return [self._value(name, item, expand) for item in value]
        if isinstance(value, dict):
            if value.get("object") == "list":
                return self._list(value, expand)
            if name == "currency_options":
                return self._options(value, expand or ())
            return self.shape(value, expand or ())
        if expand is not None and value is not None:
            raise not_expandable(name)
        return value

    def _options(self, options: Object, expand: tuple[str, ...]) -> Object:
        """Amounts by currency. A currency's tiers are sent when that currency's are expanded."""
        return {
            currency: {
                field: value
                for field, value in option.items()
                if field != "tiers" or f"{currency}.tiers" in expand
            }
            for currency, option in options.items()
        }

    def _referred(self, name: str, reference: str, expand: tuple[str, ...]) -> Any:
        """The object in place of its id; the id where the account does not hold the object."""
        kind = type_of(name, reference)
        if kind is None:
            raise not_expandable(name)
        target = self.store.find(kind, reference)
        if target is None and kind == "coupon":  # a discount keeps its coupon
            target = self.store.deleted.get((kind, reference))
        if target is None and (kind, reference) in self.store.deleted:
            return {"id": reference, "object": kind, "deleted": True}
        return reference if target is None else self.shape(target, expand)

    def _list(self, nested: Object, expand: tuple[str, ...] | None) -> Object:
        inner = tuple(path.removeprefix("data.") for path in expand or () if path != "data")
        shown = nested["data"][:NESTED_LIMIT]
        return {
            **nested,
            "data": [self._value("data", item, inner) for item in shown],
            "has_more": len(nested["data"]) > NESTED_LIMIT,
        }

    def _included(self, obj: Object, name: str, expand: tuple[str, ...]) -> Any:
        source = INCLUDED_LISTS.get((obj.get("object", ""), name))
        if source is None:
            if name in ALWAYS_THERE:
                return ALWAYS_THERE[name]
            if name in INCLUDABLE.get(obj.get("object", ""), ()):
                return None
            raise not_expandable(name)
        kind, field = source
        found = list(self.store.having(kind, field, obj["id"]))[::-1]
        if kind == "subscription":  # as the list of subscriptions: those that are not canceled
            found = [each for each in found if each["status"] != "canceled"]
        path = {"customer": "customers", "charge": "charges", "invoice": "invoices"}[obj["object"]]
        listing = {
            "object": "list",
            "data": found,
            "has_more": False,
            "url": f"/v1/{path}/{obj['id']}/{name}",
        }
        return self._list(listing, expand)
