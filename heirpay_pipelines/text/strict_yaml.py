"""YAML that people write, read strictly: a doubled or unknown key and a wrong value are named with
their line. Aliases are refused: a small file may grow without limit by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class StrictYamlError(Exception):
    """What is wrong, and at which line (None: the file as a whole)."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def parsed(text: str) -> tuple[Any, yaml.Node | None]:
    """What the text says, and its nodes, which know their lines. Raises StrictYamlError."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise StrictYamlError("refers to another part of itself (*)")
        root = yaml.compose(text, yaml.SafeLoader)
        _refuse_doubled(root)
        return yaml.safe_load(text), root
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise StrictYamlError("is no YAML", mark.line + 1 if mark else None) from None
    except (RecursionError, ValueError):
        raise StrictYamlError("is no YAML that can be read") from None


def validated(
    model: type[Model], entry: Any, root: yaml.Node | None, place: Sequence[Any] = ()
) -> Model:
    """The entry as the model; StrictYamlError names the first key that is wrong. `place` is where
    in the file the entry begins."""
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        what = "is not known" if first["type"] == "extra_forbidden" else first["msg"].lower()
        raise StrictYamlError(f"`{key}`: {what}", _line_of(root, [*place, *first["loc"]])) from None


def _refuse_doubled(root: yaml.Node | None) -> None:
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if str(key.value) in seen:
                    raise StrictYamlError(f"`{key.value}` stands twice", key.start_mark.line + 1)
                seen.add(str(key.value))
                waiting.append(value)


def _line_of(node: yaml.Node | None, place: list[Any]) -> int:
    """The line of the innermost key of `place` that the file has."""
    line = 1
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
            continue
        else:
            break
        line = node.start_mark.line + 1
    return line
