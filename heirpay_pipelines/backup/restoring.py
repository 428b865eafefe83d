"""Putting a copy in a home's place, so that a kill at any instant loses neither.

The copy is unpacked inside the home and verified there; then what was in the home moves into
`replaced`, and the copy moves up. While things move a note in the home keeps every other command
away, and the same command begins the move again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.at_rest.places import own_folder, sync_folder, write_whole
from heirpay_pipelines.backup.copying import SPARE_BYTES, copy_file
from heirpay_pipelines.backup.errors import BackupError, BackupPlaceError
from heirpay_pipelines.backup.inventory import COPIES, NEVER, RESTORED
from heirpay_pipelines.backup.listing import CONTENT, Backup, read_backup, verify_backup
from heirpay_pipelines.host.home_format import RESTORING


def require_restorable(folder: Path, home: Path, *, force: bool) -> Backup:
    """The verified backup in `folder`. Raises BackupError when it is damaged or of a later release,
    BackupPlaceError when the home holds something and `force` is not given."""
    backup = read_backup(folder)
    if held(home) and not force:
        raise BackupPlaceError(
            f"{home} holds a home: with --force the backup takes its place, and what is there"
            " moves to its folder `replaced`."
        )
    verify_backup(folder, backup)
    return backup


def held(home: Path) -> list[str]:
    """What of a home a restored one would replace."""
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if path.name not in NEVER)


def restore_backup(
    folder: Path, backup: Backup, home: Path, judge: Callable[[Path], None] = lambda _: None
) -> Path | None:
    """Put a verified backup in the home's place; where what was there lies now, if anything was.

    `judge` is given the unpacked copy before anything of the home moves, and may refuse it. The
    caller holds the run lock. Raises BackupError.
    """
    own_folder(home)
    fresh = home / RESTORED
    shutil.rmtree(fresh, ignore_errors=True)
    _require_room(backup, home)
    try:
        _unpack(folder / CONTENT, backup, fresh)
        judge(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    write_whole(home / RESTORING, json.dumps({"from": str(folder.resolve())}).encode())
    aside = _set_aside(home)
    for path in sorted(fresh.iterdir()):
        path.rename(home / path.name)
    sync_folder(home)
    fresh.rmdir()
    (home / RESTORING).unlink()
    sync_folder(home)
    return aside


def _require_room(backup: Backup, home: Path) -> None:
    free = shutil.disk_usage(home).free
    if backup.size + SPARE_BYTES > free:
        raise BackupError(
            f"The restored home needs {backup.size / 1e6:.0f} MB and {home} has"
            f" {free / 1e6:.0f} MB free: free some space there."
        )


def _unpack(content: Path, backup: Backup, fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    for folder in backup.folders:
        (fresh / folder).mkdir(mode=0o700)
    for file in backup.files:
        copied = copy_file(content / file.path, fresh / file.path, file.path)
        if copied is None or copied.sha256 != file.sha256:
            raise BackupError(f"{content / file.path} is not what was copied: use another backup.")
        (fresh / file.path).chmod(file.mode)
    for place, target in backup.links.items():
        (fresh / place).symlink_to(target)
    for made in (fresh, *(fresh / each for each in backup.folders)):
        sync_folder(made)


def _set_aside(home: Path) -> Path | None:
    names = sorted(path.name for path in home.iterdir() if path.name not in NEVER)
    if not names:
        return None
    place = home / COPIES[1] / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    own_folder(place)
    for name in names:
        os.rename(home / name, place / name)  # noqa: PTH104 - a link moves as a link
    sync_folder(place)
    return place
