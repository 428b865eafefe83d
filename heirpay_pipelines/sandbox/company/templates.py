"""Empty objects in the current wire format: every field that may be null is null."""

from __future__ import annotations

import copy
import types
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Union, get_args, get_origin

# Fields that Stripe's answers hold only where the parent or the reason exists; null is not sent.
NEVER_NULL = {"deleted"}


def typed_class(object_name: str) -> type:
    """The SDK's class of an object type; LookupError where it has none of its own."""
    from stripe._object_classes import OBJECT_CLASSES

    module, name = OBJECT_CLASSES[object_name]
    found: type = getattr(import_module(module), name)
    return found


@cache
def _nullable(object_name: str) -> dict[str, None]:
    annotations = typed_class(object_name).__annotations__
    return {
        name: None
        for name, kind in annotations.items()
        if name not in NEVER_NULL and _may_be_null(kind)
    }


def _may_be_null(kind: Any) -> bool:
    if get_origin(kind) is ClassVar:
        return False
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def blank(object_name: str, **fields: Any) -> dict[str, Any]:
    """An object of a type (`charge`) with `fields`, and null for every other nullable field."""
    return {"object": object_name, **copy.copy(_nullable(object_name)), **fields}


def empty_list(url: str, data: list[Any] | None = None) -> dict[str, Any]:
    return {"object": "list", "data": data or [], "has_more": False, "url": url}
