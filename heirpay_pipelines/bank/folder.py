"""The folder of bank statements: which files are in it, and which are left aside and why."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.bank.csv_mapping import (
    MAPPING_FILE,
    MappingError,
    mapping_file,
    mapping_text,
    mappings_of,
)
from heirpay_pipelines.bank.names import holds_a_card_number, relative_name
from heirpay_pipelines.home import SettingsError

NO_MAPPING = "no mapping"
READERS = "2"
"""Counted up when the readers learn: what was refused before is then tried again."""
MOST_FOLDERS_DEEP = 16


@dataclass(frozen=True)
class BankFile:
    """A file of the folder. `name` is its path below the folder as it may be shown; `sha256` of
    what cannot be read follows from its name."""

    path: Path
    name: str
    sha256: str
    mapping: Path | None
    hides_a_card_number: bool

    @property
    def mapping_sha256(self) -> str:
        """What a file was read with: the mapping, and the readers of this release."""
        mapping = digest_of(self.mapping) if self.mapping else None
        return f"{mapping or NO_MAPPING}/{READERS}"


def bank_file(path: Path, folder: Path) -> BankFile:
    """One file, given the statements' folder that it lies in or below."""
    named = hashlib.sha256(os.fsencode(path)).hexdigest()
    return BankFile(
        path,
        relative_name(path, folder),
        digest_of(path) or named,
        mapping_file(path, folder),
        holds_a_card_number(path.relative_to(folder).as_posix()),
    )


def statement_files(folder: Path) -> Iterator[Path]:
    """Every file in the folder and the folders in it, by name, without mappings and hidden ones.
    Folders behind links are not followed."""
    for path, is_file in _entries(folder, 0):
        if is_file:
            yield path


def ignored(folder: Path) -> Iterator[str]:
    """The shown names of what looks like a delivery and is not read: folders behind links, links
    that lead nowhere, pipes and devices."""
    for path, is_file in _entries(folder, 0):
        if not is_file:
            yield relative_name(path, folder)


def require_mappings(folder: Path) -> None:
    """SettingsError when a `mapping.yaml` of the folder cannot be read: before a run that a person
    starts. A night that starts by itself refuses the files that need it instead."""
    for path in sorted(folder.rglob(MAPPING_FILE)):
        try:
            mappings_of(mapping_text(path) or "")
        except MappingError as error:
            raise SettingsError(f"{relative_name(path.parent, folder)}/{error}") from None


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, None when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _entries(folder: Path, depth: int) -> Iterator[tuple[Path, bool]]:
    """Files in order, and what is none, with False."""
    try:
        paths = sorted(folder.iterdir(), key=os.fsencode)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield folder, False
        return
    for path in paths:
        if path.name.startswith(".") or path.name == MAPPING_FILE:
            continue
        if path.is_dir() and not path.is_symlink() and depth < MOST_FOLDERS_DEEP:
            yield from _entries(path, depth + 1)
        else:
            yield path, _is_regular(path)


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
