"""The landing folder: which pulls are visible as of an instant, and their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from heirpay_pipelines.land.manifest import LandedFile, LandingError, Manifest, read_manifest


@dataclass(frozen=True)
class Landing:
    """`root` holds `objects/` (Parquet) and `manifests/`; `key` decrypts the Parquet files."""

    root: Path
    key: str | None = None

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
                if not path.is_file() or sha256_of(path) != file.sha256:
                    state = "is missing" if not path.is_file() else "does not match its checksum"
                    raise LandingError(
                        f"landing/{file.path} {state}: restore it from a copy, or remove the "
                        "manifest that lists it and run `heirpay run --full`."
                    )

    def discard_uncommitted(self) -> int:
        """Remove files that no manifest lists: what a killed pull left. Returns how many."""
        kept = {file.path for files in self.files().values() for file in files}
        removed = 0
        leftovers = (
            *self.objects_dir.rglob("*.*"),
            *self.manifests_dir.glob("*.partial"),
            *(self.root / "spill").rglob("*"),
        )
        for path in leftovers:
            if path.is_file() and str(path.relative_to(self.root)) not in kept:
                path.unlink()
                removed += 1
        return removed


def by_object(files: Iterable[LandedFile]) -> dict[str, list[LandedFile]]:
    """The files of each object."""
    found: dict[str, list[LandedFile]] = {}
    for file in files:
        found.setdefault(file.object_name, []).append(file)
    return found


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
