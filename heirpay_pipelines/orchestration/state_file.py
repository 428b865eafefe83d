"""What of the folder `state` is gone or damaged: set aside, and begun anew with what others still
hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest.signing import SigningKeyError, installation_key, public_half
from heirpay_pipelines.at_rest.sqlite import DamagedFileError, connect
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.chain import GENESIS, record_hash
from heirpay_pipelines.audit.clock import sign_again
from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.duck import connect as connect_duck
from heirpay_pipelines.host.home_folder import is_state_lost
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State, open_state

WITH_IT = ("", "-wal", "-shm")
FIELDS = "sequence, occurred_at, actor, action, subject, detail, previous_hash, hash"
GONE = (
    "closed months, resolutions, waivers, attestations, incidents, erasures and waiting webhooks "
    "that only it knew are gone (docs/how-to/recovery.md)"
)


def repair_state(settings: Settings, by: str, *, force: bool = False) -> list[str]:
    """Begin a new state file where the old one is gone or damaged (or always, with `force`), and
    have a new signing key made where that is damaged; what was done, in words. The caller holds the
    run lock. Raises EncryptionKeyError when only the key may be wrong."""
    is_lost = force or is_state_lost(settings.folder) or _is_damaged(settings)
    renewed = _set_aside_signing_key(settings)
    said = _begin_anew(settings) if is_lost else []
    return said + (_record_signing_key(settings, by) if renewed else [])


def _begin_anew(settings: Settings) -> list[str]:
    """The audit log is taken over from the published warehouse, record by record as far as its
    hashes hold."""
    path = Path(settings.state_file)
    for part in WITH_IT:
        old = path.with_name(path.name + part)
        if old.is_file():
            _set_aside(old)
    with open_state(settings.state_file) as state:
        taken = _take_audit_log(state, settings)
        detail = {"audit_records_taken_over": taken}
        append(state, datetime.now(UTC), "nightly", Action.STATE_LOST, path.name, detail)
    return [
        f"state/{path.name} is begun anew, with {taken} records of the audit log from the "
        f"published warehouse. What was there lies in state/damaged; {GONE}"
    ]


def _set_aside(path: Path) -> None:
    place = path.parent / "damaged" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{path.name}"
    place.parent.mkdir(mode=0o700, exist_ok=True)
    path.replace(place)


def _set_aside_signing_key(settings: Settings) -> bool:
    """Whether the signing key was damaged; the next that signs makes a new one."""
    path = settings.evidence_key
    if not path.exists():
        return False
    try:
        installation_key(path, settings.key)
    except SigningKeyError:
        _set_aside(path)
        return True
    return False


def _record_signing_key(settings: Settings, by: str) -> list[str]:
    path = settings.evidence_key
    public = public_half(installation_key(path, settings.key))
    with open_state(settings.state_file) as state:
        detail = {"public_key": public}
        append(state, datetime.now(UTC), by, Action.SIGNING_KEY_REPLACED, path.name, detail)
        sign_again(state, by)
    return [
        f"state/{path.name} was damaged and lies in state/damaged. A new one was made, its public "
        f"half is {public}: tell it to who verifies evidence. Folders that were signed before keep "
        "the public key of then; proposals that wait are made anew."
    ]


def _is_damaged(settings: Settings) -> bool:
    if not settings.state_file.is_file():
        return False
    try:
        connection = connect(settings.state_file)
    except DamagedFileError:
        return True
    try:
        found = connection.execute("pragma quick_check").fetchone()
    except connection.DatabaseError:
        return True
    finally:
        connection.close()
    return bool(found[0] != "ok")


def _take_audit_log(state: State, settings: Settings) -> int:
    previous, taken = GENESIS, 0
    with state.transaction() as connection:
        for record in _published_records(settings):
            if record["previous_hash"] != previous or record_hash(record) != record["hash"]:
                break
            connection.execute(
                f"insert into audit_log ({FIELDS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(record.values()),
            )
            previous, taken = record["hash"], taken + 1
    return taken


def _published_records(settings: Settings) -> Iterator[dict[str, Any]]:
    if not settings.warehouse.is_file():
        return
    try:
        with connect_duck(settings.warehouse, settings.key, read_only=True) as warehouse:
            rows = warehouse.execute(
                f"select {FIELDS} from operations.audit_log order by sequence"
            ).fetchall()
    except (duckdb.Error, WarehouseError):
        return
    for row in rows:
        record = dict(zip(FIELDS.split(", "), row, strict=True))
        yield record | {"occurred_at": row[1].replace(tzinfo=UTC).isoformat()}
