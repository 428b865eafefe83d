"""Which SQL may be asked: one SELECT on the published tables, judged by its parse tree.

The connection is read-only and locked as well; this second wall is the narrow one, and its
refusals say what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

SCHEMAS = ("finance", "compliance", "operations")
TABLE_FUNCTIONS = ("range", "generate_series", "unnest")
# Of the process, not of the figures; that write, or that plan another query.
FORBIDDEN_FUNCTIONS = (
    "getenv", "current_setting", "getvariable", "write_log", "nextval", "currval",
    "json_serialize_sql", "json_deserialize_sql", "json_serialize_plan",
)  # fmt: skip


class RefusedSqlError(Exception):
    """The SQL is wrong, does more than read, or takes more than it may. The message says which."""


def require_allowed(sql: str) -> None:
    """Raise RefusedSqlError unless `sql` is one SELECT on published tables."""
    with duckdb.connect(":memory:") as parser:
        found = parser.execute("select json_serialize_sql($1::varchar)", [sql]).fetchone()
    tree = json.loads(found[0]) if found else {"error": True}
    if tree["error"] or len(tree["statements"]) != 1:
        reason = tree.get("error_message", "")
        raise RefusedSqlError(
            f"Exactly one SELECT (or FROM …) is allowed; nothing can be changed. {reason}".strip()
        )
    nodes = list(_nodes(tree))
    names = {
        entry["key"] for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]
    }
    for node in nodes:
        _require_node(node, names)


def _require_node(node: dict[str, Any], local: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = ".".join(filter(None, (node["schema_name"], node["table_name"])))
        own = not node["schema_name"] and node["table_name"] in local
        published = node["schema_name"] in SCHEMAS and node["catalog_name"] in ("", "heirpay")
        if not own and not published:
            raise RefusedSqlError(
                f"{name!r} is no published table: they are in {', '.join(SCHEMAS)}, written as "
                "schema.table (the tool `metrics` lists them)."
            )
    elif kind == "TABLE_FUNCTION":
        function = node["function"]["function_name"]
        if function not in TABLE_FUNCTIONS:
            raise RefusedSqlError(f"The table function {function} is not allowed here.")
    elif kind == "SHOW_REF" and node.get("query") is None:
        raise RefusedSqlError("Use the tool `metrics` to see tables and columns.")
    elif str(node.get("function_name")).lower() in FORBIDDEN_FUNCTIONS:
        raise RefusedSqlError(f"The function {node['function_name']} is not allowed here.")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
