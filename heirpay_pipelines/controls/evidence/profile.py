"""What the published tables hold, for an auditor to compare: nothing personal is in it."""

from __future__ import annotations

from typing import Any

import duckdb

from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.warehouse.personal_columns import tagged_columns

ORDERED = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "DATE", "TIMESTAMP", "BOOLEAN")
"""Beginnings of types whose least and greatest value say something. Texts are ids or free text."""


def profile(home: Home) -> list[dict[str, Any]]:
    """Each table of the published warehouse: rows, a hash whatever their order, and its columns.

    Of a column: type, nulls, distinct values (DuckDB's estimate, the same for the same rows), and
    least and greatest value as text, but for texts and for columns tagged as personal data.
    """
    if not home.warehouse.is_file():
        return []
    key, tagged = home.key, set(tagged_columns())
    with connect(home.warehouse, key, read_only=True) as warehouse:
        columns = warehouse.execute(
            "select schema_name, table_name, list([column_name, data_type] order by column_index)"
            " from duckdb_columns() where database_name = 'heirpay' group by all order by all"
        ).fetchall()
        return [_table(warehouse, schema, name, found, tagged) for schema, name, found in columns]


def _table(
    warehouse: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    columns: list[list[str]],
    tagged: set[tuple[str, str]],
) -> dict[str, Any]:
    relation = f'"{schema}"."{table}"'
    head = warehouse.execute(
        f"select count(*), cast(bit_xor(hash(t::varchar)) as varchar) from {relation} as t"
    ).fetchone()
    rows, digest = head or (0, None)
    wanted = [measure for column, _ in columns for measure in _measures(column)]
    found = warehouse.execute(f"select {', '.join(wanted)} from {relation}").fetchone() or ()
    described = []
    for number, (column, kind) in enumerate(columns):
        present, distinct, least, greatest = found[4 * number : 4 * number + 4]
        entry: dict[str, Any] = {
            "column": column, "type": kind, "nulls": rows - present, "distinct": distinct,
        }  # fmt: skip
        if (table, column) in tagged:
            entry["personal_data"] = True
        elif kind.startswith(ORDERED) or "INT" in kind:
            entry |= {"min": least, "max": greatest}
        described.append(entry)
    return {"table": f"{schema}.{table}", "rows": rows, "hash": digest, "columns": described}


def _measures(column: str) -> list[str]:
    name = '"' + column.replace('"', '""') + '"'
    return [
        f"count({name})",
        f"approx_count_distinct({name})",
        f"min({name})::varchar",
        f"max({name})::varchar",
    ]
