"""Reading landed Parquet with DuckDB, plain or encrypted, in bounded memory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

from heirpay_pipelines.duck import load_httpfs, quoted
from heirpay_pipelines.host.spill import spill_limit
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandedFile, LandingError

MEMORY = "256MB"
THREADS = 2
KEY_NAME = "landing"


def parquet_key(key: str) -> str:
    """A Parquet key must have 16, 24 or 32 bytes: the SHA-256 of the setting, as a SQL literal."""
    return f"'{base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()}'"


def use_key(connection: duckdb.DuckDBPyConnection, key: str | None) -> None:
    """Let the connection read and write the landing's Parquet files, when they are encrypted."""
    if key:
        load_httpfs(connection)
        connection.execute(f"pragma add_parquet_key('{KEY_NAME}', {parquet_key(key)})")


@contextmanager
def open_files(landing: Landing) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with no database of its own. What does not fit into memory spills below the
    landing folder, encrypted when the landing is.

    Raises LandingError when a file cannot be read. DuckDB's own words would quote the data.
    """
    spill = landing.root / "spill"
    spill.mkdir(parents=True, exist_ok=True, mode=0o700)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY, "threads": THREADS, "temp_directory": str(spill),
        "max_temp_directory_size": spill_limit(spill),
    }  # fmt: skip
    with duckdb.connect(":memory:", config=config) as connection:
        use_key(connection, landing.key)
        if landing.key:
            connection.execute("set temp_file_encryption = true")
        try:
            yield connection
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            landing.verify()  # names the file
            raise LandingError(
                f"The landing cannot be read ({type(error).__name__}): a Parquet file below "
                "landing/objects is damaged, or HEIRPAY_ENCRYPTION_KEY is not the one it was "
                "written with."
            ) from None


def relation(landing: Landing, files: Iterable[LandedFile]) -> str:
    """The files as a table expression of SQL."""
    paths = ", ".join(quoted(str(landing.root / file.path)) for file in files)
    options = f", encryption_config = {{footer_key: '{KEY_NAME}'}}" if landing.key else ""
    return f"read_parquet([{paths}]{options})"
