"""The folder of bank statements: which files are new, what each is, and landing them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.land.bank import bai2_file, camt053, csv_file, mt940_file, ofx_file
from heirpay_pipelines.land.bank.statement import Statement, StatementError, records, verify
from heirpay_pipelines.land.keep_away import keep_away
from heirpay_pipelines.land.landing import Landing
from heirpay_pipelines.land.manifest import Manifest, write_manifest
from heirpay_pipelines.land.views import create_landing_views
from heirpay_pipelines.land.writer import Writer
from heirpay_pipelines.settings import Settings

MAX_BYTES = 64 * 2**20
HEAD = 4_096


@dataclass(frozen=True)
class Quarantined:
    """A file that was not landed, and why."""

    file_name: str
    reason: str


@dataclass(frozen=True)
class BankOutcome:
    """What the folder brought: files landed, lines in them, files refused."""

    files: int
    lines: int
    quarantined: tuple[Quarantined, ...]


def land_bank_statements(settings: Settings, as_of: datetime) -> BankOutcome:
    """Land every file of the statements' folder that is not landed yet; `as_of` is UTC.

    Call it after the night's pull was landed: the lines belong to the same account. A file that
    cannot be trusted is quarantined (an object `quarantine` and a line of the coverage) and tried
    again when it or the mapping changes. For a night before the newest pull nothing is landed.
    """
    landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
    newest = landing.newest()
    fresh = new_files(settings, as_of)
    if newest is None or not fresh:
        return BankOutcome(0, 0, ())
    return asyncio.run(_land(settings, landing, newest, as_of, fresh))


def new_files(settings: Settings, as_of: datetime) -> list[tuple[Path, str]]:
    """The statement files that a night as of `as_of` (UTC) would land, each with its SHA-256."""
    landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
    newest = landing.newest()
    paths = list(statement_files(settings.bank_dir))
    if newest is None or as_of < newest.as_of or not paths:
        return []
    known = _known_files(landing, settings, as_of)
    return [(path, digest) for path in paths if (digest := _sha256(path)) not in known]


async def _land(
    settings: Settings,
    landing: Landing,
    newest: Manifest,
    as_of: datetime,
    fresh: list[tuple[Path, str]],
) -> BankOutcome:
    started = datetime.now(UTC)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-bank"
    writer = Writer(
        landing, pull_id, newest.account, newest.api_version, as_of, keep_away=keep_away(settings)
    )
    lines, refused, coverage = 0, [], []
    for path, digest in fresh:
        try:
            kind, statements = read_file(path)
            found = records(statements, path.name, digest, kind)
        except StatementError as error:
            refused.append(Quarantined(path.name, str(error)))
            found = [_quarantine_record(path, digest, str(error), pull_id)]
        for record in found:
            await writer.add(record, "bank")
        booked = sum(record["object"] == "bank_transaction" for record in found)
        lines += booked
        coverage.append(_coverage(path, found, booked))
    # The pull's own cursor stays: the next night follows the event log from where it was.
    write_manifest(
        landing.manifests_dir,
        replace(
            newest,
            pull_id=pull_id,
            as_of=as_of,
            mode="bank",
            started_at=started,
            ended_at=datetime.now(UTC),
            requests=0,
            files=await writer.finish(),
            coverage=tuple(coverage),
        ),
    )
    return BankOutcome(len(fresh) - len(refused), lines, tuple(refused))


def read_file(path: Path) -> tuple[str, list[Statement]]:
    """The format of a statement file and its verified statements; StatementError otherwise."""
    if path.stat().st_size > MAX_BYTES:
        raise StatementError(f"larger than {MAX_BYTES} bytes: no statement is")
    data = path.read_bytes()
    head = data[:HEAD].lstrip(b"\xef\xbb\xbf \r\n\t")
    if b"OFXHEADER" in head or b"<OFX>" in head:
        kind, statements = "ofx", ofx_file.read(data)
    elif head.startswith(b"<"):
        kind, statements = "camt.053", camt053.read(data)
    elif head.startswith(b"01,"):
        kind, statements = "bai2", bai2_file.read(data)
    elif b":20:" in head and b":25:" in head:
        kind, statements = "mt940", mt940_file.read(data)
    elif path.suffix.lower() in (".csv", ".txt", ".tsv"):
        kind, statements = "csv", csv_file.read(data, csv_file.mapping_for(path))
    else:
        raise StatementError("neither camt.053, MT940, BAI2, OFX nor CSV")
    for statement in statements:
        verify(statement)
    return kind, statements


def statement_files(folder: Path) -> Iterator[Path]:
    """The folder's files by name, without the CSV mapping and hidden ones."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name != csv_file.MAPPING_FILE and path.name[0] != ".":
                yield path


def _known_files(landing: Landing, settings: Settings, as_of: datetime) -> set[str]:
    """SHA-256 of every file that was landed, or quarantined under today's mapping, before."""
    known: set[str] = set()
    present = landing.files(as_of)
    refused = f"source = 'bank' and payload like '%{_mapping_hash(settings.bank_dir)}%'"
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, settings, as_of.replace(tzinfo=None))
        for name, condition in (("bank_statement", "true"), ("quarantine", refused)):
            if name in present:
                found = connection.execute(
                    "select json_extract_string(payload, '$.file_sha256')"
                    f" from landing.{name} where {condition}"
                )
                known |= {str(row[0]) for row in found.fetchall()}
    return known


def _quarantine_record(path: Path, digest: str, reason: str, pull_id: str) -> dict[str, Any]:
    # The file itself stays in its folder; the record says which one and why.
    return {
        "id": f"quarantine_{digest[:24]}",
        "object": "quarantine",
        "reason": f"bank statement {path.name}: {reason}",
        "pull_id": pull_id,
        "file_name": path.name,
        "file_sha256": digest,
        "mapping_sha256": _mapping_hash(path.parent),
    }


def _coverage(path: Path, found: list[dict[str, Any]], lines: int) -> dict[str, Any]:
    refused = found[0]["object"] == "quarantine"
    dates = sorted(r["booking_date"] for r in found if r["object"] == "bank_transaction")
    return {
        "endpoint": f"bank/{path.name}",
        "object_name": "bank_transaction",
        "mode": "bank",
        "covered_from": dates[0] if dates else None,
        "covered_until": dates[-1] if dates else None,
        "rows": lines,
        "requests": 0,
        "status": "quarantined" if refused else "complete",
        "reason": found[0]["reason"] if refused else None,
    }


def _mapping_hash(folder: Path) -> str:
    """A file that a mapping may explain is tried again when the mapping changes."""
    path = folder / csv_file.MAPPING_FILE
    return _sha256(path) if path.is_file() else "no mapping"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
