"""Taking a file out of reach without losing it: encrypted under a key of its own, then removed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from heirpay_pipelines.at_rest.places import own_folder, write_whole
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.state import State

FOLDER = "quarantine"
# What the pipeline itself must find where it is; these have their own ways (erasure, a new build).
KEPT = ("landing", "state", "warehouse", "dagster", FOLDER)
MAX_BYTES = 256 * 2**20


def quarantine_file(home: Path, state: State, name: str, incident_id: str) -> str | None:
    """Move `name` (below `home`) into quarantine; the stored name, or None when it is no file that
    may be moved. Killed in between, it is made again: the file goes last."""
    path = (home / name).resolve()
    if not path.is_relative_to(home.resolve()) or not path.is_file():
        return None
    relative = path.relative_to(home.resolve())
    if relative.parts[0] in KEPT or len(relative.parts) < 2 or path.stat().st_size > MAX_BYTES:
        return None
    content = path.read_bytes()
    stored_as = hashlib.sha256(str(relative).encode() + b"\0" + content).hexdigest()[:32]
    key = Fernet.generate_key()
    with state.transaction() as connection:
        connection.execute(
            "insert into quarantined_files values (?, ?, ?, ?, ?) on conflict do nothing",
            (stored_as, str(relative), incident_id, datetime.now(UTC).isoformat(), key.decode()),
        )
        (kept,) = connection.execute(
            "select encryption_key from quarantined_files where stored_as = ?", (stored_as,)
        ).fetchone()
    _write(home / FOLDER / stored_as, Fernet(kept).encrypt(content))
    path.unlink()
    return stored_as


def restore_file(home: Path, state: State, stored_as: str, by: str) -> Path:
    """Put a quarantined file back where it was; LookupError when there is none of that name."""
    found = state.rows("select * from quarantined_files where stored_as = ?", (stored_as,))
    if not found:
        raise LookupError(f"no quarantined file {stored_as}")
    source, target = home / FOLDER / stored_as, home / str(found[0]["path"])
    _write(target, Fernet(found[0]["encryption_key"]).decrypt(source.read_bytes()))
    source.unlink()
    with state.transaction() as connection:
        connection.execute("delete from quarantined_files where stored_as = ?", (stored_as,))
        append(state, datetime.now(UTC), by, Action.FILE_RESTORED, stored_as, {})
    return target


def _write(path: Path, content: bytes) -> None:
    own_folder(path.parent)
    write_whole(path, content)
