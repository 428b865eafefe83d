"""Whether the published files are those that the audit log says were published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from heirpay_pipelines.audit.verify import Finding
from heirpay_pipelines.home import Home
from heirpay_pipelines.published_file import digest, is_being_replaced
from heirpay_pipelines.state.database import State

HASHES = "sha256"
"""In a record's detail: SHA-256 by file name below the warehouse's folder."""
RECORDED = "select sequence, detail from audit_log where detail like '%\"sha256\":{%'"


def hash_of(home: Home, file: Path, found: str) -> dict[str, Any]:
    """The part of a record's detail that says what a published file is from now on."""
    return {HASHES: {file.relative_to(home.warehouse_dir).as_posix(): found}}


def hashes_of(home: Home) -> dict[str, Any]:
    """The same for every published file, as they are now."""
    files = [home.warehouse, *sorted(home.warehouse_dir.glob("nights/*.duckdb"))]
    every: dict[str, str] = {}
    for file in files:
        if file.is_file():
            every |= hash_of(home, file, digest(file))[HASHES]
    return {HASHES: every}


def verify_published(home: Home, state: State) -> tuple[int, list[Finding]]:
    """How many published files were held against the log, and those that differ from it.

    While a file is being replaced, or when a kill came in between, it may also be the one before.
    """
    recorded: dict[str, list[tuple[int, str]]] = {}
    for row in state.rows(f"{RECORDED} order by sequence"):
        for name, known in json.loads(row["detail"])[HASHES].items():
            recorded.setdefault(name, []).append((row["sequence"], known))
    compared, findings = 0, []
    for name, known in recorded.items():
        file = home.warehouse_dir / name
        if not file.is_file():
            continue
        compared += 1
        allowed = known[-2:] if is_being_replaced(file) else known[-1:]
        if digest(file) not in {found for _, found in allowed}:
            said = f"{name} is not the file that record {known[-1][0]} says was published"
            findings.append(Finding("published_differs", known[-1][0], said))
    return compared, findings
