"""Opening a DuckDB file of ours, plain or encrypted."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import duckdb

from heirpay_pipelines import published_file
from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.host.spill import spill_limit

log = logging.getLogger("heirpay.warehouse")

SPILL = "spill"
STORAGE = "v1.4.0"
"""The oldest DuckDB that reads our files. Since that format a log names the file that it belongs
to: no program replays the log of another file, it refuses to open the file instead."""
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
    key DuckDB needs httpfs (its OpenSSL), to write the file and to spill. A published file opens
    as it was published (`attach_published`).
    """
    if read_only and not path.is_file():
        raise WarehouseError(
            f"No warehouse is published yet at {path}. Publish one with `heirpay run` "
            "(or try `heirpay demo`)."
        )
    connection = duckdb.connect(":memory:")
    try:
        with spill_folder(path.parent) as spill:
            connection.execute(f"set temp_directory = {quoted(str(spill))}")
            connection.execute(f"set max_temp_directory_size = {quoted(spill_limit(spill))}")
            # Of all its cursors, too: what we compute depends on no host's idea of where it is.
            connection.execute("set global TimeZone = 'UTC'")
            connection.execute(f"set memory_limit = {quoted(memory_limit)}")
            if key:
                load_httpfs(connection)
                connection.execute("set temp_file_encryption = true")
            if read_only and published_file.is_published(path):
                attach_published(connection, path, key, "heirpay")
            else:
                options = ["read_only"] if read_only else []
                if not path.exists():
                    options.append(f"storage_version {quoted(STORAGE)}")
                _attach(connection, path, path, key, "heirpay", options)
            connection.execute("use heirpay")
            yield connection
            connection.close()
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
    path: Path,
    key: str | None,
    *,
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
    timezone: str = "UTC",
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file read-only for SQL that others wrote: what is attached is all there is.

    After the attach there is no file system, no network and no extension, nothing can be attached
    again, and no setting changes that. So nothing spills: a query fails that needs more than
    `memory_limit`. `current_date` and `now()` are those of the IANA `timezone`, whatever the host's
    is. Raises WarehouseError.
    """
    with connect(path, key, read_only=True, memory_limit=memory_limit) as connection:
        connection.execute(f"set TimeZone = {quoted(timezone)}")
        if threads is not None:
            connection.execute(f"set threads = {threads:d}")
        for statement in NOTHING_ELSE:
            connection.execute(statement)
        yield connection


def attach_published(
    connection: duckdb.DuckDBPyConnection, path: Path, key: str | None, alias: str
) -> None:
    """Attach a published file read-only, as it was published: no log beside it is replayed, and
    another program that holds it open for writing keeps nobody from reading.

    Raises WarehouseError when that program, or anything else, has changed the file.
    """
    for found in published_file.logs_beside(path):
        log.warning(
            "%s lies beside %s: another program opened that file for writing. It is not read; the "
            "next `heirpay run` sets it aside.", found.name, path.name,
        )  # fmt: skip
    try:
        with published_file.private_name(path) as name:
            try:
                _attach(connection, name, path, key, alias, ["read_only"])
            except LockedError:
                with published_file.private_copy(path) as copy:
                    _attach(connection, copy, path, key, alias, ["read_only"])
    except published_file.ChangedFileError as error:
        raise WarehouseError(str(error)) from None


class LockedError(WarehouseError):
    """Another program holds the file open for writing."""


def _attach(
    connection: duckdb.DuckDBPyConnection,
    name: Path,
    path: Path,
    key: str | None,
    alias: str,
    options: list[str],
) -> None:
    """Attach the file under `name`; errors call it by `path`."""
    given = [*options, f"encryption_key {quoted(key)}"] if key else options
    suffix = f" ({', '.join(given)})" if given else ""
    try:
        connection.execute(f"attach {quoted(str(name))} as {alias}{suffix}")
    except duckdb.Error as error:
        raise _explained(path, key, error) from None


@contextmanager
def spill_folder(parent: Path) -> Iterator[Path]:
    """A folder of this connection's own below `parent`/spill, locked while it is in use and
    removed at the end; `clear_spill` removes those of processes that died."""
    folder = parent / SPILL / uuid4().hex
    with ExitStack() as stack:
        with suppress(OSError):  # on a disk that takes nothing DuckDB works in memory alone
            folder.mkdir(parents=True, mode=0o700)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder


def clear_spill(parent: Path) -> None:
    """Remove what connections spilled below `parent`/spill whose processes are gone."""
    for left in (parent / SPILL).glob("*"):
        if not left.is_dir():
            left.unlink(missing_ok=True)
            continue
        with suppress(FileNotFoundError):
            descriptor = os.open(left, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            except BlockingIOError:
                pass  # in use
            finally:
                os.close(descriptor)


def quoted(text: str) -> str:
    """A text as a literal of SQL, for the statements that take no parameter."""
    return "'" + text.replace("'", "''") + "'"


def identifier(*parts: str) -> str:
    """A name (`table`, or `schema`, `table`) as SQL takes it, whatever it is made of."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _explained(path: Path, key: str | None, error: duckdb.Error) -> WarehouseError:
    text = str(error).lower()
    if "could not set lock" in text:
        return LockedError(f"{path.name} is open for writing in another program: close it there.")
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
