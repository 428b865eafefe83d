"""Retention enforced: what is past its period is found by one query and erased as on request."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import duckdb

from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.controls.retention import Due, due
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.privacy.erase import Erasure, GdprError, erase_all, finish_all
from heirpay_pipelines.state.database import open_state

STALE = timedelta(days=3)
"""Erasing from an older night could take the data of somebody who has come back since."""


def overdue(home: Home, as_of: datetime | None = None) -> tuple[datetime, list[Due]]:
    """What the published warehouse holds past its period, and as of when: an aware instant, by
    default that of the published night. Raises WarehouseError when nothing is published,
    RetentionError when the company's own periods are wrong."""
    key = home.key
    with connect(home.warehouse, key, read_only=True) as connection:
        instant = as_of or _night(connection)
        return instant, due(connection, home, instant)


def apply(home: Home, by: str, at: datetime) -> list[Erasure]:
    """Erase what is overdue at `at`, and first what was begun and is not done. The caller holds
    the run lock. Killed at any instant, done again, it ends the same.

    Raises GdprError when the published night is too old to say who is active, else as `erase`.
    """
    done = finish_all(home, at)
    night, found = overdue(home)
    if at - night > STALE:
        raise GdprError(
            f"The published night is of {night:%Y-%m-%d %H:%M} UTC: whoever came back since would"
            " lose their data. Publish tonight's with `heirpay run`, then apply again."
        )
    if not found:
        return done
    wanted: dict[str, list[str]] = defaultdict(list)
    for item in found:
        wanted[item.subject].append(item.data_class)
    with open_state(home.state_file) as state:
        rules = Counter(f"{item.data_class}: {item.rule}" for item in found)
        detail = {"as_of": night.isoformat(), "subjects": len(wanted), "rules": dict(rules)}
        append(state, datetime.now(UTC), by, Action.RETENTION_APPLIED, f"{night:%Y-%m-%d}", detail)
    reason = f"retention period passed, as of {night:%Y-%m-%d}"
    return done + erase_all(home, wanted, reason, by, at)


def _night(connection: duckdb.DuckDBPyConnection) -> datetime:
    row = connection.execute(
        "select max(as_of) from operations.run_history where is_published"
    ).fetchone()
    if row is None or row[0] is None:
        raise GdprError("The published warehouse does not say of which night it is: run one.")
    instant: datetime = row[0]
    return instant.replace(tzinfo=UTC)
