"""Landed files under a new key: written beside the old ones, then the manifest is replaced.

A manifest lists files of one key only, so that each pull changes over in one step; killed before
it, the old files count, and what no manifest lists is removed at the end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from heirpay_pipelines.duck import load_httpfs, quoted
from heirpay_pipelines.landing.landing import Landing, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile, LandingError, Manifest, write_manifest
from heirpay_pipelines.landing.read import open_files, parquet_key
from heirpay_pipelines.landing.writer import sync_private
from heirpay_pipelines.rotate.keys import Keys, RotationError

FINGERPRINT = "select count(*), bit_xor(hash(landed)) from {files} as landed"


def rotate_landing(root: Path, keys: Keys) -> int:
    """Bring every landed file to the new key; how many were written.

    A file that is not what its manifest says is refused: it must not get a new checksum.
    Raises RotationError naming it.
    """
    landing = Landing(root, keys.new)
    manifests = landing.manifests()
    if not manifests:
        return 0
    written = 0
    try:
        with open_files(landing) as connection:
            _add_keys(connection, keys)
            for manifest in manifests:
                written += _rotate_pull(connection, landing, manifest, keys)
    except LandingError as error:
        raise RotationError(str(error)) from None
    landing.discard_uncommitted(lost_too=True)
    return written


def _rotate_pull(
    connection: duckdb.DuckDBPyConnection, landing: Landing, manifest: Manifest, keys: Keys
) -> int:
    if all(_opens(connection, landing.root / f.path, "new", keys.new) for f in manifest.files):
        return 0
    files = tuple(_rotate_file(connection, landing, file, keys) for file in manifest.files)
    write_manifest(landing.manifests_dir, replace(manifest, files=files))
    for file in manifest.files:
        (landing.root / file.path).unlink()
    return len(files)


def _rotate_file(
    connection: duckdb.DuckDBPyConnection, landing: Landing, file: LandedFile, keys: Keys
) -> LandedFile:
    source = landing.root / file.path
    if not source.is_file() or sha256_of(source) != file.sha256:
        raise RotationError(
            f"landing/{file.path} is missing or does not match its checksum: restore it from a "
            "copy, then rotate the key again; it goes on where it stopped."
        )
    folder = landing.objects_dir / file.object_name.replace(".", "_") / keys.id
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / source.name
    old, new = _table(source, "old", keys.old), _table(target, "new", keys.new)
    options = "format parquet, compression zstd" + _option("new", keys.new)
    connection.execute(f"copy (select * from {old}) to {quoted(str(target))} ({options})")
    if _fingerprint(connection, old) != _fingerprint(connection, new):
        raise RotationError(f"landing/{file.path} did not come out as it was: rotate again.")
    sync_private(target)
    path = str(target.relative_to(landing.root))
    return replace(file, path=path, sha256=sha256_of(target))


def _fingerprint(connection: duckdb.DuckDBPyConnection, table: str) -> object:
    return connection.execute(FINGERPRINT.format(files=table)).fetchone()


def _add_keys(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    load_httpfs(connection)
    for name, key in (("old", keys.old), ("new", keys.new)):
        if key:
            connection.execute(f"pragma add_parquet_key({quoted(name)}, {parquet_key(key)})")
            connection.execute("set temp_file_encryption = true")


def _opens(connection: duckdb.DuckDBPyConnection, path: Path, name: str, key: str | None) -> bool:
    try:
        connection.execute(f"select count(*) from {_table(path, name, key)}")
    except duckdb.Error:
        return False
    return True


def _table(path: Path, name: str, key: str | None) -> str:
    return f"read_parquet({quoted(str(path))}{_option(name, key, ' = ')})"


def _option(name: str, key: str | None, equals: str = " ") -> str:
    return f", encryption_config{equals}{{footer_key: {quoted(name)}}}" if key else ""
