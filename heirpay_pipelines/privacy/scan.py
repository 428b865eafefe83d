"""Looking for a person in everything that is kept: what an erasure is judged by."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import connect, identifier
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.erasing import OF_A_CUSTOMER
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.people import Person
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.privacy.files import other_files, texts_of
from heirpay_pipelines.privacy.state import text_columns
from heirpay_pipelines.privacy.texts import expression
from heirpay_pipelines.privacy.warehouse import may_name, tables
from heirpay_pipelines.state.database import State
from heirpay_pipelines.warehouse.personal_columns import tagged_columns


def find_traces(home: Home, state: State, person: Person) -> list[str]:
    """Every place that still names the person: a file, a table's column, a table of the state.

    What another customer's own data holds (the same name) is theirs and no trace.
    """
    return [
        *_in_landing(Landing.of(home), person),
        *_in_warehouse(home, person),
        *_in_state(state, person),
        *_in_files(home, person),
    ]


def _in_landing(landing: Landing, person: Person) -> Iterator[str]:
    with open_files(landing) as connection:
        _register(connection, person)
        for name, files in landing.files().items():
            rows = connection.execute(
                f"select distinct filename from {relation(landing, files)} as landed"
                " where regexp_matches(id, $ids) or regexp_matches(payload, $ids)"
                " or (regexp_matches(payload, $all) and (id in (select id from related)"
                f" or not ({OF_A_CUSTOMER})))",
                {"ids": _ids(person), "all": expression(person)},
            ).fetchall()
            yield from (f"landing, {name}: {row[0].rsplit('/', 1)[-1]}" for row in rows)


def _in_warehouse(home: Home, person: Person) -> Iterator[str]:
    if not home.warehouse.is_file():
        return
    tags = tagged_columns()
    key = home.key
    with connect(home.warehouse, key, read_only=True) as connection:
        _register(connection, person)
        for table in tables(connection, "heirpay"):
            for name, kind in table.columns:
                if not may_name(kind):
                    continue
                of_others = table.owner and (table.name, name) in tags
                theirs = f"and {table.owner} in (select id from related)" if of_others else ""
                found = connection.execute(
                    f"select 1 from {table.qualified} where"
                    f" regexp_matches(cast({identifier(name)} as varchar), ?) {theirs} limit 1",
                    [expression(person)],
                ).fetchone()
                if found:
                    yield f"warehouse, {table.schema}.{table.name}.{name}"


def _in_state(state: State, person: Person) -> Iterator[str]:
    sought = re.compile(expression(person))
    for table, column in [*text_columns(state), ("audit_log", "subject"), ("audit_log", "detail")]:
        cells = state.rows(f"select {identifier(column)} as text from {identifier(table)}")
        if any(cell["text"] and sought.search(str(cell["text"])) for cell in cells):
            yield f"state, {table}.{column}"


def _in_files(home: Home, person: Person) -> Iterator[str]:
    sought, key = re.compile(expression(person)), home.key
    for path in other_files(home):
        name = str(path.relative_to(home.folder))
        if sought.search(name) or any(sought.search(text) for text in texts_of(path, key)):
            yield name


def _register(connection: duckdb.DuckDBPyConnection, person: Person) -> None:
    known = sorted(person.related | set(person.ids.values()))
    connection.register("related", pa.table({"id": pa.array(known, pa.string())}))


def _ids(person: Person) -> str:
    return "|".join(map(re.escape, person.ids)) or r"[^\s\S]"
