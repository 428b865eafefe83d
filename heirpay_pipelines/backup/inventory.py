"""What of a home belongs to a copy of it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.host.home_format import RESTORING

COPIES = ("backups", "replaced")
"""Folders of a home that hold copies of it: of before an upgrade, of before a restore."""
LOCKS = ("run.lock", "run.holder")
RESTORED = ".restored"
"""Where a backup is unpacked before it takes the home's place."""
NEVER = frozenset({*COPIES, *LOCKS, RESTORING, RESTORED, "reserve", "dbt", ".env"})
"""Of the folder's top: copies, locks, room that is kept, what dbt makes anew, and the settings of
who starts `heirpay` in its home."""
PASSING = frozenset({
    "warehouse/building", "warehouse/reading", "warehouse/spill", "landing/spill",
    "state/heirpay.lock", "state/ui.token", "dagster/ui_url",
})  # fmt: skip
"""What a run or a reader has for as long as it works; what opens the UI."""
BESIDE_DATABASE = ("-wal", "-shm", "-journal")
STATE = Path("state/heirpay.sqlite")


@dataclass(frozen=True)
class Found:
    """One thing of a home: its place below it, and what it is."""

    place: Path
    kind: str
    """`file`, `database` (SQLite, which others may be writing), `link` or `folder`."""


def is_copy(place: Path) -> bool:
    """Whether a place below the home is in a copy of it: no control judges that again."""
    return place.parts[0] in COPIES


def discard_copies(home: Path) -> None:
    """Delete the copies that lie in the home: what is erased or encrypted now is not, in them."""
    for name in COPIES:
        shutil.rmtree(home / name, ignore_errors=True)


def inventory(home: Path) -> Iterator[Found]:
    """Everything that a copy of the home has, folders before what is in them."""
    yield from _below(home, Path())


def _below(home: Path, folder: Path) -> Iterator[Found]:
    for path in sorted((home / folder).iterdir()):
        place = folder / path.name
        if _is_passing(place):
            continue
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            yield Found(place, "link")
        elif stat.S_ISDIR(mode):
            yield Found(place, "folder")
            yield from _below(home, place)
        elif stat.S_ISREG(mode):
            yield Found(place, "database" if _is_database(place) else "file")


def _is_database(place: Path) -> bool:
    """Whether a process of ours may be writing it through SQLite: the state, Dagster's storage."""
    return place == STATE or (place.parts[0] == "dagster" and place.suffix == ".db")


def _is_passing(place: Path) -> bool:
    name = place.name
    return (
        (len(place.parts) == 1 and name in NEVER)
        or place.as_posix() in PASSING
        or name.endswith(".partial")
        or any(
            name.endswith(end) and _is_database(place.with_name(name.removesuffix(end)))
            for end in BESIDE_DATABASE
        )
    )
