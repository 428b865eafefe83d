"""How much of the disk DuckDB may take for what does not fit into memory.

By itself it takes nine tenths of what is free, and a night that fills the disk can record nothing
more: the state file, Dagster's records and the build itself lie on the same one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

LEFT_FREE = 512 * 2**20
"""Left for everything else; on a small disk half of what is free."""


def spill_limit(folder: Path) -> str:
    """What DuckDB may spill below `folder` now, as its setting `max_temp_directory_size` says it.

    The folder need not exist yet.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return f"{max(free - max(LEFT_FREE, free // 5), free // 2)} bytes"
