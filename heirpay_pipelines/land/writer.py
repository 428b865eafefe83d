"""Writing versions of objects to Parquet, in files of bounded size."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from heirpay_pipelines.duck import load_httpfs
from heirpay_pipelines.land.landing import Landing, sha256_of
from heirpay_pipelines.land.manifest import LandedFile, sync_folder

BATCH_BYTES = 24 * 2**20
COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("object", pa.string()),
        ("account", pa.string()),
        ("livemode", pa.bool_()),
        ("created", pa.timestamp("us")),
        ("observed_at", pa.timestamp("us")),
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("api_version", pa.string()),
        ("payload", pa.string()),
    ]
)
Object = dict[str, Any]


@dataclass
class Batch:
    """Versions of one object type that are not written yet."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    size: int = 0


@dataclass
class Writer:
    """Collects the versions of one pull; `files` are what it has written so far.

    Memory stays under BATCH_BYTES for each object type, however much is pulled.
    """

    landing: Landing
    pull_id: str
    account: str
    api_version: str
    observed_at: datetime
    files: list[LandedFile] = field(default_factory=list)
    _batches: dict[str, Batch] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add(
        self,
        obj: Object,
        source: str,
        observed_at: datetime | None = None,
        event_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Add one version. What is no Stripe object goes to `quarantine`, with the reason."""
        fault = fault_of(obj)
        if fault is not None:
            obj = quarantined(obj, fault, self.pull_id)
        payload = orjson.dumps(obj)
        created = obj.get("created")
        row = (
            obj.get("id") or self.account,
            obj["object"],
            self.account,
            bool(obj.get("livemode", False)),
            _naive(created) if isinstance(created, int) else None,
            (observed_at or self.observed_at).replace(tzinfo=None),
            source,
            event_id,
            api_version or self.api_version,
            payload.decode(),
        )
        batch = self._batches.setdefault(obj["object"], Batch())
        batch.rows.append(row)
        batch.size += len(payload)
        if batch.size >= BATCH_BYTES:
            await self._write(obj["object"])

    async def finish(self) -> tuple[LandedFile, ...]:
        """Write what is left; the files are on disk when this returns."""
        for name in list(self._batches):
            await self._write(name)
        return tuple(self.files)

    async def _write(self, name: str) -> None:
        batch = self._batches.pop(name, None)
        if batch is None:
            return
        async with self._lock:
            number = len(self.files)
            file = await asyncio.to_thread(self._write_file, name, batch, number)
            self.files.append(file)

    def _write_file(self, name: str, batch: Batch, number: int) -> LandedFile:
        folder = self.landing.objects_dir / name.replace(".", "_")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{self.pull_id}-{number:05d}.parquet"
        columns = list(zip(*batch.rows, strict=True))
        table = pa.table([pa.array(c, f.type) for c, f in zip(columns, COLUMNS, strict=True)],
                         schema=COLUMNS)  # fmt: skip
        write_parquet(table, path, self.landing.key)
        sync_folder(folder)
        relative = str(path.relative_to(self.landing.root))
        return LandedFile(relative, name, len(batch.rows), sha256_of(path))


def write_parquet(table: pa.Table, path: Path, key: str | None) -> None:
    """Write through DuckDB, which can encrypt; the file is fsynced, mode 0600."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("versions", table)
        options = "format parquet, compression zstd"
        if key:
            load_httpfs(connection)
            connection.execute(f"pragma add_parquet_key('landing', {parquet_key(key)})")
            options += ", encryption_config {footer_key: 'landing'}"
        quoted = str(path).replace("'", "''")
        connection.execute(f"copy (select * from versions) to '{quoted}' ({options})")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def parquet_key(key: str) -> str:
    """A Parquet key must have 16, 24 or 32 bytes: the SHA-256 of the setting, as a SQL literal."""
    return f"'{base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()}'"


def fault_of(obj: object) -> str | None:
    """Why something that was listed cannot be landed as an object, or None."""
    if not isinstance(obj, dict):
        return f"not an object but {type(obj).__name__}"
    if not isinstance(obj.get("object"), str):
        return "field `object` is missing or no text"
    if obj["object"] != "balance" and not isinstance(obj.get("id"), str):
        return "field `id` is missing or no text"
    created = obj.get("created")
    if created is not None and (not isinstance(created, int) or isinstance(created, bool)):
        return "field `created` is no integer"
    return None


def quarantined(raw: object, reason: str, pull_id: str) -> Object:
    text = orjson.dumps(raw).decode()
    return {
        "id": f"quarantine_{hashlib.sha256(text.encode()).hexdigest()[:24]}",
        "object": "quarantine",
        "reason": reason,
        "pull_id": pull_id,
        "raw": text,
    }


def _naive(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
