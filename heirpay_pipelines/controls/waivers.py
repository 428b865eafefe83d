"""Waivers: a failure that one person asks to accept, and another approves, until a date."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import rfc8785

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.host.person import is_same_person
from heirpay_pipelines.state.database import State

LONGEST = timedelta(days=366)
"""PCI DSS 4.0.1 12.3.1: a risk that is accepted is looked at again each year."""


class WaiverError(Exception):
    """A waiver cannot be asked for, approved or ended. The message says what to do."""


@dataclass(frozen=True)
class Waiver:
    """Whose failure is accepted, why, until which day (inclusive), and by whom."""

    control_key: str
    reason: str
    requested_by: str
    requested_at: str
    expires: date
    approved_by: str | None = None

    def digest(self) -> str:
        """SHA-256 of what was asked for: the audit log holds it."""
        asked = {
            "control_key": self.control_key,
            "reason": self.reason,
            "requested_by": self.requested_by,
            "requested_at": self.requested_at,
            "expires": self.expires.isoformat(),
        }
        return hashlib.sha256(rfc8785.dumps(asked)).hexdigest()

    def detail(self) -> dict[str, Any]:
        """What the audit log keeps."""
        return {
            "waiver": self.digest(),
            "reason": self.reason,
            "requested_by": self.requested_by,
            "expires": self.expires.isoformat(),
        }


def request_waiver(
    state: State, control_key: str, reason: str, by: str, expires: date, at: datetime
) -> Waiver:
    """Ask for a waiver. It counts once another person approves it. Raises WaiverError."""
    if not reason.strip():
        raise WaiverError("a reason is needed: say why the failure can be accepted")
    if not at.date() <= expires <= (at + LONGEST).date():
        raise WaiverError(
            f"a waiver ends between today and {(at + LONGEST).date()}: give --until such a day"
        )
    asked = Waiver(control_key, reason.strip(), by, at.isoformat(), expires)
    with state.transaction() as connection:
        connection.execute(
            "insert into waivers (control_key, reason, requested_by, requested_at, expires)"
            " values (?, ?, ?, ?, ?)",
            (control_key, asked.reason, by, asked.requested_at, expires.isoformat()),
        )
        append(state, at, by, Action.WAIVER_REQUESTED, control_key, asked.detail())
    return asked


def approve_waiver(state: State, control_key: str, by: str, at: datetime) -> Waiver:
    """Approve the newest waiver that was asked for. WaiverError when none waits, or the same
    person asked for it."""
    with state.transaction() as connection:
        rows = state.rows(
            "select * from waivers where control_key = ? order by waiver_id desc limit 1",
            (control_key,),
        )
        if not rows or rows[0]["approved_by"] is not None:
            raise WaiverError(f"no waiver of {control_key} waits for approval; ask for one first")
        asked = _waiver(rows[0])
        if is_same_person(asked.requested_by, by):
            raise WaiverError(f"{by} asked for this waiver: another person has to approve it")
        connection.execute(
            "update waivers set approved_by = ?, approved_at = ? where waiver_id = ?",
            (by, at.isoformat(), rows[0]["waiver_id"]),
        )
        append(state, at, by, Action.WAIVER_APPROVED, control_key, asked.detail())
    return asked


def end_waiver(state: State, control_key: str, by: str, at: datetime) -> Waiver:
    """End the waiver that stands, expired or not. WaiverError when there is none."""
    with state.transaction():
        standing = standing_waivers(state, at).get(control_key)
        if standing is None:
            raise WaiverError(f"no waiver of {control_key} stands; nothing to end")
        append(state, at, by, Action.WAIVER_ENDED, control_key, standing.detail())
    return standing


def standing_waivers(state: State, until: datetime) -> dict[str, Waiver]:
    """The newest waiver of each control that was approved by `until` and not ended, expired or not.

    What the log does not know as approved (a row that was edited or put in) is left out.
    """
    logged = {
        (row["action"], row["subject"], row["digest"])
        for row in state.rows(
            "select action, subject, json_extract(detail, '$.waiver') as digest from audit_log"
            " where action in (?, ?) and occurred_at <= ?",
            (Action.WAIVER_APPROVED, Action.WAIVER_ENDED, until.isoformat()),
        )
    }
    found = {}
    for row in state.rows("select * from waivers order by waiver_id"):
        waiver = _waiver(row)
        mark = (waiver.control_key, waiver.digest())
        if (str(Action.WAIVER_APPROVED), *mark) in logged:
            found[waiver.control_key] = waiver
        if (str(Action.WAIVER_ENDED), *mark) in logged:
            found.pop(waiver.control_key, None)
    return found


def _waiver(row: dict[str, Any]) -> Waiver:
    return Waiver(
        row["control_key"],
        row["reason"],
        row["requested_by"],
        row["requested_at"],
        date.fromisoformat(row["expires"]),
        row["approved_by"],
    )
