"""Taking a person out of the published warehouse: a new file without them replaces the old one.

DuckDB leaves the bytes of an updated row where they were until they are written over, so nothing is
updated: each table is copied, changed on the way, into a fresh file that is published by rename.

Afterwards it says of the person what the next build makes of the erased landing, no more and no
less: columns are empty by their class, but for those that a law demands kept, JSON of Stripe's goes
through the rules of the landing, and ids and texts of the person go wherever they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb
import orjson
import pyarrow as pa

from heirpay_pipelines.duck import (
    WarehouseError,
    WarehouseKeyError,
    attach_published,
    connect,
    identifier,
)
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.people import Person
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import ERASED, Scrubber, pattern
from heirpay_pipelines.privacy.texts import expression, spellings
from heirpay_pipelines.published_file import forget, is_as_published
from heirpay_pipelines.warehouse.personal_columns import (
    kept_columns,
    payload_columns,
    tagged_columns,
)
from heirpay_pipelines.warehouse.publication import publish

# The copy of the audit log is compared with the chain itself; no personal data is ever in it.
UNCHANGED = {("operations", "audit_log")}
TEXT = ("VARCHAR", "JSON")
NESTED = ("STRUCT", "MAP", "JSON[]", "VARCHAR[]")
"""How types begin that hold texts in parts."""


@dataclass(frozen=True)
class Table:
    """A table of the warehouse and its columns with their types."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def qualified(self) -> str:
        return identifier(self.schema, self.name)

    @property
    def id_columns(self) -> list[str]:
        """Columns that say which object a row is of."""
        return [
            name
            for name, kind in self.columns
            if kind == "VARCHAR" and (name in ("id", "customer") or name.endswith("_id"))
        ]

    @property
    def owner(self) -> str | None:
        """The column that says whose customer's data a row is; None when the table has none."""
        if any(name == "customer_id" for name, _ in self.columns):
            return "customer_id"
        return "id" if _earlier_name(self.name) == "customers" else None


def tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[Table]:
    """Every table of an attached database."""
    rows = connection.execute(
        "select schema_name, table_name, list((column_name, data_type) order by column_index)"
        " from duckdb_columns() inner join (select database_name, schema_name, table_name"
        " from duckdb_tables()) using (database_name, schema_name, table_name)"
        " where database_name = ? group by all order by all",
        [database],
    ).fetchall()
    return [Table(schema, name, tuple(columns)) for schema, name, columns in rows]


Said = TypeVar("Said")


def by_all_names(said: Mapping[tuple[str, str], Said]) -> dict[tuple[str, str], Said]:
    """What is said of columns, also by the names that tables had in release 0.1.0: until the first
    night after an upgrade the published file has those."""
    return {(_earlier_name(table), column): it for (table, column), it in said.items()} | dict(said)


def _earlier_name(table: str) -> str:
    """`stg_stripe__charges` was `charges`, as was `int_charges`; `stg_bank__statements` was
    `bank_statements`."""
    source, _, name = table.removeprefix("int_").rpartition("__")
    return f"bank_{name}" if source == "stg_bank" else name


def erase_from_warehouse(
    home: Home, person: Person, names: Pseudonyms, before: Callable[[str], object]
) -> int:
    """Publish the warehouse without the person; how many rows changed. 0 when none is published.

    `before` is given the new file's SHA-256 right before it is published. The caller holds the run
    lock. Killed before the rename, the old file stays.
    """
    if not home.warehouse.is_file():
        return 0
    fresh = home.warehouse_dir / "building" / "erasure.duckdb"
    fresh.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    key = home.key
    limit = home.memory_limit
    with connect(fresh, key, read_only=False, memory_limit=limit) as connection:
        try:
            attach_published(connection, home.warehouse, key, "published")
        except WarehouseError as error:
            if isinstance(error, WarehouseKeyError) or is_as_published(home.warehouse):
                raise
            # Damaged, or changed by another program: nobody reads it, the next night builds anew.
            forget(home.warehouse)
            return 0
        _register(connection, person, names)
        connection.execute("copy from database published to heirpay (schema)")
        columns = Columns(
            by_all_names(tagged_columns()),
            by_all_names(kept_columns()),
            by_all_names(payload_columns()),
        )
        found = tables(connection, "published")
        changed = sum(_copy(connection, table, columns, person) for table in found)
        connection.execute("detach published")
    if not changed:
        fresh.unlink()
        return 0
    publish(fresh, home.warehouse, key, before)
    return changed


def _register(connection: duckdb.DuckDBPyConnection, person: Person, names: Pseudonyms) -> None:
    """The person's ids as a table, the change of a text as a macro `scrubbed`, and that of Stripe's
    JSON as a function `scrubbed_payload`."""
    own = Scrubber(names, person.classes, person.texts, person.ids)
    foreign = Scrubber(names, (), (), person.ids)

    def payload(text: str, object_name: str, is_previous: bool, is_related: bool) -> str:
        """As the landing's erasure leaves it, whose event holds both."""
        value = orjson.loads(text)
        if not is_related:
            return orjson.dumps(foreign.quoted(value)).decode()
        if not is_previous:
            return orjson.dumps(own.payload(value)).decode()
        event = {"object": {"object": object_name}, "previous_attributes": value}
        return orjson.dumps(own.payload(event)["previous_attributes"]).decode()

    kinds: list[Any] = ["VARCHAR", "VARCHAR", "BOOLEAN", "BOOLEAN"]
    connection.create_function("scrubbed_payload", payload, kinds, "VARCHAR")
    ids = pa.table({"id": pa.array(sorted(person.related), pa.string())})
    connection.register("related_ids", ids)
    connection.execute("create temp table related as select id from related_ids")
    changed = "x"
    for number, (id, pseudonym) in enumerate(person.ids.items()):
        old, new = f"id_{number}", f"pseudonym_{number}"
        _set_variables(connection, {old: id, new: pseudonym})
        changed = f"replace({changed}, getvariable('{old}'), getvariable('{new}'))"
    sought = pattern(spellings(person.texts))
    if sought is not None:
        _set_variables(connection, {"sought": sought.pattern, "erased": ERASED})
        changed = f"regexp_replace({changed}, getvariable('sought'), getvariable('erased'), 'gi')"
    connection.execute(f"create temp macro scrubbed(x) as {changed}")


def _set_variables(connection: duckdb.DuckDBPyConnection, values: Mapping[str, str]) -> None:
    """What a macro reads: it takes no parameters of the query, and an id or a name of a person
    never is part of a statement's text."""
    for name, value in values.items():
        connection.register("given", pa.table({"value": [value]}))
        connection.execute(f"set variable {name} = (select value from given)")
        connection.unregister("given")


@dataclass(frozen=True)
class Columns:
    """What the project says of columns: their class, what a law keeps, what is Stripe's JSON."""

    classes: Mapping[tuple[str, str], str]
    kept: Mapping[tuple[str, str], tuple[str, str]]
    payloads: Mapping[tuple[str, str], tuple[str, bool]]


def _copy(
    connection: duckdb.DuckDBPyConnection, table: Table, said: Columns, person: Person
) -> int:
    """Copy one table's rows, the person taken out; how many were about them."""
    ids = " or ".join(f'"{name}" in (select id from related)' for name in table.id_columns)
    source = f"select *, {f'coalesce({ids}, false)' if ids else 'false'} as is_related"
    source += f" from published.{table.qualified}"
    if (table.schema, table.name) in UNCHANGED:
        connection.execute(
            f"insert into heirpay.{table.qualified} from published.{table.qualified}"
        )
        return 0
    columns = [_column(table, name, kind, said, person) for name, kind in table.columns]
    connection.execute(
        f"insert into heirpay.{table.qualified} select {', '.join(columns)} from ({source})"
    )
    texts = [f'cast("{name}" as varchar)' for name, kind in table.columns if may_name(kind)]
    named = "".join(f" or regexp_matches({text}, $sought)" for text in texts)
    row = connection.execute(
        f"select count(*) from ({source}) where is_related{named}",
        {"sought": expression(person)} if texts else {},
    ).fetchone()
    return int(row[0]) if row else 0


def may_name(kind: str) -> bool:
    """Whether a column of this type may name a person."""
    return kind in TEXT or kind.startswith(NESTED)


def _column(table: Table, name: str, kind: str, said: Columns, person: Person) -> str:
    column, place = identifier(name), (table.name, name)
    changed = _scrubbed(column, kind)
    if said.classes.get(place) not in person.classes or name.endswith("fingerprint"):
        return changed
    object_name, is_previous = said.payloads.get(place, ("", False))
    if object_name in dict(table.columns):
        arguments = f"{column}, {identifier(object_name)}, {is_previous}, is_related"
        text = f"cast(scrubbed_payload({arguments}) as {kind})"
        return f"case when is_related or {changed} <> {column} then {text} else {column} end"
    if place in said.kept:
        return changed
    # Another customer's personal data is theirs, even where a name is the same.
    others = column if table.owner else changed
    return f"case when is_related then null else {others} end"


def _scrubbed(column: str, kind: str) -> str:
    """A value with the person's ids and texts taken out wherever it holds one."""
    if kind == "VARCHAR[]":
        return f"list_transform({column}, lambda x: scrubbed(x))"
    if kind in TEXT:
        return f"cast(scrubbed(cast({column} as varchar)) as {kind})"
    if not kind.startswith(NESTED):
        return column
    text = f"cast(cast({column} as json) as varchar)"  # of a number with its digits, as it was
    changed = f"cast(cast(scrubbed({text}) as json) as {kind})"
    return f"case when scrubbed({text}) <> {text} then {changed} else {column} end"
