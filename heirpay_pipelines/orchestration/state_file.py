"""A state file that is gone or damaged: set aside, and begun anew with what others still hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest.sqlite import DamagedFileError, connect
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.chain import GENESIS, record_hash
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


def begin_anew(settings: Settings, *, force: bool = False) -> list[str]:
    """Begin a new state file where the old one is gone or damaged (or always, with `force`); what
    was done, in words. The audit log is taken over from the published warehouse, record by record
    as far as its hashes hold. Raises EncryptionKeyError when only the key may be wrong."""
    path = Path(settings.state_file)
    if not (force or is_state_lost(settings.home) or _is_damaged(settings)):
        return []
    for part in WITH_IT:
        old = path.with_name(path.name + part)
        if old.is_file():
            place = path.parent / "damaged" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{old.name}"
            place.parent.mkdir(mode=0o700, exist_ok=True)
            old.replace(place)
    with open_state(settings.state_file) as state:
        taken = _take_audit_log(state, settings)
        detail = {"audit_records_taken_over": taken}
        append(state, datetime.now(UTC), "nightly", Action.STATE_LOST, path.name, detail)
    return [
        f"state/{path.name} is begun anew, with {taken} records of the audit log from the "
        f"published warehouse. What was there lies in state/damaged; {GONE}"
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
