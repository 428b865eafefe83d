"""Objects as Stripe may send them, every text field filled: made from the SDK's own classes, which
are generated from Stripe's OpenAPI document, so that a field which Stripe adds is filled, too."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES

UNIONS = (typing.Union, type(int | str))
Fill = Callable[[str], str]
"""The name of a text field → what stands in it."""


def class_of(object_name: str) -> type[StripeObject] | None:
    if object_name not in OBJECT_CLASSES:
        return None
    module, name = OBJECT_CLASSES[object_name]
    found: type[StripeObject] = getattr(import_module(module), name)
    return found


@cache
def fields_of(kind: type[StripeObject]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in reversed(kind.__mro__):
        if each is not StripeObject and issubclass(each, StripeObject):
            found |= inspect.get_annotations(each)
    return {
        name: annotation
        for name, annotation in found.items()
        if typing.get_origin(annotation) is not typing.ClassVar and not name.startswith("_")
    }


def filled(object_name: str, id: str, customer: str, fill: Fill) -> dict[str, Any]:
    """An object of this customer with every text field filled."""
    kind = class_of(object_name)
    assert kind is not None, object_name
    body = _fields(kind, fill, frozenset({kind}))
    return {**body, "id": id, "object": object_name, "customer": customer, "created": 1_790_000_000}


def _fields(kind: type[StripeObject], fill: Fill, seen: frozenset[Any]) -> dict[str, Any]:
    made = {name: _value(a, name, fill, seen) for name, a in fields_of(kind).items()}
    return {name: value for name, value in made.items() if value is not None and name != "id"}


def _value(annotation: Any, name: str, fill: Fill, seen: frozenset[Any]) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in UNIONS:
        return _one_of([a for a in arguments if a is not type(None)], name, fill, seen)
    if origin is typing.Literal:
        return arguments[0]
    if origin is list:
        item = _value(arguments[0], name, fill, seen)
        return None if item is None else [item]
    if origin is dict:
        return {"note": fill(f"{name}.note")}
    if annotation is str:
        return fill(name)
    if annotation in (int, float, bool):
        return annotation(0)
    if inspect.isclass(annotation) and issubclass(annotation, StripeObject):
        nested = issubclass(annotation, ListObject) or "object" in fields_of(annotation)
        return (
            None if nested or annotation in seen else _fields(annotation, fill, seen | {annotation})
        )
    return None


def _one_of(choices: list[Any], name: str, fill: Fill, seen: frozenset[Any]) -> Any:
    """Of a reference or an enumeration (also an open one) nothing that a person writes."""
    literal = next((c for c in choices if typing.get_origin(c) is typing.Literal), None)
    if literal is not None:
        return typing.get_args(literal)[0]
    if len(choices) > 1 and str in choices:
        return None
    return _value(choices[0], name, fill, seen)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(object, path in it, text) of every text of a payload; a nested object is its own."""
    yield from _leaves(value, "", path)


def _leaves(value: Any, owner: str, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, dict):
        name = value.get("object")
        if isinstance(name, str):
            owner, path = name, ""
        for key, item in value.items():
            about, below = owner, f"{path}.{key}" if path else key
            if key == "previous_attributes":  # a part of the object that the event is about
                about, below = value["object"]["object"], ""
            yield from _leaves(item, about, below)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, owner, path)
    elif isinstance(value, str):
        yield owner, path, value
