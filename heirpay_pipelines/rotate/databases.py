"""DuckDB and SQLite files under a new key: written whole beside the old one, then renamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError, keyed
from heirpay_pipelines.at_rest.sqlite import connect as connect_sqlite
from heirpay_pipelines.at_rest.sqlite import key_literal, open_encrypting
from heirpay_pipelines.duck import (
    WarehouseError,
    attach_published,
    connect,
    identifier,
    load_httpfs,
    quoted,
)
from heirpay_pipelines.landing.writer import sync_private
from heirpay_pipelines.published_file import put_in_place
from heirpay_pipelines.rotate.keys import Keys, RotationError

FRESH = ".rotating"
"""Ends the name of a file that is not whole yet."""
TABLES = """
select schema_name, table_name, comment from duckdb_tables() where database_name = ? order by all
"""


def rotate_duckdb(path: Path, keys: Keys, memory_limit: str) -> bool:
    """Bring a DuckDB file to the new key; False when it has it already."""
    if _opens(path, keys.new):
        return False
    if not _opens(path, keys.old):
        raise RotationError(
            f"warehouse/{path.name} opens with neither key: remove it (`heirpay run` builds it "
            "anew from landing), then rotate the key again."
        )
    fresh = path.with_name(path.name + FRESH)
    fresh.unlink(missing_ok=True)
    with connect(fresh, keys.new, read_only=False, memory_limit=memory_limit) as connection:
        if keys.old:  # spilled rows are as secret as before, also on the way to a plain file
            load_httpfs(connection)
            connection.execute("set temp_file_encryption = true")
        attach_published(connection, path, keys.old, "source")
        connection.execute("copy from database source to heirpay")
        if _tables(connection, "source") != _tables(connection, "heirpay"):
            raise RotationError(f"warehouse/{path.name} did not come out as it was: rotate again.")
        connection.execute("checkpoint heirpay")
    put_in_place(fresh, path)
    return True


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[object, ...]]:
    """Each table with its comment and its number of rows."""
    return [
        (schema, table, comment, connection.execute(
            f'select count(*) from {database}.{identifier(schema, table)}').fetchone())
        for schema, table, comment in connection.execute(TABLES, [database]).fetchall()
    ]  # fmt: skip


def _opens(path: Path, key: str | None) -> bool:
    try:
        with connect(path, key, read_only=True) as connection:
            connection.execute("select count(*) from duckdb_tables()")
    except (WarehouseError, duckdb.Error):
        return False
    return True


def rotate_sqlite(path: Path, keys: Keys) -> bool:
    """Bring the state file to the new key; False when it has it already. Nobody else may have it
    open: the caller holds its lock alone."""
    try:
        connect_sqlite(keyed(path, keys.new)).close()
    except EncryptionKeyError:
        pass
    else:
        return False
    fresh = path.with_name(path.name + FRESH)
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = open_encrypting(path, keys.old)
    try:
        # No log beside the file any more: it would belong to the old one, and spoil the new.
        connection.execute("pragma journal_mode = delete")
        new = key_literal(keys.new) if keys.new else "''"
        connection.execute(f"attach {quoted(str(fresh))} as fresh key {new}")
        connection.execute("select sqlcipher_export('fresh')")
        if _rows(connection, "main") != _rows(connection, "fresh"):
            raise RotationError(f"state/{path.name} did not come out as it was: rotate again.")
        connection.execute("detach fresh")
    finally:
        connection.close()
    if path.with_name(path.name + "-wal").exists():
        raise RotationError("The state file is in use: stop every `heirpay` process, rotate again.")
    _put_in_place(fresh, path)
    return True


def _rows(connection: Any, schema: str) -> list[tuple[str, str, int]]:
    """Everything that the schema defines, and the number of rows of each table."""
    found = connection.execute(
        f"select type, name, sql from {schema}.sqlite_master where name not like 'sqlite_%'"
        " order by type, name"
    ).fetchall()
    return [
        (name, sql, connection.execute(
            f"select count(*) from {schema}.{identifier(name)}").fetchone()[0]
         if kind == "table" else 0)
        for kind, name, sql in found
    ]  # fmt: skip


def _put_in_place(fresh: Path, path: Path) -> None:
    sync_private(fresh)
    fresh.replace(path)
    sync_private(path)
