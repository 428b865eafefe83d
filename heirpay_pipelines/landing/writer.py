"""Writing versions of objects to Parquet, in files of bounded size."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from heirpay_pipelines.at_rest.places import sync_folder
from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.duck import quoted
from heirpay_pipelines.landing.landing import Landing, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile, LandingError
from heirpay_pipelines.landing.read import KEY_NAME, use_key
from heirpay_pipelines.landing.suppression_list import SuppressionList

MICROSECONDS = 1_000_000
END_OF_TIME = 253_402_300_800  # the year 10000 in epoch seconds
OBJECT_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}(\.[a-z][a-z0-9_]{0,60}){0,4}")
"""It becomes the name of a folder and of a view."""
BATCH_BYTES = 16 * 2**20
BUFFER_BYTES = 40 * 2**20
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
OF_SEVERAL_CURRENCIES = ("customer", "plan", "price")
"""Theirs is the usual one: an older subscription of the customer, or an option of the price, has
another, and what is billed states its own."""
Object = dict[str, Any]


@dataclass
class Batch:
    """Versions of one object type that are not written yet."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    size: int = 0


@dataclass
class Writer:
    """Collects the versions of one pull; `files` are what it has written so far.

    Memory is bounded however much is pulled: an object type is written at BATCH_BYTES of payload,
    and the largest when all together pass BUFFER_BYTES.
    """

    landing: Landing
    pull_id: str
    account: str
    api_version: str
    observed_at: datetime
    # Nobody may forget it: None says that nobody was erased.
    suppressed: SuppressionList | None = field(kw_only=True)
    files: list[LandedFile] = field(default_factory=list)
    _batches: dict[str, Batch] = field(default_factory=dict)
    _observed: int = field(init=False)
    _buffered: int = 0
    _written: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._observed = micros(self.observed_at)

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
            None if created is None else created * MICROSECONDS,
            micros(observed_at) if observed_at else self._observed,
            source,
            event_id,
            api_version or self.api_version,
            payload.decode(),
        )
        batch = self._batches.setdefault(obj["object"], Batch())
        batch.rows.append(row)
        batch.size += len(payload)
        self._buffered += len(payload)
        if batch.size >= BATCH_BYTES:
            await self.flush(obj["object"])
        elif self._buffered >= BUFFER_BYTES:
            await self.flush(max(self._batches, key=lambda name: self._batches[name].size))

    async def finish(self) -> tuple[LandedFile, ...]:
        """Write what is left; the files are on disk when this returns, and hold nothing of people
        who were erased."""
        await self.flush_all()
        if self.suppressed is not None:
            self.files = await asyncio.to_thread(self.suppressed.apply, self.landing, self.files)
        return tuple(self.files)

    async def flush_all(self) -> None:
        """Write what is buffered of every object type."""
        for name in list(self._batches):
            await self.flush(name)

    async def flush(self, name: str) -> None:
        """Write what is buffered of one object type. One file is written at a time: who brings
        more meanwhile waits, so that memory stays bounded."""
        async with self._lock:
            batch = self._batches.pop(name, None)
            if batch is None:
                return
            self._buffered -= batch.size
            try:
                file = await asyncio.to_thread(self._write_file, name, batch, self._written)
            except (OSError, duckdb.Error) as error:
                raise LandingError(
                    f"landing/objects cannot be written ({_why(error)}). Nothing of this pull is "
                    "visible; free space or give this user access, and run again."
                ) from None
            self._written += 1
            self.files.append(file)

    def _write_file(self, name: str, batch: Batch, number: int) -> LandedFile:
        folder = self.landing.objects_dir / name.replace(".", "_")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{self.pull_id}-{number:05d}.parquet"
        columns = list(zip(*batch.rows, strict=True))
        table = pa.table([pa.array(c, f.type) for c, f in zip(columns, COLUMNS, strict=True)],
                         schema=COLUMNS)  # fmt: skip
        write_parquet(table, path, self.landing.key)
        relative = str(path.relative_to(self.landing.root))
        return LandedFile(relative, name, len(batch.rows), sha256_of(path))


def write_parquet(table: pa.Table, path: Path, key: str | None) -> None:
    """Write through DuckDB, which can encrypt; the file is fsynced, mode 0600."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("versions", table)
        options = "format parquet, compression zstd"
        use_key(connection, key)
        if key:
            options += f", encryption_config {{footer_key: '{KEY_NAME}'}}"
        connection.execute(f"copy (select * from versions) to {quoted(str(path))} ({options})")
    sync_private(path)


def sync_private(path: Path) -> None:
    """Bring a file (mode 0600) and its name to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def fault_of(obj: object) -> str | None:
    """Why something that was listed cannot be landed as an object that is understood, or None."""
    if not isinstance(obj, dict):
        return f"not an object but {type(obj).__name__}"
    if not isinstance(obj.get("object"), str):
        return "field `object` is missing or no text"
    if not OBJECT_NAME.fullmatch(obj["object"]):
        return "field `object` is no name of a kind of object (lower case, digits, _ and .)"
    if obj["object"] != "balance" and not isinstance(obj.get("id"), str):
        return "field `id` is missing or no text"
    created = obj.get("created")
    if created is not None and type(created) is not int:
        return "field `created` is no integer"
    if created is not None and not 0 <= created < END_OF_TIME:
        return "field `created` is no instant"
    return _currency_fault(obj)


def _currency_fault(obj: Object) -> str | None:
    """Amounts of an unknown currency are never guessed."""
    currency = obj.get("currency")
    if not isinstance(currency, str) or obj["object"] in OF_SEVERAL_CURRENCIES:
        return None
    if currency.lower() in exponents():
        return None
    return (
        f"currency {currency!r} is not known: add it with its decimals (from Stripe's list) to"
        " dbt/seeds/currencies.csv, then `heirpay quarantine retry`"
    )


def quarantined(raw: object, reason: str, pull_id: str) -> Object:
    text = orjson.dumps(raw).decode()
    return {
        "id": f"quarantine_{hashlib.sha256(text.encode()).hexdigest()[:24]}",
        "object": "quarantine",
        "reason": reason,
        "pull_id": pull_id,
        "raw": text,
    }


def _why(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
    return text or type(error).__name__


def micros(at: datetime) -> int:
    """Epoch microseconds: what a Parquet timestamp holds."""
    return int(at.timestamp()) * MICROSECONDS + at.microsecond
