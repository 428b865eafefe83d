"""Which SQL may be asked over MCP: one SELECT on the published tables, judged by its parse tree.

The connection is read-only and shut as well; this second wall is the narrow one, and its refusals
say what is allowed.
"""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.query.one_select import RefusedSqlError, require_one_select

SCHEMAS = ("finance", "compliance", "operations")
TABLE_FUNCTIONS = ("range", "generate_series", "unnest")
# Of the process, not of the figures; or that plan another query.
FORBIDDEN_FUNCTIONS = (
    "current_setting", "getvariable",
    "json_serialize_sql", "json_deserialize_sql", "json_serialize_plan",
)  # fmt: skip

__all__ = ["SCHEMAS", "RefusedSqlError", "require_allowed"]


def require_allowed(sql: str) -> None:
    """Raise RefusedSqlError unless `sql` is one SELECT on published tables, or EXPLAIN of one."""
    nodes = require_one_select(sql)
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
