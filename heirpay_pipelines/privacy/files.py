"""Texts in the files beside landing, warehouse and state: reports, Data Docs, workbooks, Dagster's
records, quarantined files."""

from __future__ import annotations

import codecs
import gzip
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import draft_of
from heirpay_pipelines.backup import COPIES
from heirpay_pipelines.duck import identifier
from heirpay_pipelines.home import Home
from heirpay_pipelines.privacy.tables import tables_of_duckdb, tables_of_parquet

Change = Callable[[str], str]
SQLITE = b"SQLite format 3\x00"
ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
PARQUET, DUCKDB = b"PAR1", b"DUCK"
# These have their own ways, proposals are signed, and copies of the home are deleted whole; what a
# bank delivered is a record that the law demands kept.
OWN_WAYS = ("landing", "warehouse", "state", "proposals", *COPIES)


def other_files(home: Home) -> Iterator[Path]:
    """Every file under HEIRPAY_HOME that is neither landing, warehouse, state nor a bank's."""
    for path in sorted(home.folder.rglob("*")):
        relative = path.relative_to(home.folder)
        if path.is_symlink() or not path.is_file() or relative.parts[0] in OWN_WAYS:
            continue
        if not path.is_relative_to(home.bank_dir):
            yield path


def bank_files(home: Home) -> Iterator[Path]:
    """The bank's own files."""
    if home.bank_dir.is_dir():
        yield from (path for path in sorted(home.bank_dir.rglob("*")) if path.is_file())


def texts_of(path: Path, key: str | None) -> Iterator[str]:
    """Every text in a file, whatever holds it: text, ZIP (also XLSX), gzip, SQLite, Parquet, DuckDB
    or plain bytes, sealed or not, packed in one another. Raises EncryptionKeyError when `key` does
    not open a sealed one."""
    content = sealed.read(path, key, plain_too=True)
    if content.startswith(SQLITE):
        with closing(_open(path)) as connection:
            for table, column in _text_columns(connection):
                for (text,) in connection.execute(
                    f"select {identifier(column)} from {identifier(table)}"
                ):
                    if isinstance(text, str | bytes):
                        yield from _texts_in(text)
    elif content.startswith(PARQUET):
        yield from tables_of_parquet(path)
    elif content[8:12] == DUCKDB:
        yield from tables_of_duckdb(path, key)
    yield from _texts_in(content)


def _texts_in(content: str | bytes) -> Iterator[str]:
    """The texts of a cell or a file's bytes, unpacked."""
    if isinstance(content, bytes) and content.startswith(ZIP):
        with zipfile.ZipFile(BytesIO(content)) as packed:
            for name in packed.namelist():
                yield name
                yield from _texts_in(packed.read(name))
    elif isinstance(content, bytes) and content.startswith(GZIP):
        with suppress(OSError, EOFError, zlib.error):  # only looks so, or was cut
            yield from _texts_in(gzip.decompress(content))
    yield from _decoded(content)


def _decoded(content: str | bytes) -> Iterator[str]:
    """The text as UTF-8, and where it is none as banks and spreadsheets write it, too."""
    yield _text(content)
    if isinstance(content, bytes):
        try:
            content.decode()
        except UnicodeDecodeError:
            yield content.decode("cp1252", "replace")
            if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                yield content.decode("utf-16", "replace")


def rewrite(path: Path, key: str | None, change: Change) -> bool:
    """Change the texts of a file; whether any changed. The file is replaced in one step, and
    sealed again when it was."""
    content = sealed.read(path, key, plain_too=True)
    if content.startswith(SQLITE):
        return _rewrite_sqlite(path, change)
    new = rewritten(content, change)
    if new == content:
        return False
    replace_file(path, new, key if sealed.is_sealed(path) else None)
    return True


def rewritten(content: bytes, change: Change) -> bytes:
    """The content of a text, ZIP or gzip file with its texts changed."""
    if content.startswith(ZIP):
        return _rewrite_zip(content, change)
    if content.startswith(GZIP):
        return _rewrite_gzip(content, change)
    return _rewrite_text(content, change)


def _rewrite_gzip(content: bytes, change: Change) -> bytes:
    try:
        before = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content
    after = rewritten(before, change)
    return content if after == before else gzip.compress(after)


def replace_file(path: Path, content: bytes, key: str | None = None) -> None:
    """The file has its old content or the new one, never half; for its owner only."""
    partial = draft_of(path)
    sealed.write(partial, content, key)
    partial.replace(path)


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def _rewrite_text(content: bytes, change: Change) -> bytes:
    try:
        return change(content.decode()).encode()
    except UnicodeDecodeError:
        return content  # no text: the scan says when the person is in it


def _rewrite_zip(content: bytes, change: Change) -> bytes:
    out, changed = BytesIO(), False
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            before = old.read(item)
            after = rewritten(before, change)
            changed = changed or after != before
            new.writestr(item, after)
    return out.getvalue() if changed else content


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _text_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    tables = connection.execute(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    ).fetchall()
    for (table,) in tables:
        for column in connection.execute(f"pragma table_info({identifier(table)})").fetchall():
            yield table, column[1]


def _rewrite_sqlite(path: Path, change: Change) -> bool:
    with closing(_open(path)) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("begin immediate")
        count = 0
        for table, column in _text_columns(connection):
            cells = connection.execute(
                f"select rowid, {identifier(column)} from {identifier(table)}"
            ).fetchall()
            new = [
                (after, place)
                for place, before in cells
                if isinstance(before, str) and (after := change(before)) != before
            ]
            connection.executemany(
                f"update {identifier(table)} set {identifier(column)} = ? where rowid = ?", new
            )
            count += len(new)
        connection.execute("commit")
        raw = _text(path.read_bytes())
        if count or change(raw) != raw:  # or in a free page, of a row that was deleted
            count += 1
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
    return bool(count)
