"""The sequence of pulls: each manifest names its place and its predecessor, and the state file
keeps both with a copy of the manifest.

So a manifest that was deleted, damaged or replaced by another is noticed and restored; where its
files are gone, too, the pull is lost, and the next one reads from where the pull before it ended.
Each manifest's digest stands in the audit log, before the manifest itself is written: a manifest
that neither knows is nobody's pull, and is set aside unread.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest.places import sync_folder, write_whole
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.landed import Chained, chained_pulls, is_rewriting
from heirpay_pipelines.landing.landing import DAMAGED, Landing
from heirpay_pipelines.landing.manifest import (
    Manifest,
    content_of,
    parse_manifest,
    read_manifest,
    write_manifest,
)
from heirpay_pipelines.state.database import State, open_state

NOT_TOLD_AGAIN = (
    "its span was read again. Stripe does not tell again: balances of that time, versions between, "
    "and events that are older than 30 days"
)


@dataclass(frozen=True)
class Lost:
    """A pull that nobody can restore and whose span was not read again yet."""

    pull_id: str
    sequence: int


def commit(state_file: Path, landing: Landing, manifest: Manifest) -> Manifest:
    """Make a new pull visible, as the next of the sequence; the manifest as it was written."""
    with open_state(state_file) as state:
        _adopt_new(state, landing)
        last = state.rows("select pull_id, sequence from pulls order by sequence desc limit 1")
        placed = replace(
            manifest,
            sequence=last[0]["sequence"] + 1 if last else 1,
            previous=last[0]["pull_id"] if last else None,
        )
        _record(state, placed, content_of(placed))
        write_manifest(landing.manifests_dir, placed)
    return placed


def note_rewritten(state: State, landing: Landing) -> None:
    """Note the manifests that were replaced on purpose (an erasure, a new key) since `make_whole`.
    The caller has held the run lock since then."""
    digests = {
        row["pull_id"]: row["digest"]
        for row in state.rows("select pull_id, digest from pulls where lost_at is null")
    }
    for manifest in landing.manifests():
        content = _path(landing, manifest.pull_id).read_bytes()
        if digests.get(manifest.pull_id) != _sha256(content):
            _record(state, manifest, content)


def make_whole(state: State, landing: Landing) -> list[str]:
    """Hold the manifests against the sequence: restore what was deleted, damaged or replaced, and
    note what is lost. What was done, in words. The caller holds the run lock.

    Raises LandingError for a manifest that is damaged and of which there is no copy.
    """
    said = [*_found_again(state, landing)]
    chained = chained_pulls(state)
    for row in state.rows("select * from pulls where lost_at is null order by sequence"):
        path = _path(landing, row["pull_id"])
        content = path.read_bytes() if path.is_file() else None
        if content is not None and _sha256(content) == row["digest"]:
            continue
        if content is not None and _is_rewriting(chained, row, content, landing):
            _record(state, read_manifest(path), content)
            continue
        said.append(_restore(state, landing, row, is_there=content is not None))
    said += _adopt_new(state, landing)
    said += _missing_links(state, landing)
    return said


def whole(state_file: Path, landing: Landing) -> list[str]:
    """`make_whole` for who has no state file open."""
    with open_state(state_file) as state:
        return make_whole(state, landing)


def lose(state: State, landing: Landing, pull_id: str, reason: str) -> None:
    """Note that a pull is lost. Its manifest is set aside; its files stay where they are."""
    path = _path(landing, pull_id)
    with state.transaction() as connection:
        connection.execute(
            "update pulls set lost_at = ? where pull_id = ?",
            (datetime.now(UTC).isoformat(), pull_id),
        )
        append(
            state, datetime.now(UTC), "nightly", Action.PULL_LOST, pull_id, {"reason": reason}
        )  # fmt: skip
    if path.is_file():
        set_aside(landing, path)


def lost_pulls(state: State) -> list[Lost]:
    """Lost pulls whose span no later one has read, oldest first."""
    rows = state.rows(
        "select pull_id, sequence from pulls"
        " where lost_at is not null and read_again is null order by sequence"
    )
    return [Lost(row["pull_id"], row["sequence"]) for row in rows]


def cursors_to_go_on_from(
    state: State, landing: Landing, newest: Manifest | None
) -> dict[str, int]:
    """Up to where each object is read without a gap: as the newest pull says or, when one was lost,
    the last before it. Nothing: all is listed again."""
    lost = lost_pulls(state)
    if newest is None or not lost:
        return newest.cursors if newest else {}
    before = {
        row["pull_id"]
        for row in state.rows(
            "select pull_id from pulls where sequence < ? and lost_at is null", (lost[0].sequence,)
        )
    }
    kept = [manifest for manifest in landing.manifests() if manifest.pull_id in before]
    last = max(kept, key=lambda m: m.sequence or 0, default=None)
    return last.cursors if last else {}


def read_again(state: State, lost: list[Lost], pull_id: str) -> None:
    """Note that a pull has read the span of lost ones."""
    with state.transaction() as connection:
        connection.executemany(
            "update pulls set read_again = ? where pull_id = ?",
            [(pull_id, one.pull_id) for one in lost],
        )


def known_pulls(state_file: Path) -> set[str]:
    """Every pull of the sequence: no file of one is a leftover, though its manifest be lost."""
    with open_state(state_file) as state:
        return {row["pull_id"] for row in state.rows("select pull_id from pulls")}


def set_aside(landing: Landing, path: Path) -> Path:
    """Move a file of landing that is not what it should be; where it lies now."""
    folder = landing.root / DAMAGED
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{path.name}"
    path.replace(place)
    sync_folder(folder)
    return place


def _adopt_new(state: State, landing: Landing) -> list[str]:
    """Judge the manifests that are not in the sequence; what was done, in words.

    Those that the audit log holds as they are are taken up: the state file is a new one. It may
    not know the newest ones, nor any of an earlier release, so where no pull is in the sequence
    yet those that the log does not contradict are taken up, too. All others were put there by
    somebody else: they are set aside.
    """
    known = {row["pull_id"] for row in state.rows("select pull_id from pulls")}
    chained = chained_pulls(state)
    new: list[Path] = []
    refused: list[Path] = []
    for path in sorted(landing.manifests_dir.glob("*.json")):
        pull = chained.get(path.stem)
        if path.stem in known:
            continue
        fits = not known if pull is None else pull.digest == _sha256(path.read_bytes())
        (new if fits else refused).append(path)
    found = sorted(map(read_manifest, new), key=lambda m: (m.as_of, m.started_at, m.pull_id))
    said = []
    for manifest in sorted(found, key=lambda m: m.sequence or 0):
        content = _path(landing, manifest.pull_id).read_bytes()
        _record(state, manifest, content, taken_up=True)
        if chained and manifest.pull_id not in chained:
            name = f"landing/manifests/{manifest.pull_id}.json"
            said.append(f"{name} is newer than the audit log that is left: taken up as it is")
    return said + [
        _refuse(state, landing, path, "no pull of this home wrote it") for path in refused
    ]


def _refuse(state: State, landing: Landing, path: Path, why: str) -> str:
    """Set a manifest aside with the files that carry its name, unread; what was done, in words."""
    for file in sorted(landing.objects_dir.rglob("*.parquet")):
        if file.stem.rpartition("-")[0] == path.stem:
            set_aside(landing, file)
    set_aside(landing, path)
    append(state, datetime.now(UTC), "nightly", Action.PULL_REFUSED, path.stem, {"reason": why})
    return (
        f"landing/manifests/{path.name}: {why}; it lies in landing/damaged, nothing of it is read"
    )


def _record(state: State, manifest: Manifest, content: bytes, *, taken_up: bool = False) -> None:
    """One pull's row with its manifest's bytes, and their digest in the audit log."""
    digest = _sha256(content)
    with state.transaction() as connection:
        taken = {
            row["sequence"]: row["pull_id"]
            for row in state.rows("select sequence, pull_id from pulls")
        }
        own = next((s for s, pull_id in taken.items() if pull_id == manifest.pull_id), None)
        sequence = own or manifest.sequence
        if sequence is None or taken.get(sequence, manifest.pull_id) != manifest.pull_id:
            sequence = max(taken, default=0) + 1
        connection.execute(
            "insert into pulls (pull_id, sequence, digest, manifest) values (?, ?, ?, ?)"
            " on conflict (pull_id) do update set digest = excluded.digest,"
            " manifest = excluded.manifest, lost_at = null",
            (manifest.pull_id, sequence, digest, zlib.compress(content)),
        )
        detail: dict[str, Any] = {"sequence": sequence, "manifest": digest}
        if taken_up:
            detail["taken_up"] = True
        append(
            state, datetime.now(UTC), "nightly", Action.PULL_LANDED, manifest.pull_id, detail
        )  # fmt: skip


def _found_again(state: State, landing: Landing) -> Iterator[str]:
    """Lost pulls whose manifests were brought back, from a backup as a rule: as they were written,
    and by nobody who was erased since."""
    chained = chained_pulls(state)
    for row in state.rows("select pull_id, digest, lost_at from pulls where lost_at is not null"):
        path = _path(landing, row["pull_id"])
        if not path.is_file():
            continue
        content, pull = path.read_bytes(), chained.get(row["pull_id"])
        if _sha256(content) not in (row["digest"], pull.digest if pull else None):
            yield _refuse(state, landing, path, "it is not what had been written")
        elif _erased_since(state, row["lost_at"]):
            yield _refuse(state, landing, path, "people were erased since it was lost")
        elif _has_files(landing, parse_manifest(content)):
            _record(state, parse_manifest(content), content)
            yield f"landing/manifests/{path.name} is there again"


def _erased_since(state: State, instant: str) -> bool:
    last = state.rows("select max(requested_at) as at from erasures")[0]["at"]
    return last is not None and datetime.fromisoformat(last) >= datetime.fromisoformat(instant)


def _is_rewriting(
    chained: dict[str, Chained], row: dict[str, Any], content: bytes, landing: Landing
) -> bool:
    """Whether the manifest is the same pull's whose files an erasure replaced, killed before it
    could note that: the audit log holds which files it put in place of which."""
    if not row["manifest"]:
        return False
    copy = zlib.decompress(row["manifest"])
    if not is_rewriting(chained.get(row["pull_id"]), copy, content):
        return False
    return _has_files(landing, parse_manifest(content))


def _restore(state: State, landing: Landing, row: dict[str, Any], *, is_there: bool) -> str:
    pull_id, content = row["pull_id"], zlib.decompress(row["manifest"])
    what = "was not what had been written" if is_there else "was gone"
    name = f"landing/manifests/{pull_id}.json"
    if not _has_files(landing, parse_manifest(content)):
        lose(state, landing, pull_id, f"the manifest {what}, and files that it listed are gone")
        return f"{name} {what} and its files are gone: the pull is lost, its span is read again"
    path = _path(landing, pull_id)
    if is_there:
        set_aside(landing, path)
    write_whole(path, content)
    append(
        state, datetime.now(UTC), "nightly", Action.FILE_RESTORED, name, {"reason": what}
    )  # fmt: skip
    return f"{name} {what}: restored from the copy in the state file"


def _missing_links(state: State, landing: Landing) -> list[str]:
    """Pulls that a later manifest names as its predecessor, or the audit log as landed, and of
    which a new state file knows nothing: their manifests are gone."""
    known = {r["pull_id"]: r["sequence"] for r in state.rows("select pull_id, sequence from pulls")}
    places = {
        pull_id: (pull.place or 1, "the audit log holds it; it is gone")
        for pull_id, pull in chained_pulls(state).items()
        if not pull.is_lost
    }
    for manifest in landing.manifests():
        if manifest.previous is not None:
            places[manifest.previous] = (
                (manifest.sequence or 1) - 1,
                "a later manifest names it; it is gone",
            )
    said = []
    for pull_id in sorted(places.keys() - known.keys()):
        place, reason = places[pull_id]
        if (
            place in known.values()
        ):  # where it stood is not known: as the first, all is listed again
            place = min(known.values()) - 1
        known[pull_id] = place
        with state.transaction() as connection:
            connection.execute(
                "insert into pulls (pull_id, sequence, digest) values (?, ?, '')", (pull_id, place)
            )
        lose(state, landing, pull_id, reason)
        said.append(
            f"landing/manifests/{pull_id}.json is gone: the pull is lost, its span is read again"
        )
    return said


def _has_files(landing: Landing, manifest: Manifest) -> bool:
    return all((landing.root / file.path).is_file() for file in manifest.files)


def _path(landing: Landing, pull_id: str) -> Path:
    return landing.manifests_dir / f"{pull_id}.json"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
