"""Whether the landed pulls are those that the audit log says were landed.

The log holds the SHA-256 of every pull's manifest, and the manifest that of every file: so an
amount, its file's hash and the manifest cannot be changed together unseen.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.audit.verify import Finding
from heirpay_pipelines.home import Home
from heirpay_pipelines.state.database import State

MANIFEST = "manifest"
"""In a record's detail: the SHA-256 of the pull's manifest."""
OF_PULLS = (Action.PULL_LANDED, Action.PULL_LOST, Action.LANDING_REWRITTEN)


@dataclass
class Chained:
    """What the log holds of a pull: where its manifest's digest was recorded last, whether the pull
    was given up since, and the erasures that may not have recorded the new manifest yet."""

    sequence: int
    digest: str
    place: int | None = None
    is_lost: bool = False
    rewritings: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class LandedVerification:
    """How many manifests and files were held against the log, how many are of releases that did
    not record them, and what differs."""

    manifests: int = 0
    files: int = 0
    not_recorded: int = 0
    findings: tuple[Finding, ...] = ()


def verify_landed(home: Home, state: State, *, files: bool) -> LandedVerification:
    """Hold every landed manifest against the log, with `files` every landed file against its
    manifest, too. A pull or an erasure that goes on meanwhile is no finding: they are looked at
    again before anything is said."""
    found = _verify(home, state, files)
    return _verify(home, state, files) if found.findings else found


def chained_pulls(state: State) -> dict[str, Chained]:
    """By pull: what the log holds of it."""
    places = ", ".join("?" for _ in OF_PULLS)
    pulls: dict[str, Chained] = {}
    for row in state.rows(
        f"select sequence, action, subject, detail from audit_log where action in ({places})"
        " order by sequence",
        tuple(OF_PULLS),
    ):
        known, said = pulls.get(row["subject"]), json.loads(row["detail"])
        if row["action"] == Action.PULL_LANDED:
            pulls[row["subject"]] = Chained(row["sequence"], said[MANIFEST], said.get("sequence"))
        elif known is not None and row["action"] == Action.PULL_LOST:
            known.is_lost = True
        elif known is not None:
            known.rewritings.append(said["files"])
    return pulls


def rewritten(content: bytes, files: Mapping[str, Any]) -> bytes:
    """The manifest `content` as an erasure leaves it: `files` are, by the path of each file that it
    replaced, the hash before and path and hash after."""
    record = json.loads(content)
    for file in record["files"]:
        if file["path"] in files:
            _, file["path"], file["sha256"] = files[file["path"]]
    return json.dumps(record, indent=1, sort_keys=True).encode()


def is_rewriting(known: Chained | None, copy: bytes, content: bytes) -> bool:
    """Whether a manifest is what an erasure that the log holds made of the copy, killed before it
    could record it."""
    if known is None or _sha256(copy) != known.digest:
        return False
    return any(rewritten(copy, files) == content for files in known.rewritings)


def _verify(home: Home, state: State, with_files: bool) -> LandedVerification:
    manifests = sorted((home.landing_dir / "manifests").glob("*.json"))
    known = chained_pulls(state)
    findings: list[Finding] = []
    compared, not_recorded, hashed = 0, 0, 0
    for path in manifests:
        pull = known.get(path.stem)
        if pull is None and not known:
            not_recorded += 1
            continue
        content = path.read_bytes() if path.is_file() else b""
        if pull is None:
            said = f"the log knows no pull {path.stem}, and landing/manifests/{path.name} is there"
            findings.append(Finding("pull_unknown", 0, said))
            continue
        compared += 1
        if _sha256(content) != pull.digest and not _is_noted(state, path.stem, pull, content):
            said = (
                f"landing/manifests/{path.name} is not what record {pull.sequence} says was landed"
            )
            findings.append(Finding("pull_differs", pull.sequence, said))
        elif with_files:
            faults = list(_faults(home.landing_dir, content, pull))
            hashed += len(json.loads(content)["files"])
            findings += faults
    there = {path.stem for path in manifests}
    for pull_id, pull in known.items():
        if pull_id not in there and not pull.is_lost:
            said = f"landing/manifests/{pull_id}.json, of record {pull.sequence}, is missing"
            findings.append(Finding("pull_missing", pull.sequence, said))
    return LandedVerification(compared, hashed, not_recorded, tuple(findings))


def _is_noted(state: State, pull_id: str, pull: Chained, content: bytes) -> bool:
    """Whether an erasure is between its record and the end."""
    if not pull.rewritings:
        return False
    rows = state.rows("select manifest from pulls where pull_id = ?", (pull_id,))
    copies = [zlib.decompress(row["manifest"]) for row in rows if row["manifest"]]
    return any(is_rewriting(pull, copy, content) for copy in copies)


def _faults(root: Path, content: bytes, pull: Chained) -> Iterator[Finding]:
    for file in json.loads(content)["files"]:
        path = root / file["path"]
        if not path.is_file():
            said = f"landing/{file['path']}, of record {pull.sequence}, is missing"
        elif _sha256_of(path) != file["sha256"]:
            said = f"landing/{file['path']} is not the file that record {pull.sequence} covers"
        else:
            continue
        yield Finding("file_differs", pull.sequence, said)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
