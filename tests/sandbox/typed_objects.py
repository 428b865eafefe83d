"""What Stripe's SDK says of an object's shape, held against an object as it came over the wire.

The SDK's classes are generated from Stripe's OpenAPI document: their annotations say which fields
there are, of what type, which may be null, and which values an enumeration knows.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES

UNIONS = (typing.Union, types.UnionType)
WRONG_CLASS = "no object of class "
SCALARS = {str: str, bool: bool, int: int, float: (int, float)}


def class_of(object_name: str) -> type[StripeObject] | None:
    """The SDK's class for an `object` value; None where it has none."""
    if object_name not in OBJECT_CLASSES:
        return None
    module, name = OBJECT_CLASSES[object_name]
    found: type[StripeObject] = getattr(import_module(module), name)
    return found


@cache
def fields_of(kind: type[StripeObject]) -> dict[str, Any]:
    """Field name → annotation, of the class and of what it inherits."""
    found: dict[str, Any] = {}
    for each in reversed(kind.__mro__):
        if each is not StripeObject and issubclass(each, StripeObject):
            found |= inspect.get_annotations(each)
    return {
        name: annotation
        for name, annotation in found.items()
        if typing.get_origin(annotation) is not typing.ClassVar and not name.startswith("_")
    }


def may_be_null(annotation: Any) -> bool:
    return typing.get_origin(annotation) in UNIONS and type(None) in typing.get_args(annotation)


def violations(obj: Any) -> list[str]:
    """How an object differs from its typed class, each as `path: what`; none if it conforms."""
    kind = class_of(obj.get("object", "")) if isinstance(obj, dict) else None
    if kind is None:
        return [f"no typed class for {obj!r:.60}"]
    return [f"{obj['object']}{path}: {what}" for path, what in _object(obj, kind, "")]


def _object(obj: dict[str, Any], kind: type[StripeObject], path: str) -> Iterator[tuple[str, str]]:
    fields = fields_of(kind)
    for name in obj.keys() - fields.keys():
        yield f"{path}.{name}", f"no such field ({obj[name]!r:.40})"
    for name, annotation in fields.items():
        if name in obj:
            yield from _value(obj[name], annotation, f"{path}.{name}")
        elif not may_be_null(annotation):
            yield f"{path}.{name}", "missing"
    if obj.get("object") == "event":
        for each in violations(obj["data"]["object"]):
            yield f"{path}.data.object", each


def _value(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    origin = typing.get_origin(annotation)
    if annotation is Any:
        return
    if origin in UNIONS:
        yield from _one_of(value, annotation, path)
    elif value is None:
        yield path, "null"
    elif isinstance(annotation, typing.ForwardRef | str):
        yield from _referred(value, annotation, path)
    elif origin is typing.Literal:
        if value not in typing.get_args(annotation):
            yield path, f"no known value: {value!r:.60}"
    elif origin is list:
        yield from _each(value, list, typing.get_args(annotation)[0], path)
    elif origin is ListObject:
        yield from _listed(value, typing.get_args(annotation)[0], path)
    elif inspect.isclass(annotation) and issubclass(annotation, StripeObject):
        if isinstance(value, dict):
            yield from _object(value, annotation, path)
        else:
            yield path, f"no object: {value!r:.40}"
    elif inspect.isclass(origin) and issubclass(origin, dict | StripeObject):
        if not isinstance(value, dict):  # free-form: metadata and the like
            yield path, f"no object: {value!r:.40}"
    elif not _is_scalar(value, annotation):
        yield path, f"{value!r:.40} is no {annotation}"


def _one_of(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    """Of a union, the alternative that fits the value's form decides."""
    choices = [each for each in typing.get_args(annotation) if each is not type(None)]
    literals = [each for each in choices if typing.get_origin(each) is typing.Literal]
    if value is None:
        if not may_be_null(annotation):
            yield path, "null"
    elif literals and isinstance(value, str):  # "one of these, or one that is newer than the SDK"
        yield from _value(value, literals[0], path)
    elif isinstance(value, str) and str in choices:
        return
    else:
        if isinstance(value, dict):  # an id or the object itself: what is wrong with the object?
            choices = [each for each in choices if each not in SCALARS] or choices
        tried = [list(_value(value, each, path)) for each in choices]
        if all(tried):
            named = [found for found in tried if not found[0][1].startswith(WRONG_CLASS)]
            yield from (named or tried)[0]


def _referred(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    """An object whose class is known by name only: it says itself what it is."""
    name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
    if not isinstance(value, dict):
        yield path, f"no object: {value!r:.40}"
        return
    kind = class_of(str(value.get("object")))
    if kind is None or kind.__name__ != name.removesuffix("Resource"):  # as the SDK aliases them
        yield path, f"{WRONG_CLASS}{name}: {value.get('object')!r}"
    else:
        yield from _object(value, kind, path)


def _listed(value: Any, inner: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict) or value.get("object") != "list":
        yield path, "no list object"
        return
    if not {"data", "has_more", "url"} <= value.keys():
        yield path, "a list without data, has_more or url"
        return
    yield from _each(value["data"], list, inner, f"{path}.data")


def _each(value: Any, kind: type, inner: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, kind):
        yield path, f"no list: {value!r:.40}"
        return
    for entry in value:
        yield from _value(entry, inner, f"{path}[]")


def _is_scalar(value: Any, annotation: Any) -> bool:
    if annotation is Decimal:  # on the wire a string
        try:
            return isinstance(value, str) and Decimal(value).is_finite()
        except InvalidOperation:
            return False
    if annotation in SCALARS:
        is_bool = isinstance(value, bool)
        return isinstance(value, SCALARS[annotation]) and is_bool == (annotation is bool)
    raise TypeError(f"the SDK has an annotation that is not understood: {annotation!r}")
