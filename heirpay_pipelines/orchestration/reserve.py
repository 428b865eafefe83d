"""Room kept on the disk, so that a night which fills it can still say so.

A disk that is full would refuse the run's record and the incident, too: the file is given up then.
"""

from __future__ import annotations

import os
import shutil

from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.publication import discard_builds

RESERVED_BYTES = 8 * 2**20


class DiskFullError(OSError):
    """The disk under HEIRPAY_HOME has no room for a night."""


def keep_reserve(settings: Settings) -> None:
    """Reserve the room, if it is not; raise DiskFullError, with nothing changed, when it is not
    there to be had."""
    path = settings.folder / "reserve"
    if path.is_file() and path.stat().st_size == RESERVED_BYTES:
        return
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, RESERVED_BYTES)
    except OSError as error:
        release_reserve(settings)
        raise DiskFullError(
            error.errno,
            f"{RESERVED_BYTES // 2**20} MiB cannot be reserved in {settings.folder}"
            f" ({error.strerror}). Free some space there, then start again",
        ) from None
    finally:
        os.close(descriptor)


def release_reserve(settings: Settings) -> None:
    """Give the room up, for what must be written now."""
    (settings.folder / "reserve").unlink(missing_ok=True)


def make_room(settings: Settings) -> None:
    """Give up the reserve and, on a disk that is full, the builds that failed on it.

    The caller holds the run lock. A build that is whole stays: its checks can be run again.
    """
    full = shutil.disk_usage(settings.folder).free < RESERVED_BYTES
    release_reserve(settings)
    if full:
        discard_builds(settings.warehouse_dir / "building")
