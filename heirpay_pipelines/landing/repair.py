"""Giving up what is damaged in landing and cannot be restored, so that its span is read again."""

from __future__ import annotations

from pathlib import Path

from heirpay_pipelines.landing.landing import Landing, is_whole
from heirpay_pipelines.landing.manifest import LandingError, Manifest, read_manifest
from heirpay_pipelines.landing.pull_sequence import lose, make_whole, set_aside
from heirpay_pipelines.state.database import State

READ_AGAIN = "the next `heirpay run` reads its span again"


def give_up_damaged(state: State, landing: Landing) -> list[str]:
    """Restore what can be, and give the rest up; what was done, in words.

    A damaged file is moved to landing/damaged, a pull that lists one is lost. Nothing is deleted.
    The caller holds the run lock.
    """
    said = [
        line for path in _unreadable(state, landing) if (line := _give_up(state, landing, path))
    ]
    said += make_whole(state, landing)
    for manifest in landing.manifests():
        faults = [
            file.path for file in manifest.files if not is_whole(landing.root / file.path, file)
        ]
        if faults:
            said.append(_lose(state, landing, manifest, faults))
    return said


def _unreadable(state: State, landing: Landing) -> list[Path]:
    """Manifests that are none and of which the state file has no copy."""
    copied = {
        row["pull_id"] for row in state.rows("select pull_id from pulls where manifest is not null")
    }
    paths = sorted(landing.manifests_dir.glob("*.json"))
    return [path for path in paths if path.stem not in copied and _fault(path)]


def _fault(path: Path) -> bool:
    try:
        read_manifest(path)
    except LandingError:
        return True
    return False


def _give_up(state: State, landing: Landing, path: Path) -> str:
    """Where the pull stood is not known either: as if it were the first, all is listed again."""
    first = state.rows("select min(sequence) as n from pulls")[0]["n"]
    with state.transaction() as connection:
        connection.execute(
            "insert into pulls (pull_id, sequence, digest) values (?, ?, '')"
            " on conflict (pull_id) do nothing",
            (path.stem, (1 if first is None else first) - 1),
        )
    lose(state, landing, path.stem, "its manifest is damaged and there is no copy of it")
    return f"landing/manifests/{path.name} is damaged: moved to landing/damaged; {READ_AGAIN}"


def _lose(state: State, landing: Landing, manifest: Manifest, faults: list[str]) -> str:
    for fault in faults:
        path = landing.root / fault
        if path.is_file():
            set_aside(landing, path)
    lose(state, landing, manifest.pull_id, f"damaged or missing: {', '.join(faults)}")
    return (
        f"landing/{faults[0]} is damaged or missing: pull {manifest.pull_id} is given up, what was "
        f"damaged lies in landing/damaged; {READ_AGAIN}"
    )
