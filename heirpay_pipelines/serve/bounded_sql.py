"""SQL that may only read the published warehouse: bounded in rows, bytes, seconds and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from heirpay_pipelines.duck import connect
from heirpay_pipelines.serve.allowed_sql import RefusedSqlError
from heirpay_pipelines.settings import Settings

LOCKED = (
    "set allow_community_extensions = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set temp_directory = ''",
    "set memory_limit = '{memory}'",
    "set threads = 1",
    # No file, no network, no extension: what is attached is all there is.
    "set enable_external_access = false",
    "set lock_configuration = true",
)


@dataclass(frozen=True)
class SqlBounds:
    """What one query may take."""

    rows: int = 1_000
    bytes: int = 1_000_000
    seconds: float = 20.0
    memory: str = "512MB"


@contextmanager
def open_locked(settings: Settings, bounds: SqlBounds) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only and locked. Raises WarehouseError when there is none."""
    key = settings.secret("encryption_key")
    with connect(settings.warehouse, key, read_only=True) as connection:
        for statement in LOCKED:
            connection.execute(statement.format(memory=bounds.memory))
        yield connection


def run_bounded(
    settings: Settings,
    sql: str,
    parameters: dict[str, Any] | None = None,
    bounds: SqlBounds | None = None,
) -> dict[str, Any]:
    """Run a query; `{"columns", "rows", "truncated"}`. Decimals and instants come as text, so
    that money stays exact. What a caller wrote goes through `require_allowed` first. Raises
    RefusedSqlError, or WarehouseError when nothing is published."""
    limits = bounds or SqlBounds()
    with open_locked(settings, limits) as connection:
        timer = threading.Timer(limits.seconds, connection.interrupt)
        timer.start()
        try:
            cursor = connection.execute(sql, parameters or {})
            columns = [column[0] for column in cursor.description or ()]
            rows, truncated = _fetch(cursor, limits)
        except duckdb.InterruptException:
            raise RefusedSqlError(f"The query took more than {limits.seconds:g} seconds.") from None
        except duckdb.OutOfMemoryException:
            raise RefusedSqlError(f"The query needs more than {limits.memory}.") from None
        except duckdb.Error as error:
            raise RefusedSqlError(str(error)) from None
        finally:
            timer.cancel()
    return {"columns": columns, "rows": rows, "truncated": truncated}


def _fetch(cursor: duckdb.DuckDBPyConnection, limits: SqlBounds) -> tuple[list[list[Any]], bool]:
    rows: list[list[Any]] = []
    size = 0
    while found := cursor.fetchmany(100):
        for row in found:
            plain = [_plain(value) for value in row]
            size += sum(len(str(value)) for value in plain)
            if len(rows) >= limits.rows or size > limits.bytes:
                return rows, True
            rows.append(plain)
    return rows, False


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
