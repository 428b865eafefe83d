"""The landing's half of the data map: which JSON paths of which object hold personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import yaml

CLASSES = ("identity", "contact", "location", "payment_instrument", "free_text")
"""The classes of personal data, in payloads as on the columns of the models."""

NOTE = "note"
"""The leaf of a free text of which a note that the law demands stays."""

Rules: TypeAlias = Mapping[str, Any]


class PathsError(Exception):
    """paths.yaml names something that is no class or no rule. The message says where."""


@dataclass(frozen=True)
class PersonalPath:
    """A JSON path of an object (`$.billing_details.email`) and its class. `but` are fields below
    it that are kept."""

    object_name: str
    path: str
    data_class: str
    but: tuple[str, ...] = ()


@cache
def _content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("paths.yaml").read_text())
    return found


@cache
def rules() -> Mapping[str, Rules]:
    """The tree of rules of each Stripe object. Raises PathsError when one is not valid."""
    trees: dict[str, Rules] = _content()["objects"]
    for name, tree in trees.items():
        for _ in _leaves(name, "$", tree):
            pass
    return trees


def links() -> tuple[str, ...]:
    """JSON paths by which objects belong together, without `$.`."""
    return tuple(_content()["links"])


def links_by_email() -> tuple[str, ...]:
    """JSON paths whose e-mail says whose a payment without a customer is."""
    return tuple(_content()["links_by_email"])


def personal_paths() -> list[PersonalPath]:
    """Every path of every object, in the order of the register."""
    return [leaf for name, tree in rules().items() for leaf in _leaves(name, "$", tree)]


def state_columns() -> dict[str, str]:
    """`table.column` of the state file → class of the personal data that may stand there."""
    found: dict[str, str] = _content()["state"]
    return found


def of_people() -> frozenset[str]:
    """The objects that belong to a customer: every text of them goes that is not kept."""
    found: list[str] = _content()["of_people"]
    return frozenset(found)


@cache
def codes() -> frozenset[str]:
    """Fields of machine words."""
    return frozenset(_content()["codes"])


def kept_clause(object_name: str, field: str) -> str | None:
    """The clause by which a field of a customer's object is kept; None where none demands it."""
    kept: dict[str, dict[str, str]] = _content()["kept"]
    return kept.get(object_name, {}).get(field) or kept["*"].get(field)


def identifies(id: str) -> bool:
    """Whether an id leads to the person (a customer's, a card's) and not to a document."""
    return id.partition("_")[0] in _content()["person_ids"]


def _leaves(name: str, path: str, rule: Any) -> Iterator[PersonalPath]:
    if isinstance(rule, str):
        yield PersonalPath(name, path, _known(name, path, rule))
    elif not isinstance(rule, Mapping):
        raise PathsError(f"paths.yaml, {name} {path}: a rule is a class or a tree of fields")
    elif "class" in rule:
        yield PersonalPath(name, path, _known(name, path, rule["class"]), tuple(rule["but"]))
    else:
        for key, below in rule.items():
            yield from _leaves(name, f"{path}.{key}", below)


def _known(name: str, path: str, found: str) -> str:
    if found == NOTE:
        return "free_text"
    if found not in CLASSES:
        raise PathsError(f"paths.yaml, {name} {path}: {found} is no class of personal data")
    return found
