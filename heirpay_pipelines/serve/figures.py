"""The published tables as a dictionary of metrics: what each column means, and its values."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.home import Home
from heirpay_pipelines.serve.allowed_sql import SCHEMAS, RefusedSqlError
from heirpay_pipelines.serve.bounded_sql import SqlBounds, run_bounded

COLUMNS = """
select c.schema_name || '.' || c.table_name as "table", c.column_name as "column",
  c.data_type as type, c.comment as meaning, t.comment as table_meaning
from duckdb_columns() as c
inner join duckdb_tables() as t
  on c.schema_name = t.schema_name and c.table_name = t.table_name
    and c.database_name = t.database_name
where c.database_name = 'heirpay' and list_contains($schemas, c.schema_name)
order by c.schema_name, c.table_name, c.column_index
"""
EVERY_COLUMN = SqlBounds(rows=100_000, bytes=20_000_000)
TIMES = ("date", "timestamp")


def dictionary(home: Home) -> dict[str, dict[str, Any]]:
    """Every published table with its meaning and its columns."""
    found = run_bounded(home, COLUMNS, {"schemas": list(SCHEMAS)}, EVERY_COLUMN)
    tables: dict[str, dict[str, Any]] = {}
    for table, column, kind, meaning, about in found["rows"]:
        entry = tables.setdefault(table, {"meaning": about, "columns": {}})
        entry["columns"][column] = {"type": kind, "meaning": meaning}
    return tables


def metric(home: Home, name: str, currency: str | None, last: int) -> dict[str, Any]:
    """Meaning and newest values of `schema.table.column`, newest first.

    Raises RefusedSqlError naming the columns there are when the metric is unknown.
    """
    table, _, column = name.rpartition(".")
    tables = dictionary(home)
    if table not in tables:
        raise RefusedSqlError(f"No table {table!r}. There are: {', '.join(tables)}.")
    columns = tables[table]["columns"]
    if column not in columns:
        raise RefusedSqlError(f"{table} has no column {column!r}, but {', '.join(columns)}.")
    # Names come from the catalogue only; values are parameters.
    keys = [c for c in columns if _is_key(c, columns[c]["type"]) and c != column][:4]
    times = [c for c in columns if columns[c]["type"].lower().startswith(TIMES)]
    where = "where currency = $currency" if currency and "currency" in columns else ""
    order = f'order by "{times[0]}" desc' if times else ""
    chosen = ", ".join(f'"{c}"' for c in (*keys, column))
    sql = f"select {chosen} from {table} {where} {order} limit {int(last)}"
    return {
        "metric": name,
        "meaning": columns[column]["meaning"],
        "table_meaning": tables[table]["meaning"],
        "query": sql.replace("$currency", f"'{currency}'") if currency else sql,
        **run_bounded(home, sql, {"currency": currency} if where else None),
    }


def _is_key(name: str, kind: str) -> bool:
    return kind.lower().startswith(TIMES) or name == "currency" or name.endswith("_id")
