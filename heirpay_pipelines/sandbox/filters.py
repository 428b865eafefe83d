"""From the parameters of a list request to what they ask of an object."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.sandbox.errors import ApiError
from heirpay_pipelines.sandbox.routes import Route, in_range
from heirpay_pipelines.sandbox.store import values_at

Object = dict[str, Any]
Params = list[tuple[str, str]]
PAGING = ("limit", "starting_after", "ending_before")
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass
class Filters:
    """What a request asks: `equal` are (path, value) that an index can answer, `tests` the rest."""

    equal: list[tuple[str, str]] = field(default_factory=list)
    tests: list[Callable[[Object], bool]] = field(default_factory=list)

    def keep(self, obj: Object) -> bool:
        return all(value in values_at(obj, path) for path, value in self.equal) and all(
            test(obj) for test in self.tests
        )


def filters_of(route: Route, params: Params) -> Filters:
    """Raise ApiError 400 for a parameter that Stripe does not document, and for bad values."""
    found = Filters()
    fields = route.fields()
    several: dict[str, set[str]] = {}
    given = {name for name, _ in params}
    defaults = [(name, value) for name, value in route.default.items() if name not in given]
    for name, value in [*params, *defaults]:
        base, _, inner = name.rstrip("]").partition("[")
        if name in PAGING or (base == "created" and route.created and _compares(inner)):
            continue
        if name in route.custom:
            found.tests.append(_custom(route.custom[name], value))
        elif name in fields:
            found.equal.append((fields[name], value))
        elif base in route.lists and (inner == "" or inner.isdigit()):
            several.setdefault(route.lists[base], set()).add(value)
        elif base in route.ranges and _compares(inner):
            found.tests.append(_range(base, inner, value))
        else:
            raise unknown_parameter(name)
    found.tests += [_one_of(path, values) for path, values in several.items()]
    return found


def unknown_parameter(name: str) -> ApiError:
    return ApiError(
        400, f"Received unknown parameter: {name}", param=name, code="parameter_unknown"
    )


def integer(text: str, param: str) -> int:
    """A number or an instant of a query; raise ApiError as Stripe does."""
    if not text.removeprefix("-").isdigit():
        raise ApiError(
            400, f"Invalid integer: {text}", param=param, code="parameter_invalid_integer"
        )
    return int(text)


def _same(left: int, right: int) -> bool:
    return left == right


def _compares(inner: str) -> bool:
    return inner == "" or inner in COMPARISONS


def _custom(test: Callable[[Object, str], bool], value: str) -> Callable[[Object], bool]:
    return lambda obj: test(obj, value)


def _range(name: str, comparison: str, value: str) -> Callable[[Object], bool]:
    compare = COMPARISONS[comparison] if comparison else _same
    bound = integer(value, name)
    return lambda obj: in_range(obj, name, lambda found: compare(found, bound))


def _one_of(path: str, values: set[str]) -> Callable[[Object], bool]:
    return lambda obj: not values.isdisjoint(values_at(obj, path))
