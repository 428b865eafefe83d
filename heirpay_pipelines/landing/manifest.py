"""The manifest of a pull: the one file that makes all of it visible, or nothing."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest.places import sync_folder

WAY_BACK = (
    "`heirpay run` restores it from the copy in the state file; where there is none, restore it "
    "from a backup, or give it up with `heirpay repair`: the next run reads its span again."
)


class LandingError(Exception):
    """The landing folder is damaged or belongs to another account; the message says what to do."""


@dataclass(frozen=True)
class LandedFile:
    """One Parquet file: its path below the landing folder, rows and SHA-256."""

    path: str
    object_name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One pull that was committed. Instants are UTC; `cursors` say up to where (epoch seconds)
    each object is read; `write_probe` is what was found out about the key's write permissions,
    when that was asked (gateways/stripe/write_probe); `began` is Stripe's clock when reading began.
    `sequence` is the pull's place among all, `previous` the one before it
    (landing/pull_sequence); None in those of earlier releases."""

    pull_id: str
    as_of: datetime
    account: str
    livemode: bool
    api_version: str
    mode: str
    cursors: dict[str, int]
    started_at: datetime
    ended_at: datetime
    requests: int
    files: tuple[LandedFile, ...]
    coverage: tuple[dict[str, Any], ...] = field(default=())
    write_probe: dict[str, Any] | None = None
    began: int | None = None
    sequence: int | None = None
    previous: str | None = None

    def rows_by_object(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for file in self.files:
            rows[file.object_name] = rows.get(file.object_name, 0) + file.rows
        return rows


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Commit: the file appears under its name complete and on disk, or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / f"{manifest.pull_id}.json"
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content_of(manifest))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    sync_folder(folder)


def content_of(manifest: Manifest) -> bytes:
    """The bytes of a manifest's file."""
    record = asdict(manifest) | {
        name: getattr(manifest, name).isoformat() for name in ("as_of", "started_at", "ended_at")
    }
    return json.dumps(record, indent=1, sort_keys=True).encode()


def read_manifest(path: Path) -> Manifest:
    """Raises LandingError when the file is not the manifest of the pull that it is named by."""
    try:
        manifest = parse_manifest(path.read_bytes())
    except LandingError as error:
        raise LandingError(
            f"landing/manifests/{path.name} is damaged ({error}). {WAY_BACK}"
        ) from None
    if manifest.pull_id != path.stem:
        raise LandingError(
            f"landing/manifests/{path.name} is the manifest of another pull ({manifest.pull_id}). "
            f"{WAY_BACK}"
        )
    return manifest


def parse_manifest(content: bytes) -> Manifest:
    """Raises LandingError, saying only what is wrong, when the bytes are no manifest."""
    try:
        record = json.loads(content)
        instants = {
            name: datetime.fromisoformat(record[name]).astimezone(UTC)
            for name in ("as_of", "started_at", "ended_at")
        }
        files = tuple(LandedFile(**file) for file in record["files"])
        coverage = tuple(record["coverage"])
        return Manifest(**(record | instants | {"files": files, "coverage": coverage}))
    except (ValueError, KeyError, TypeError) as error:
        raise LandingError(type(error).__name__) from None
