"""The build database as Great Expectations reads it: through SQLAlchemy, plain or encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.duck import MEMORY_LIMIT, connect
from heirpay_pipelines.landing.read import use_key


@contextmanager
def open_build(
    path: Path, key: str | None, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build database read-only, with its landing views readable."""
    with connect(path, key, read_only=True, memory_limit=memory_limit) as connection:
        use_key(connection, key)
        yield connection


def engine_arguments(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Arguments of `create_engine` that make SQLAlchemy use cursors of this connection.

    The key so stands in no URL and no configuration.
    """
    from duckdb_engine import ConnectionWrapper

    class Autocommitting(ConnectionWrapper):
        """DuckDB commits each statement by itself; SQLAlchemy's own begin and rollback would make
        results come back empty. The database is read-only: there is nothing to roll back."""

        def begin(self) -> None: ...

        def commit(self) -> None: ...

        def rollback(self) -> None: ...

    def create() -> Any:
        cursor = connection.cursor()
        cursor.execute("use heirpay")
        return Autocommitting(cursor)

    return {"creator": create, "skip_autocommit_rollback": True, "pool_reset_on_return": None}
