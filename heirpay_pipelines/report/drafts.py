"""A report is written beside its place and takes it at once; what killed runs left goes."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heirpay_pipelines.at_rest.places import draft_of, own_folder

UNPUBLISHED_REPORT = "unpublished"
"""The folder of the report that is written again by itself, beside the night's own."""
OLD = ".old"
DATA_DOCS = "data_docs"


@contextmanager
def draft_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place when the block ends well."""
    own_folder(folder.parent)
    draft = draft_of(folder, secrets.token_hex(8))
    draft.mkdir(mode=0o700)
    try:
        yield draft
        _replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def discard_drafts(reports: Path) -> None:
    """Remove what a run that was killed left: folders half written, links not yet in place; an old
    folder that was on its way out goes back when nothing took its place. The caller holds the run
    lock."""
    for entry in reports.glob(".*"):
        if entry.is_symlink():
            entry.unlink(missing_ok=True)
        elif entry.name.endswith(OLD):
            _settle(entry, reports / entry.name[1 : -len(OLD)])
        elif entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
    for folder in reports.glob("????-??-??"):
        # Great Expectations' pages are written before the report that leads to them.
        if [entry.name for entry in folder.iterdir()] == [DATA_DOCS]:
            shutil.rmtree(folder, ignore_errors=True)


def _replace(draft: Path, folder: Path) -> None:
    """Put the draft in the place of the folder, keeping files that are not the report's own.

    Killed between the two renames, the old folder waits under its other name: put it back first.
    """
    old = folder.with_name(f".{folder.name}{OLD}")
    _settle(old, folder)
    if folder.exists():
        for entry in folder.iterdir():
            if not (draft / entry.name).exists():
                _copy(entry, draft / entry.name)
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _settle(old: Path, folder: Path) -> None:
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
