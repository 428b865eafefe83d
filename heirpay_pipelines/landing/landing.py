"""The landing folder: which pulls are visible as of an instant, and their files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.manifest import LandedFile, LandingError, Manifest, read_manifest

DAMAGED = "damaged"
"""Folder of landing for what is no manifest or file of ours any more: nothing is deleted."""


@dataclass(frozen=True)
class Landing:
    """`root` holds `objects/` (Parquet) and `manifests/`; `key` decrypts the Parquet files."""

    root: Path
    key: str | None = None

    @classmethod
    def of(cls, home: Home) -> Self:
        """What is landed of a home."""
        return cls(home.landing_dir, home.key)

    @property
    def manifests_dir(self) -> Path:
        return self.root / "manifests"

    @property
    def objects_dir(self) -> Path:
        return self.root / "objects"

    def manifests(self, as_of: datetime | None = None) -> list[Manifest]:
        """Committed pulls, oldest first; those made as of `as_of` or before."""
        found = [read_manifest(path) for path in self.manifests_dir.glob("*.json")]
        visible = [m for m in found if as_of is None or m.as_of <= as_of]
        return sorted(visible, key=lambda m: (m.as_of, m.started_at, m.pull_id))

    def newest(self) -> Manifest | None:
        manifests = self.manifests()
        return manifests[-1] if manifests else None

    def files(self, as_of: datetime | None = None) -> dict[str, list[LandedFile]]:
        """The visible files of each object."""
        return by_object(file for manifest in self.manifests(as_of) for file in manifest.files)

    def verify(self, as_of: datetime | None = None) -> None:
        """Compare every visible file with its checksum; raise LandingError naming the first
        that is missing or changed."""
        for files in self.files(as_of).values():
            for file in files:
                path = self.root / file.path
                if not is_whole(path, file):
                    state = "is missing" if not path.is_file() else "does not match its checksum"
                    raise LandingError(
                        f"landing/{file.path} {state}: restore it from a backup, or give it up "
                        "with `heirpay repair`: the next run reads its span again."
                    )

    def discard_uncommitted(self, known: Collection[str] = (), *, lost_too: bool = False) -> int:
        """Remove files that no manifest lists: what a killed pull left. Returns how many.

        Of a pull that is `known`, or that a later manifest names, all stay though its manifest be
        lost; with `lost_too` they and what was set aside go as well.
        """
        manifests = self.manifests()
        kept = {file.path for manifest in manifests for file in manifest.files}
        named = {*known, *(m.previous for m in manifests)}
        lost = set() if lost_too else named - {m.pull_id for m in manifests}
        removed = 0
        leftovers = (
            *self.objects_dir.rglob("*.*"),
            *self.manifests_dir.glob("*.partial"),
            *(self.root / "spill").rglob("*"),
            *((self.root / DAMAGED).glob("*") if lost_too else ()),
        )
        for path in leftovers:
            is_lost = path.suffix == ".parquet" and path.stem.rpartition("-")[0] in lost
            if path.is_file() and str(path.relative_to(self.root)) not in kept and not is_lost:
                path.unlink()
                removed += 1
        return removed


def is_whole(path: Path, file: LandedFile) -> bool:
    """Whether the file is there as it was when its pull was committed."""
    return path.is_file() and sha256_of(path) == file.sha256


def by_object(files: Iterable[LandedFile]) -> dict[str, list[LandedFile]]:
    """The files of each object."""
    found: dict[str, list[LandedFile]] = {}
    for file in files:
        found.setdefault(file.object_name, []).append(file)
    return found


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
