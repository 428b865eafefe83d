"""Writing and verifying an evidence folder.

`manifest.json` lists each file with its SHA-256 and is signed with Ed25519; the private key lies
under HEIRPAY_HOME (0600), its public half in the folder. What an auditor compares is the public
key's fingerprint, told once by another way.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from heirpay_pipelines.at_rest.places import open_to_write, own_folder
from heirpay_pipelines.at_rest.signing import public_half
from heirpay_pipelines.audit import Action, append, head, verify
from heirpay_pipelines.audit.heads import known_heads
from heirpay_pipelines.controls.evidence.profile import profile
from heirpay_pipelines.controls.evidence.signing import signing_key
from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.home import Home
from heirpay_pipelines.state.database import State
from heirpay_pipelines.text.spreadsheet_csv import write_csv

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.hex"
ERASURE = "a person's data was erased (GDPR article 17)"
PACKAGES = ("heirpay-pipelines", "duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "stripe")


class EvidenceError(Exception):
    """The evidence cannot be written. The message says what to do."""


def write_evidence(
    home: Home, state: State, target: Path, since: date, until: date, at: datetime, by: str
) -> Path:
    """Write control results, audit log, runs, attestations, waivers, the register, data profiles,
    chain head, versions and the signed manifest.

    `since` and `until` are inclusive days in UTC. EvidenceError when `target` holds files already.
    """
    if target.is_dir() and any(target.iterdir()):
        raise EvidenceError(f"{target.name} is not empty: name a new folder with --to-folder")
    own_folder(target)
    span = (since.isoformat(), f"{until.isoformat()}T23:59:59.999999+00:00")
    detail = {"from": since.isoformat(), "to": span[1]}
    append(state, at, by, Action.EVIDENCE_WRITTEN, target.name, detail)
    for name, column in (("control_results", "checked_at"), ("audit_log", "occurred_at"),
                         ("runs", "started_at"), ("attestations", "attested_at"),
                         ("waivers", "requested_at")):  # fmt: skip
        rows = state.rows(
            f"select * from {name} where {column} between ? and ? order by 1, 2", span
        )
        _write_csv(target / f"{name}.csv", rows)
    checked = verify(state, known_heads(home))
    register = [item.model_dump(mode="json") for item in load_register()]
    documents: dict[str, Any] = {
        "controls.json": register,
        "data_profile.json": profile(home),
        "audit_chain.json": {
            "head": str(head(state)),
            "records": checked.records,
            "findings": [finding.detail for finding in checked.findings],
        },
        "versions.json": {name: version(name) for name in PACKAGES},
    }
    for name, content in documents.items():
        _write(target / name, json.dumps(content, indent=1, sort_keys=True).encode())
    _sign(home, target, {"from": since.isoformat(), "to": until.isoformat(), "by": by,
                             "written_at": at.astimezone(UTC).isoformat(),
                             "audit_head": str(head(state))})  # fmt: skip
    return target


def verify_evidence(folder: Path, public_key: str | None = None) -> list[str]:
    """What is wrong with an evidence folder; empty when it is as it was written.

    `public_key` (hexadecimal) is the one the auditor was told; without it only the folder's
    wholeness is proved, not who wrote it.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        claimed = (folder / PUBLIC_KEY).read_text().strip()
        signature = bytes.fromhex((folder / SIGNATURE).read_text())
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(claimed)).verify(signature, text)
        listed = json.loads(text)["files"]
    except (OSError, ValueError, InvalidSignature) as error:
        return [f"the manifest or its signature is not what was written ({type(error).__name__})"]
    faults = []
    if public_key is not None and public_key.lower() != claimed:
        faults.append("the folder was signed with another key")
    present = {p.name for p in folder.iterdir()} - {MANIFEST, SIGNATURE, PUBLIC_KEY}
    faults += [f"{name} was added" for name in sorted(present - set(listed))]
    for name, digest in sorted(listed.items()):
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif _sha256(path) != digest:
            faults.append(f"{name} was changed")
    return faults


def rewritings(folder: Path) -> list[dict[str, str]]:
    """When and why a folder was signed again, the oldest first: `at`, `why` and the SHA-256 of the
    manifest before (`instead_of`), which an auditor who has the first one can compare."""
    found: list[dict[str, str]] = json.loads((folder / MANIFEST).read_text()).get("rewritten", [])
    return found


def rewrite_evidence(
    home: Home,
    state: State,
    folder: Path,
    change: Callable[[Path], bool],
    by: str,
    at: datetime,
) -> int:
    """Change files of the evidence folders below `folder` (an erasure does) and sign those folders
    again; how many files changed. The new manifest says that it happened and what it replaces, and
    so does the audit log.

    A folder is changed as a copy that takes its place. One that is not as it was written is left
    alone: a signature must not hide that.
    """
    count = 0
    for old in folder.glob(".*.old"):
        target = old.with_name(old.name[1:].removesuffix(".old"))
        old.rename(target) if not target.exists() else shutil.rmtree(old)
    for target in sorted(folder.glob("[!.]*")):
        if verify_evidence(target):
            continue
        draft, old = (
            target.with_name(f".{target.name}.draft"),
            target.with_name(f".{target.name}.old"),
        )
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(target, draft, symlinks=True)
        facts = json.loads((draft / MANIFEST).read_text())
        for name in (MANIFEST, SIGNATURE, PUBLIC_KEY):
            (draft / name).unlink()
        changed = sum(change(path) for path in sorted(draft.iterdir()))
        if changed:
            del facts["files"]
            before = _sha256(target / MANIFEST)
            entry = {"at": at.astimezone(UTC).isoformat(), "instead_of": before, "why": ERASURE}
            _sign(home, draft, {**facts, "rewritten": [*facts.get("rewritten", []), entry]})
            detail = {"files": changed, "before": before, "after": _sha256(draft / MANIFEST)}
            append(state, datetime.now(UTC), by, Action.EVIDENCE_REWRITTEN, target.name, detail)
            target.rename(old)
            draft.rename(target)
            shutil.rmtree(old)
        shutil.rmtree(draft, ignore_errors=True)
        count += changed
    return count


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sign(home: Home, target: Path, facts: dict[str, Any]) -> None:
    key = signing_key(home)
    files = {path.name: _sha256(path) for path in sorted(target.iterdir())}
    manifest = rfc8785.dumps({**facts, "files": files})
    _write(target / MANIFEST, manifest)
    _write(target / SIGNATURE, key.sign(manifest).hex().encode())
    _write(target / PUBLIC_KEY, public_half(key).encode())


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with os.fdopen(open_to_write(path), "w", newline="", encoding="utf-8") as file:
        if rows:
            write_csv(file, list(rows[0]), (row.values() for row in rows))


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(open_to_write(path), "wb") as file:
        file.write(content)
