"""The list of a backup: every file with its SHA-256. It is written last: a folder without it is no
backup."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.backup.errors import BackupError, BackupPlaceError
from heirpay_pipelines.host.home_format import FORMAT

LIST = "backup.json"
CONTENT = "home"
"""The folder of a backup that holds the home."""


@dataclass(frozen=True)
class CopiedFile:
    """One file: its place below the home, size, SHA-256 and mode."""

    path: str
    bytes: int
    sha256: str
    mode: int


@dataclass(frozen=True)
class Backup:
    """A copy of a home. `home_format` is the number that it carried, 1 when it carried none;
    `left_out` are databases that were damaged when it was made."""

    made_at: datetime
    release: str
    home_format: int
    files: tuple[CopiedFile, ...]
    folders: tuple[str, ...]
    links: dict[str, str]
    left_out: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of the list, which is also in it: a damaged one is noticed."""
        return _digest(_record(self))

    @property
    def size(self) -> int:
        return sum(file.bytes for file in self.files)


def write_list(folder: Path, backup: Backup) -> None:
    """Write the list of a backup that is whole."""
    record = _record(backup) | {"sha256": backup.digest}
    write_whole(folder / LIST, json.dumps(record, indent=1).encode())


def read_backup(folder: Path) -> Backup:
    """The list of the backup in `folder`. Raises BackupPlaceError for a folder that is no backup
    or of a later release, BackupError for a damaged list."""
    path = folder / LIST
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise BackupPlaceError(
            f"{folder} is no backup: it has no {LIST}, which is written when one is whole."
        ) from None
    except ValueError:
        raise BackupError(f"{path} is damaged: use another backup.") from None
    try:
        _require_digest(record)
        _require_known_format(folder, record)
        files = tuple(CopiedFile(**file) for file in record["files"])
        links = dict(record["links"])
        folders, left_out = tuple(record["folders"]), tuple(record["left_out"])
        given = {"files": files, "links": links, "folders": folders, "left_out": left_out}
        backup = Backup(**(record | given | {"made_at": datetime.fromisoformat(record["made_at"])}))
        for place in (*(file.path for file in files), *folders, *links):
            _require_below(place)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupError(f"{path} is damaged: use another backup.") from None
    return backup


def verify_backup(folder: Path, backup: Backup) -> None:
    """Read every file of a backup; raise BackupError naming the first that is not as it was
    copied, and how many are not."""
    wrong = list(_wrong(folder / CONTENT, backup))
    if wrong:
        more = f" ({len(wrong)} files in all)" if len(wrong) > 1 else ""
        raise BackupError(f"{folder / CONTENT / wrong[0]}{more}: use another backup.")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong(content: Path, backup: Backup) -> Iterator[str]:
    for file in backup.files:
        path = content / file.path
        if path.is_symlink() or not path.is_file():
            yield f"{file.path} is missing"
        elif sha256_of(path) != file.sha256:
            yield f"{file.path} is not what was copied"


def _record(backup: Backup) -> dict[str, Any]:
    return asdict(backup) | {"made_at": backup.made_at.isoformat()}


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _require_digest(record: dict[str, Any]) -> None:
    if record.pop("sha256") != _digest(record):
        raise ValueError("another digest")


def _require_known_format(folder: Path, record: dict[str, Any]) -> None:
    if record["home_format"] > FORMAT:
        raise BackupPlaceError(
            f"{folder} is of a later release (format {record['home_format']}, this one knows"
            f" {FORMAT}): install release {record['release']} or a later one."
        )


def _require_below(place: str) -> None:
    """Nothing is written outside of the home, whatever a list says."""
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(place)
