"""Changing a stored object so that its event says what it was before."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]


def change(store: Store, at: int, event: str, obj: Object, **fields: Any) -> None:
    """Set fields of an object and emit the event with the previous values of those that changed.

    `fields` are new values: the caller must not have changed the object's own nested values.
    """
    before = {
        name: _previous(obj.get(name), value)
        for name, value in fields.items()
        if obj.get(name) != value
    }
    obj.update(fields)
    store.put(obj)
    store.emit(event, obj, at, before)


def keep(store: Store, at: int, event: str, obj: Object) -> Object:
    """Store a new object and emit the event that tells of it."""
    store.put(obj)
    store.emit(event, obj, at)
    return obj


def _previous(old: Any, new: Any) -> Any:
    """As Stripe writes it: of an object only the keys that changed, of anything else all."""
    if isinstance(old, dict) and isinstance(new, dict):
        changed = {
            key: _previous(old.get(key), new[key]) for key in new if old.get(key) != new[key]
        }
        return changed | {key: old[key] for key in old if key not in new}
    return old
