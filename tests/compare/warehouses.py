"""Two published warehouses, compared table by table and cell by cell.

    python tests/compare/warehouses.py BEFORE.duckdb AFTER.duckdb

A row is known by the keys that its model declares (`unique`, `unique_together`), in a table without
one by all of its columns. Exit code 1 when anything differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from heirpay_pipelines.controls.declared import declared_tables

SCHEMAS = ("finance", "compliance", "operations")
OF_THE_RUN = {
    "run_id", "checked_at", "started_at", "ended_at", "occurred_at", "hash", "previous_hash",
    "opened_at", "last_seen_at", "recorded_at", "published_at", "resolved_at", "last_attempt_at",
}  # fmt: skip
"""Columns of `compliance` and `operations` that say which run it was and when it ran, not what it
found: two runs of the same code differ in them."""


@dataclass(frozen=True)
class Difference:
    """Something of `table` that is not the same in both; `what` says it in words."""

    table: str
    what: str

    def __str__(self) -> str:
        return f"{self.table}: {self.what}"


def differences(before: Path, after: Path) -> Iterator[Difference]:
    """Every difference of the published tables: tables, columns, types, rows, cells."""
    with duckdb.connect() as connection:
        for name, path in (("a", before), ("b", after)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        old, new = (_columns(connection, name) for name in ("a", "b"))
        for table in sorted(old.keys() | new.keys()):
            if table not in new or table not in old:
                yield Difference(table, "is gone" if table in old else "is new")
            else:
                yield from _of_table(connection, table, old[table], new[table])


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name in ? order by column_index",
        [name, list(SCHEMAS)],
    ).fetchall():
        found.setdefault(f"{schema}.{table}", {})[column] = kind
    return found


def _of_table(
    connection: duckdb.DuckDBPyConnection, table: str, old: dict[str, str], new: dict[str, str]
) -> Iterator[Difference]:
    for column in (*old, *(added for added in new if added not in old)):
        if column not in new or column not in old:
            yield Difference(table, f"column {column} is {'gone' if column in old else 'new'}")
        elif old[column] != new[column]:
            yield Difference(table, f"column {column} was {old[column]}, is {new[column]}")
    ignored = set() if table.startswith("finance.") else OF_THE_RUN
    columns = [column for column in old if column in new and column not in ignored]
    if not columns:
        return
    gone, added = (
        connection.execute(
            f"select {_list(columns)} from {one}.{table} except all"
            f" select {_list(columns)} from {other}.{table}"
        ).fetchall()
        for one, other in (("a", "b"), ("b", "a"))
    )
    yield from _of_rows(table, columns, _key(table, columns), gone, added)


def _of_rows(
    table: str,
    columns: list[str],
    key: list[str],
    gone: list[tuple[object, ...]],
    added: list[tuple[object, ...]],
) -> Iterator[Difference]:
    places = [columns.index(column) for column in key]
    now = {tuple(row[place] for place in places): row for row in added}
    for row in gone:
        known_by = tuple(row[place] for place in places)
        named = ", ".join(f"{column} {value}" for column, value in zip(key, known_by, strict=True))
        changed = now.pop(known_by, None)
        if changed is None:
            yield Difference(table, f"row {named} is gone")
            continue
        for column, was, now_is in zip(columns, row, changed, strict=True):
            if was != now_is:
                yield Difference(table, f"{column} of {named} was {was}, is {now_is}")
    for known_by in now:
        named = ", ".join(f"{column} {value}" for column, value in zip(key, known_by, strict=True))
        yield Difference(table, f"row {named} is new")


def _key(table: str, columns: list[str]) -> list[str]:
    declared = declared_tables().get(table)
    for key in declared.keys if declared else ():
        if set(key) <= set(columns):
            return list(key)
    return columns


def _list(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def main() -> int:
    found = list(differences(Path(sys.argv[1]), Path(sys.argv[2])))
    for difference in found:
        print(difference)
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
