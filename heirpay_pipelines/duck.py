"""Opening a DuckDB file of ours, plain or encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError

SPILL = "spill"
MEMORY_LIMIT = "2.5GB"
"""What DuckDB may hold in memory however much data there is, where no setting says otherwise."""


class WarehouseError(Exception):
    """The warehouse is missing or cannot be opened. The message says what to do."""


class WarehouseKeyError(WarehouseError, EncryptionKeyError):
    """The warehouse was written with another key than the one that is set, or without one."""


@contextmanager
def connect(
    path: Path, key: str | None, *, read_only: bool, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open `path` as the current database of a new connection.

    What does not fit into `memory_limit` spills beside the file, encrypted as the file is. With a
    key DuckDB needs httpfs (its OpenSSL), to write the file and to spill.
    """
    if read_only and not path.is_file():
        raise WarehouseError(
            f"No warehouse is published yet at {path}. Publish one with `heirpay run` "
            "(or try `heirpay demo`)."
        )
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set temp_directory = {quoted(str(path.parent / SPILL))}")
        connection.execute(f"set memory_limit = {quoted(memory_limit)}")
        if key:
            load_httpfs(connection)
            connection.execute("set temp_file_encryption = true")
        options = ["read_only"] if read_only else []
        if key:
            options.append(f"encryption_key {quoted(key)}")
        suffix = f" ({', '.join(options)})" if options else ""
        try:
            connection.execute(f"attach {quoted(str(path))} as heirpay{suffix}")
        except duckdb.Error as error:
            raise _explained(path, key, error) from None
        connection.execute("use heirpay")
        yield connection
    finally:
        connection.close()


NOTHING_ELSE = (
    "set temp_directory = ''",
    "set allow_community_extensions = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    # Not the variables of this process either: DuckDB looks names up in them.
    "set python_enable_replacements = false",
    # Alone it still lets the attached file and the spill folder be written.
    "set enable_external_access = false",
    "set disabled_filesystems = 'LocalFileSystem'",
    "set lock_configuration = true",
)


@contextmanager
def connect_shut(
    path: Path, key: str | None, *, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file read-only for SQL that others wrote: what is attached is all there is.

    After the attach there is no file system, no network and no extension, nothing can be attached
    again, and no setting changes that. So nothing spills: a query fails that needs more than
    `memory_limit`. Raises WarehouseError.
    """
    with connect(path, key, read_only=True, memory_limit=memory_limit) as connection:
        if threads is not None:
            connection.execute(f"set threads = {threads:d}")
        for statement in NOTHING_ELSE:
            connection.execute(statement)
        yield connection


def quoted(text: str) -> str:
    """A text as a literal of SQL, for the statements that take no parameter."""
    return "'" + text.replace("'", "''") + "'"


def identifier(*parts: str) -> str:
    """A name (`table`, or `schema`, `table`) as SQL takes it, whatever it is made of."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _explained(path: Path, key: str | None, error: duckdb.Error) -> WarehouseError:
    text = str(error).lower()
    if key and "is not encrypted" in text:
        return WarehouseKeyError(
            f"{path.name} was written without a key and HEIRPAY_ENCRYPTION_KEY is set: encrypt it "
            "with `heirpay key rotate`, or let `heirpay run` build it anew."
        )
    if "encrypt" in text or "key" in text:
        wrong = "was encrypted with another key" if key else "is encrypted and no key is set"
        return WarehouseKeyError(
            f"{path.name} {wrong}: set the right HEIRPAY_ENCRYPTION_KEY, or let `heirpay run` build"
            " it anew."
        )
    if key and "not a valid duckdb" in text:
        return WarehouseError(
            f"{path.name} is not readable with this key, or is damaged: run `heirpay run`."
        )
    return WarehouseError(
        f"{path.name} cannot be opened ({type(error).__name__}); `heirpay run` builds it anew."
    )


def load_httpfs(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the httpfs extension from its Python package: nothing is downloaded."""
    package = find_spec("duckdb_extension_httpfs")
    if package is None or package.origin is None:
        raise WarehouseError("The package duckdb-extension-httpfs is missing: install it again.")
    folder = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"load '{folder / 'httpfs.duckdb_extension'}'")
