"""Landing bank statements: the files of their folder that are new, read and verified."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from heirpay_pipelines.bank.csv_mapping import MappingError, mapping_text
from heirpay_pipelines.bank.document import Document
from heirpay_pipelines.bank.folder import BankFile, bank_file, ignored, statement_files
from heirpay_pipelines.bank.guard import GuardedReader
from heirpay_pipelines.bank.records import records
from heirpay_pipelines.bank.register import Register
from heirpay_pipelines.bank.statement import Statement, StatementError
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Writer

MODE = "bank"
LANDED = "select distinct payload ->> '$.file_sha256' from {files} where source = 'bank'"
REFUSED = """
select
    payload ->> '$.file_sha256' as sha256, list(distinct payload ->> '$.mapping_sha256'),
    max(observed_at)
from {files}
where source = 'bank' and (payload ->> '$.file_sha256') is not null
group by 1
having arg_max(coalesce(payload ->> '$.resolved', 'false'), observed_at) <> 'true'
"""
MOMENT = timedelta(seconds=1)
CARD = "its name holds what may be a card number, which is not written down: rename the file"
IGNORED = "is no file of this folder (a link to a folder, a pipe or a device) and is not read"


@dataclass(frozen=True)
class Quarantined:
    """A file that was not landed, and why."""

    file_name: str
    reason: str


@dataclass(frozen=True)
class BankOutcome:
    """What the folder brought: files landed, lines in them, files refused, and what else to know
    of the folder."""

    files: int
    lines: int
    quarantined: tuple[Quarantined, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Landed:
    """What one file came to."""

    found: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Quarantined] = field(default_factory=list)


def land_bank_statements(home: Home, as_of: datetime) -> BankOutcome:
    """Land every file of the statements' folder that is not landed yet; `as_of` is UTC.

    Call it after the night's pull was landed: the lines belong to the same account. A file that
    cannot be trusted is quarantined (an object `quarantine` and a line of the coverage) and tried
    again when it or the mapping changes. For a night before the newest pull nothing is landed.
    """
    landing = Landing.of(home)
    newest = landing.newest()
    if newest is None or as_of < newest.as_of:
        return BankOutcome(0, 0, ())
    notes = tuple(f"{name} {IGNORED}" for name in ignored(home.bank_dir))
    fresh = _fresh(home, landing, as_of)
    if not fresh:
        return BankOutcome(0, 0, (), notes)
    return replace(asyncio.run(_land(home, landing, newest, as_of, fresh)), notes=notes)


def new_files(home: Home, as_of: datetime) -> list[tuple[Path, str]]:
    """The statement files that a night as of `as_of` (UTC) would land, each with its SHA-256."""
    landing = Landing.of(home)
    newest = landing.newest()
    if newest is None or as_of < newest.as_of:
        return []
    return [(file.path, file.sha256) for file in _fresh(home, landing, as_of)]


def read_file(path: Path) -> tuple[str, list[Statement]]:
    """The format of a statement file and its verified statements; StatementError otherwise. A
    ZIP is read whole or refused."""
    with GuardedReader() as reader:
        documents = reader.read(path, mapping_text(bank_file(path, path.parent).mapping))
    for document in documents:
        if document.refusal is not None:
            raise StatementError(document.refusal)
    return documents[0].kind or "", [s for document in documents for s in document.statements]


def _fresh(home: Home, landing: Landing, as_of: datetime) -> list[BankFile]:
    paths = list(statement_files(home.bank_dir))
    if not paths:
        return []
    landed, refused = _known(landing, as_of)
    files = [bank_file(path, home.bank_dir) for path in paths]
    seen: set[str] = set()
    fresh: list[BankFile] = []
    for file in files:
        mapping = file.mapping_sha256
        tried = refused.get(file.sha256)
        is_known = mapping in tried.mappings if tried else file.sha256 in landed
        if not is_known and file.sha256 not in seen:
            fresh.append(file)
        seen.add(file.sha256)
    return fresh


@dataclass(frozen=True)
class _Refused:
    """A file in quarantine: with which mappings it was tried, and when last (naive UTC)."""

    mappings: frozenset[str]
    last_at: datetime


def _known(landing: Landing, as_of: datetime) -> tuple[set[str], dict[str, _Refused]]:
    """SHA-256 of every file that was landed, and each that is in quarantine."""
    landed: set[str] = set()
    refused: dict[str, _Refused] = {}
    present = landing.files(as_of)
    with open_files(landing) as connection:
        if "bank_statement" in present:
            files = relation(landing, present["bank_statement"])
            landed = {row[0] for row in connection.execute(LANDED.format(files=files)).fetchall()}
        if "quarantine" in present:
            files = relation(landing, present["quarantine"])
            for digest, mappings, at in connection.execute(REFUSED.format(files=files)).fetchall():
                refused[digest] = _Refused(frozenset(mappings), at)
    return landed, refused


@contextmanager
def _register(landing: Landing, as_of: datetime) -> Iterator[Register]:
    with open_files(landing) as connection:
        yield Register.of(landing, connection, landing.files(as_of))


async def _land(
    home: Home,
    landing: Landing,
    newest: Manifest,
    as_of: datetime,
    fresh: list[BankFile],
) -> BankOutcome:
    started = datetime.now(UTC)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-bank"
    writer = Writer(
        landing,
        pull_id,
        newest.account,
        newest.api_version,
        as_of,
        suppressed=suppression_list(home),
    )
    _, waiting = _known(landing, as_of)
    lines, files, refused, coverage = 0, 0, [], []
    with GuardedReader() as reader, _register(landing, as_of) as register:
        for file in fresh:
            made = _read(reader, register, file, pull_id)
            for record in made.found:
                await writer.add(record, MODE)
            if not made.refused and file.sha256 in waiting:
                # Later than the refusal, so that it is the newer of the two.
                refused_at = waiting[file.sha256].last_at.replace(tzinfo=UTC)
                await writer.add(_resolved(file, pull_id), MODE, max(as_of, refused_at + MOMENT))
            lines += (booked := sum(r["object"] == "bank_transaction" for r in made.found))
            files += not made.refused
            refused += made.refused
            coverage.append(_coverage(file, made, booked))
    # The pull's own cursor stays: the next night follows the event log from where it was.
    commit(
        home.state_file,
        landing,
        replace(
            newest,
            pull_id=pull_id,
            as_of=as_of,
            mode=MODE,
            started_at=started,
            ended_at=datetime.now(UTC),
            requests=0,
            files=await writer.finish(),
            coverage=tuple(coverage),
        ),
    )
    return BankOutcome(files, lines, tuple(refused))


def _read(reader: GuardedReader, register: Register, file: BankFile, pull_id: str) -> _Landed:
    made = _Landed()
    try:
        documents = reader.read(file.path, mapping_text(file.mapping))
    except MappingError as error:
        documents = [Document(None, None, refusal=str(error))]
    number = 0
    for document in documents:
        name = f"{file.name}/{document.member}" if document.member else file.name
        if document.refusal is not None:
            made.refused.append(Quarantined(name, document.refusal))
            continue
        made.found += records(
            document.statements, name, file.sha256, document.kind or "", register, number
        )
        number += len(document.statements)
    if made.refused:
        made.found.append(_quarantine_record(file, made.refused, pull_id))
    return made


def _quarantine_record(file: BankFile, refused: list[Quarantined], pull_id: str) -> dict[str, Any]:
    # The file itself stays in its folder; the record says which one and why.
    return {
        "id": f"quarantine_{file.sha256[:24]}",
        "object": "quarantine",
        "reason": "; ".join(f"bank statement {r.file_name}: {r.reason}" for r in refused[:20]),
        "pull_id": pull_id,
        "file_name": file.name,
        "file_sha256": file.sha256,
        "mapping_sha256": file.mapping_sha256,
    }


def _resolved(file: BankFile, pull_id: str) -> dict[str, Any]:
    """A newer version of the record: the file was read after all."""
    record = _quarantine_record(file, [Quarantined(file.name, "was refused, is landed")], pull_id)
    return record | {"resolved": True, "resolved_as": file.name}


def _coverage(file: BankFile, made: _Landed, lines: int) -> dict[str, Any]:
    dates = sorted(r["booking_date"] for r in made.found if r["object"] == "bank_transaction")
    reasons = [f"bank statement {r.file_name}: {r.reason}" for r in made.refused[:20]]
    if file.hides_a_card_number:
        reasons.append(CARD)
    return {
        "endpoint": f"bank/{file.name}",
        "object_name": "bank_transaction",
        "mode": MODE,
        "covered_from": dates[0] if dates else None,
        "covered_until": dates[-1] if dates else None,
        "rows": lines,
        "requests": 0,
        "status": "quarantined" if made.refused else "complete",
        "reason": "; ".join(reasons) or None,
    }
