"""A key rotation from its beginning to its end, or from where it was interrupted.

Every file is tried with the new key first, so that a rotation which is started again does only
what is left. Each file changes over by one rename. Until the end nothing else opens the home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.at_rest import EncryptionKeyError, keyed, sealed
from heirpay_pipelines.at_rest.keys import ROTATION
from heirpay_pipelines.at_rest.places import draft_of
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.published import hashes_of
from heirpay_pipelines.backup import discard_copies
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError
from heirpay_pipelines.landing.pull_sequence import make_whole, note_rewritten
from heirpay_pipelines.rotate import keys as key_note
from heirpay_pipelines.rotate.databases import FRESH, rotate_duckdb, rotate_sqlite
from heirpay_pipelines.rotate.keys import Keys, RotationError
from heirpay_pipelines.rotate.landing import rotate_landing
from heirpay_pipelines.state.database import hold_key, opened
from heirpay_pipelines.state.run_lock import run_lock
from heirpay_pipelines.warehouse.leftovers import erase_leftovers
from heirpay_pipelines.warehouse.publication import discard_builds

__all__ = ["Rotated", "RotationError", "rotate"]

MARK = "rotating"
"""Of drafts of sealed files."""


@dataclass(frozen=True)
class Rotated:
    """How many files were written anew (by this call; an interrupted one may have written more)."""

    landed: int
    databases: int
    sealed: int


def rotate(
    home: Home, new: str | None, by: str, say: Callable[[str], None] = lambda _: None
) -> Rotated:
    """Bring everything under HEIRPAY_HOME from `settings.key` to `new` (None: plain).

    Killed at any instant and called again with the same keys, it ends the same. The audit log
    gets one record. Raises RotationError, AnotherRunError or EncryptionKeyError; what was done
    by then stays, and the next call goes on.
    """
    path = Path(home.state_file)
    with run_lock(home), hold_key(path, alone=True):
        taken_up = path.with_name(ROTATION).is_file()
        keys = key_note.begin(path, home.key, new)
        _discard_unfinished(home)
        if not taken_up:  # what it rewrote until then is not noted yet
            _make_whole(path, home, keys)
        say("landing")
        landed = rotate_landing(home.landing_dir, keys)
        say("warehouse")
        databases = sum(rotate_duckdb(file, keys, home.memory_limit) for file in _warehouses(home))
        say("reports")
        files = sum(_reseal(file, keys) for file in _sealed_files(home))
        say("state")
        databases += rotate_sqlite(path, keys)
        rotated = Rotated(landed, databases, files)
        _record(home, keys, by)
        key_note.end(path)
    return rotated


def _discard_unfinished(home: Home) -> None:
    discard_copies(home.folder)  # they are under the old key
    discard_builds(home.warehouse_dir / "building")
    erase_leftovers(home)
    for folder in (
        home.warehouse_dir,
        home.reports_dir,
        home.proposals_dir,
        home.notices_dir,
        home.state_file.parent,
    ):
        for leftover in (*folder.rglob(f"*{FRESH}*"), *folder.rglob(f".*~{MARK}.partial")):
            leftover.unlink()


def _warehouses(home: Home) -> list[Path]:
    return sorted(home.warehouse_dir.rglob("*.duckdb"))


def _sealed_files(home: Home) -> Iterator[Path]:
    """Every file that is sealed when there is a key."""
    for folder in (home.reports_dir, home.proposals_dir, home.notices_dir):
        yield from sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    if home.evidence_key.is_file():
        yield home.evidence_key


def _reseal(path: Path, keys: Keys) -> bool:
    if _has_new_key(path, keys):
        return False
    fresh = draft_of(path, MARK)
    with sealed.create(fresh, keys.new) as file:
        for chunk in sealed.chunks(path, keys.old):
            file.write(chunk)
    fresh.replace(path)
    return True


def _has_new_key(path: Path, keys: Keys) -> bool:
    if not sealed.is_sealed(path) or keys.new is None:
        return sealed.is_sealed(path) == (keys.new is not None)
    try:
        next(sealed.chunks(path, keys.new))
    except EncryptionKeyError:
        return False
    return True


def _record(home: Home, keys: Keys, by: str) -> None:
    """One audit record for the rotation, however often it was interrupted. No key is in it."""
    said = {name: "encrypted" if key else "plain" for name, key in
            (("from", keys.old), ("to", keys.new))}  # fmt: skip
    with opened(keyed(Path(home.state_file), keys.new)) as state:
        known = state.rows(
            "select 1 from audit_log where action = ? and subject = ?",
            (Action.KEY_ROTATED, keys.id),
        )
        if not known:
            detail = said | hashes_of(home)
            append(state, datetime.now(UTC), by, Action.KEY_ROTATED, keys.id, detail)
        note_rewritten(state, Landing(home.landing_dir, keys.new))


def _make_whole(path: Path, home: Home, keys: Keys) -> None:
    """A manifest that is lost or damaged is restored before it would be taken for a new one."""
    try:
        with opened(keyed(path, keys.old)) as state:
            make_whole(state, Landing(home.landing_dir, keys.old))
    except LandingError as error:
        raise RotationError(str(error)) from None
