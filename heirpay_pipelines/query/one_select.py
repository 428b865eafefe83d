"""What SQL of others may be: one SELECT, or EXPLAIN of one. DuckDB's parser decides it.

Nothing runs and nothing is prepared here: the text is parsed, in a connection that holds no data
and reaches no file. The connection that runs it is shut as well (`connect_shut`); this wall stops
what a shut connection would still do to its own process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from heirpay_pipelines.duck import NOTHING_ELSE

ACTING_FUNCTIONS = frozenset({
    # They change the process, or write, although they stand in a SELECT.
    "checkpoint", "force_checkpoint", "enable_logging", "disable_logging", "truncate_duckdb_logs",
    "write_log", "enable_profiling", "enable_profile", "nextval", "currval", "copy_database",
    "import_database", "add_parquet_key", "python_map_function",
    # They hold SQL in a text, which this does not read.
    "query", "query_table", "json_execute_serialized_sql",
    # They read the process or its pointers, not the figures.
    "getenv", "arrow_scan", "arrow_scan_dumb", "pandas_scan",
})  # fmt: skip
WORD = re.compile(r"^(\w+|.).*$", re.DOTALL)
"""A token's first word; blanks and comments up to the next one stand behind it."""
READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
ALLOWED = "Exactly one SELECT (or FROM …), or EXPLAIN of one, is allowed; nothing can be changed."


class RefusedSqlError(Exception):
    """The SQL is wrong, does more than read, or takes more than it may. The message says which."""


def require_one_select(sql: str) -> list[dict[str, Any]]:
    """The nodes of the parse tree; RefusedSqlError unless `sql` is one statement that only reads.

    Several statements, PRAGMA and PIVOT without a list of values (it creates a type) are refused.
    """
    try:
        tree = _tree(sql)
    except RecursionError:
        raise RefusedSqlError("The query is nested too deeply.") from None
    found = list(_nodes(tree))
    for node in found:
        name = str(node.get("function_name", "")).lower()
        if name in ACTING_FUNCTIONS:
            raise RefusedSqlError(f"The function {name} is not allowed here.")
    return found


def statement_of(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement that `connection` may run: `sql` as its own parser takes it, judged.

    What is returned is what runs. Raises RefusedSqlError.
    """
    require_one_select(sql)
    try:
        found = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise RefusedSqlError(str(error)) from None
    if len(found) != 1 or found[0].type not in READING:
        raise RefusedSqlError(ALLOWED)
    return found[0]


def _tree(sql: str) -> dict[str, Any]:
    with duckdb.connect(":memory:") as parser:
        for statement in NOTHING_ELSE:
            parser.execute(statement)
        tree = _parsed(parser, sql)
        if tree["error"] and (explained := _explained(parser, sql)) is not None:
            return explained
    if tree["error"] or len(tree["statements"]) != 1:
        raise RefusedSqlError(f"{ALLOWED} {tree.get('error_message', '')}".strip())
    return tree


def _explained(parser: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any] | None:
    """The tree of the one SELECT that `sql` explains, else None.

    The serializer knows no EXPLAIN, so its words and options are taken off; what is left must be
    a SELECT by itself, and there is one way only to read EXPLAIN before a SELECT.
    """
    for rest in _without_explain(sql):
        tree = _parsed(parser, rest)
        if not tree["error"] and len(tree["statements"]) == 1:
            return tree
    return None


def _without_explain(sql: str) -> Iterator[str]:
    raw = sql.encode()
    starts = [start for start, _ in duckdb.tokenize(sql)]
    words = [
        WORD.sub(r"\1", raw[start:end].decode(errors="replace")).lower()
        for start, end in zip(starts, [*starts[1:], len(raw)], strict=True)
    ]
    if words[:1] != ["explain"]:
        return
    after = 2 if words[1:2] in (["analyze"], ["analyse"]) else 1
    if after < len(starts):
        yield raw[starts[after] :].decode(errors="replace")
    if words[1:2] == ["("] and ")" in words:
        after = words.index(")") + 1
        if after < len(starts):
            yield raw[starts[after] :].decode(errors="replace")


def _parsed(parser: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    try:
        found = parser.execute("select json_serialize_sql($1::varchar)", [sql]).fetchone()
    except duckdb.Error as error:
        return {"error": True, "error_message": str(error)}
    tree: dict[str, Any] = json.loads(found[0]) if found else {"error": True}
    return tree


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
