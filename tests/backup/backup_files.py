"""What a test of copies looks at."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from heirpay_pipelines.audit import verify
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

OPENED = ("-wal", "-shm", ".lock", ".holder")
"""Files that opening a home makes; they hold nothing that a copy needs."""


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.endswith(OPENED)
    }


def newest_action(given: Settings) -> str:
    """The newest record of a log that is whole."""
    with open_state(given.state_file) as state:
        assert verify(state).ok
        rows = state.rows("select action from audit_log order by sequence desc limit 1")
    return str(rows[0]["action"])
