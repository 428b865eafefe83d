"""From a stored object to the bytes that Stripe would answer: truncated, collapsed, expanded."""

from __future__ import annotations

from typing import Any

import orjson

from heirpay_pipelines.sandbox.routes import INCLUDABLE, INCLUDED_LISTS, type_of
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
NESTED_LIMIT = 10
EXPAND_DEPTH = 4


class ExpandError(Exception):
    """A path of `expand[]` cannot be expanded; the message is Stripe's."""


class Renderer:
    """Renders objects of one store. Answers without expansion are kept as bytes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._kept: dict[tuple[str, str], tuple[Object, bytes]] = {}

    def render(self, obj: Object, expand: tuple[str, ...] = ()) -> bytes:
        """One object as JSON; `expand` are paths relative to it."""
        if expand:
            return orjson.dumps(self.shape(obj, expand))
        key = (obj["object"], obj["id"])
        kept = self._kept.get(key)
        if kept is None or kept[0] is not obj:
            kept = (obj, orjson.dumps(self.shape(obj, ())))
            self._kept[key] = kept
        return kept[1]

    def forget(self) -> None:
        """Drop what was kept: objects may have been changed in place."""
        self._kept.clear()

    def shape(self, obj: Object, expand: tuple[str, ...]) -> Object:
        wanted: dict[str, tuple[str, ...]] = {}
        for path in expand:
            if path.count(".") >= EXPAND_DEPTH:
                raise ExpandError("You cannot expand more than 4 levels of a property.")
            head, _, rest = path.partition(".")
            wanted[head] = (*wanted.get(head, ()), *((rest,) if rest else ()))
        shaped = {}
        kind = obj.get("object")  # of an event's data it is the object itself, no type
        hidden = INCLUDABLE.get(kind, ()) if isinstance(kind, str) else ()
        for name, value in obj.items():
            if name in hidden and (name not in wanted or value is None):
                continue  # not sent, or made from other objects below
            shaped[name] = self._value(value, wanted.pop(name, None))
        for name, inner in wanted.items():
            shaped[name] = self._included(obj, name, inner)
        return shaped

    def _value(self, value: Any, expand: tuple[str, ...] | None) -> Any:
        if isinstance(value, str):
            if expand is None:
                return value
            target = type_of(value, self.store.find)
            return self.shape(target, expand) if target is not None else value
        if isinstance(value, list):
            return [self._value(item, expand) for item in value]
        if isinstance(value, dict):
            if value.get("object") == "list":
                return self._list(value, expand)
            return self.shape(value, expand or ())
        return value

    def _list(self, nested: Object, expand: tuple[str, ...] | None) -> Object:
        inner = tuple(path.removeprefix("data.") for path in expand or () if path != "data")
        shown = nested["data"][:NESTED_LIMIT]
        return {
            **nested,
            "data": [self._value(item, inner) for item in shown],
            "has_more": len(nested["data"]) > NESTED_LIMIT,
        }

    def _included(self, obj: Object, name: str, expand: tuple[str, ...]) -> Any:
        source = INCLUDED_LISTS.get((obj.get("object", ""), name))
        if source is None:
            if name in INCLUDABLE.get(obj.get("object", ""), ()):
                return None
            raise ExpandError(f"This property cannot be expanded ({name}).")
        kind, field = source
        found = [o for o in reversed(self.store.all(kind)) if o.get(field) == obj["id"]]
        path = {"customer": "customers", "charge": "charges", "invoice": "invoices"}[obj["object"]]
        listing = {
            "object": "list",
            "data": found,
            "has_more": False,
            "url": f"/v1/{path}/{obj['id']}/{name}",
        }
        return self._list(listing, expand)
