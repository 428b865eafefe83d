"""`mapping.yaml`: which column of a bank's CSV is what."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from heirpay_pipelines.bank.statement import StatementError

MAPPING_FILE = "mapping.yaml"
MAX_BYTES = 2**20
REMEDY = "correct it (docs/how-to/bank-statements.md has every key)"


class MappingError(StatementError):
    """`mapping.yaml` cannot be read: the line and the key."""


class Columns(BaseModel):
    """Names of the file's columns. Either `amount` (signed, or with `direction`), or `credit` and
    `debit`."""

    model_config = ConfigDict(extra="forbid")
    account: str | None = None
    booking_date: str
    value_date: str | None = None
    amount: str | None = None
    credit: str | None = None
    debit: str | None = None
    direction: str | None = None
    status: str | None = None
    currency: str | None = None
    reference: str | None = None
    description: str | None = None
    balance: str | None = None


class Mapping(BaseModel):
    """How the CSV files whose name matches `files` are read."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    files: str
    columns: Columns
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    grouping: Literal[",", ".", "'", " ", "none"] | None = None
    date_format: str = "%Y-%m-%d"
    account: str | None = None
    currency: str | None = None
    newest_first: bool | None = None
    skip_first: Annotated[int, Field(ge=0, le=10_000)] = 0
    skip_last: Annotated[int, Field(ge=0, le=10_000)] = 0
    credit_values: list[str] = []
    debit_values: list[str] = []
    booked_values: list[str] = []
    inverted: bool = False


DEFAULT = Mapping(
    files="*",
    columns=Columns(
        account="Account",
        booking_date="Booking date",
        value_date="Value date",
        amount="Amount",
        currency="Currency",
        reference="Reference",
        description="Description",
        balance="Balance",
    ),
)
OPTIONAL_BY_DEFAULT = frozenset(("value_date", "reference", "description", "balance"))


def mapping_file(path: Path, root: Path) -> Path | None:
    """The mapping for a file: beside it, else in the nearest folder above it up to `root`."""
    for folder in path.parents:
        candidate = folder / MAPPING_FILE
        if candidate.is_file():
            return candidate
        if folder == root or not folder.is_relative_to(root):
            break
    return None


def mapping_for(name: str, text: str | None) -> Mapping:
    """The first mapping of a `mapping.yaml` (its `text`, None without one) that fits a file's
    name, else the default one."""
    if text is None:
        return DEFAULT
    return next((m for m in mappings_of(text) if fnmatch(name, m.files)), DEFAULT)


def mapping_text(path: Path | None) -> str | None:
    """The text of a `mapping.yaml`; MappingError when it cannot be read."""
    if path is None:
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MappingError("is larger than a megabyte", MAPPING_FILE, REMEDY)
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no UTF-8"
        raise MappingError(f"cannot be read ({why})", MAPPING_FILE, REMEDY) from None


def mappings_of(text: str) -> list[Mapping]:
    """All mappings of a `mapping.yaml`; MappingError names the line and the key."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise MappingError("refers to another part of itself (*)", MAPPING_FILE, REMEDY)
        root = yaml.compose(text, yaml.SafeLoader)
        _refuse_doubled(root)
        entries = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{MAPPING_FILE}, line {mark.line + 1}" if mark else MAPPING_FILE
        raise MappingError("is no YAML", where, REMEDY) from None
    except (RecursionError, ValueError):
        raise MappingError("is no YAML that can be read", MAPPING_FILE, REMEDY) from None
    if isinstance(entries, dict):  # one mapping, without its dash
        return [_validated(entries, None, root)]
    if not isinstance(entries, list):
        raise MappingError("is no list: each mapping begins with `- files:`", MAPPING_FILE, REMEDY)
    return [_validated(entry, number, root) for number, entry in enumerate(entries)]


def _validated(entry: Any, number: int | None, root: yaml.Node | None) -> Mapping:
    try:
        return Mapping.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = [*([] if number is None else [number]), *first["loc"]]
        key = ".".join(str(part) for part in first["loc"]) or "the mapping"
        what = "is not known" if first["type"] == "extra_forbidden" else first["msg"].lower()
        where = f"{MAPPING_FILE}, line {_line_of(root, place)}"
        raise MappingError(f"`{key}`: {what}", where, REMEDY) from None


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
                    where = f"{MAPPING_FILE}, line {key.start_mark.line + 1}"
                    raise MappingError(f"`{key.value}` stands twice", where, REMEDY)
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
