"""The audit log's record of a query that someone asked, on the command line or over MCP."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache

import duckdb

from heirpay_pipelines.at_rest.sqlite import is_of_sqlite
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.home import Home
from heirpay_pipelines.host.person import login
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.text.shown import say

LONGEST_TEXT = 2_000
CONSTANTS = (duckdb.token_type.string_const, duckdb.token_type.numeric_const)
WORD = re.compile(r"""\"(?:[^\"]|\"\")*\"|\w+|(?:(?!--|/\*)[^\w\s\"'])+""")
"""What a token is without the blanks and comments behind it."""
NAMES = """
select lower(name) from (
  select unnest([database_name, schema_name, table_name, column_name]) as name
  from duckdb_columns()
)
group by all
"""
OWN_NAMES = """
select lower(function_name) from duckdb_functions()
union select lower(type_name) from duckdb_types()
"""


def record_query(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    through: str = "",
) -> None:
    """Append, before it is judged and before it runs, who asked what of the published warehouse
    (`connection`): the user of this machine, `through` ("mcp:") a server.

    Nothing can be erased from the log, so `?` stands for each constant and each name that is none
    of the warehouse's or DuckDB's (an e-mail address, a customer), and comments stay out of it. A
    disk that is full or read-only locks no reader out: the query is answered, and a warning says
    what is missing in the log.
    """
    detail = {"sql": masked(sql, _names(connection))[:LONGEST_TEXT], "characters": len(sql)}
    who, now = through + login(), datetime.now(UTC)
    try:
        with open_state(home.state_file) as state:
            append(state, now, who, Action.QUERY, "published warehouse", detail)
    except Exception as error:
        if not _cannot_be_written(error):
            raise
        say(f"heirpay: this query is not in the audit log: {error}", err=True)


def _cannot_be_written(error: Exception) -> bool:
    """Whether the state file's disk refused, by its own error or SQLite's."""
    return isinstance(error, OSError) or is_of_sqlite(error)


def _names(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return _own_names() | {name for (name,) in connection.execute(NAMES).fetchall() if name}


@cache
def _own_names() -> frozenset[str]:
    """What DuckDB itself calls functions and types: the same in every connection."""
    with duckdb.connect(":memory:") as empty:
        return frozenset(name for (name,) in empty.execute(OWN_NAMES).fetchall())


def masked(sql: str, names: Collection[str]) -> str:
    """The SQL on one line, with `?` in the place of each constant and unknown name, without
    comments. SQL that is none is shown as far as its words are understood."""
    tokens = duckdb.tokenize(sql)
    raw = sql.encode()
    ends = [*(start for start, _ in tokens[1:]), len(raw)]
    shown = [
        _shown(raw[start:end].decode(errors="replace"), kind, names)
        for (start, kind), end in zip(tokens, ends, strict=False)
    ]
    return " ".join("".join(shown).split())


def _shown(token: str, kind: duckdb.token_type, names: Collection[str]) -> str:
    """A token as the log may hold it, with a blank when something stood between it and the next."""
    if kind in CONSTANTS:
        return "? " if token[-1].isspace() or token.endswith("*/") else "?"
    found = WORD.match(token)
    word = found[0] if found else "?"
    blank = " " if len(word) < len(token) else ""
    unquoted = word.strip('"').replace('""', '"').lower()
    if kind == duckdb.token_type.identifier and unquoted not in names:
        word = "?"
    return word + blank
