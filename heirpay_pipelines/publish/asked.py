"""The audit log's record of a query that someone asked, on the command line or over MCP."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import duckdb

from heirpay_pipelines.at_rest.sqlite import is_of_sqlite
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.person import login
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

LONGEST_TEXT = 2_000
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
CONSTANTS = (duckdb.token_type.string_const, duckdb.token_type.numeric_const)


def record_query(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection | None,
    sql: str,
    through: str = "",
) -> None:
    """Append, before it runs, who asked what of the published warehouse: the user of this machine,
    `through` ("mcp:") a server. Without a connection the SQL was refused.

    Nothing can be erased from the log, so constants and comments (an e-mail address, a name) stay
    out of it; and of SQL that DuckDB does not understand, all words but how long it is. A disk that
    is full or read-only locks no reader out: the query is answered, and a warning says what is
    missing in the log.
    """
    understood = connection is not None and _is_understood(connection, sql)
    shown = masked(sql)[:LONGEST_TEXT] if understood else None
    detail = {"sql": shown, "characters": len(sql)}
    who, now = through + login(), datetime.now(UTC)
    try:
        with open_state(settings.state_file) as state:
            append(state, now, who, Action.QUERY, "published warehouse", detail)
    except Exception as error:
        if not _cannot_be_written(error):
            raise
        print(f"heirpay: this query is not in the audit log: {error}", file=sys.stderr)


def _cannot_be_written(error: Exception) -> bool:
    """Whether the state file's disk refused, by its own error or SQLite's."""
    return isinstance(error, OSError) or is_of_sqlite(error)


def masked(sql: str) -> str:
    """The SQL on one line, with `?` in the place of each constant and without comments."""
    tokens = duckdb.tokenize(sql)
    raw = sql.encode()
    ends = [*(start for start, _ in tokens[1:]), len(raw)]
    words = [
        "? " if kind in CONSTANTS else COMMENT.sub(" ", raw[start:end].decode(errors="replace"))
        for (start, kind), end in zip(tokens, ends, strict=False)
    ]
    return " ".join("".join(words).split())


def _is_understood(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether every name in it is one of the warehouse's: it prepares as one statement."""
    try:
        connection.execute(f"prepare asked as {sql}")
    except duckdb.Error:
        return False
    return True
