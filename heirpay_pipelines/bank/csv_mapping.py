"""`mapping.yaml`: which column of a bank's CSV is what."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from heirpay_pipelines.bank.statement import StatementError
from heirpay_pipelines.text.strict_yaml import StrictYamlError, parsed, validated

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
        entries, root = parsed(text)
        entries = entries or []
        if isinstance(entries, dict):  # one mapping, without its dash
            return [validated(Mapping, entries, root)]
        if isinstance(entries, list):
            return [validated(Mapping, entry, root, [n]) for n, entry in enumerate(entries)]
    except StrictYamlError as error:
        where = MAPPING_FILE if error.line is None else f"{MAPPING_FILE}, line {error.line}"
        raise MappingError(error.what.replace("the file", "the mapping"), where, REMEDY) from None
    raise MappingError("is no list: each mapping begins with `- files:`", MAPPING_FILE, REMEDY)
