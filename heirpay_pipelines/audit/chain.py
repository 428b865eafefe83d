"""Appending to the audit log, and the hash that ties each record to the one before.

The hash covers canonical JSON (RFC 8785), not joined fields: no two records share one text, so a
character cannot be moved from one field to its neighbour unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import rfc8785

from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.audit.clock import correction
from heirpay_pipelines.host.person import parse
from heirpay_pipelines.state.database import State

GENESIS = "0" * 64
"""The `previous_hash` of the first record."""


class AuditError(Exception):
    """What was to be recorded cannot be, or a head is not one. The message says what to do."""


@dataclass(frozen=True)
class Head:
    """The chain's newest record. Kept elsewhere (report, notification, evidence folder), it shows
    a log that was cut, rewritten or swapped. Its text is `sequence:hash`."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sequence:hash`; AuditError when it is not a head."""
        sequence, _, digest = text.strip().partition(":")
        if not sequence.isdecimal() or len(digest) != 64:
            raise AuditError(f"{text!r} is no audit head; one looks like 42:9f86d0…(64 characters)")
        return cls(int(sequence), digest.lower())


def record_hash(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record (a row of audit_log as it is stored), in hexadecimal."""
    body = {
        "sequence": record["sequence"],
        "occurred_at": record["occurred_at"],
        "actor": record["actor"],
        "action": record["action"],
        "subject": record["subject"],
        "detail": record["detail"],
        "previous_hash": record["previous_hash"],
    }
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()


def append(
    state: State,
    occurred_at: datetime,
    actor: str,
    action: Action,
    subject: str,
    detail: Mapping[str, Any],
) -> Head:
    """Append one record and return the new head.

    The actor is a login or a part of the pipeline; the name that a person gave with `--by` stands
    beside it, as `by` in the detail.

    Inside a transaction of `state` the record becomes durable with it; otherwise at once.
    `occurred_at` is aware; `detail` holds JSON values only (money as text), no secret and no
    personal data: nothing can be erased from here. Raises AuditError when it is neither.
    """
    if occurred_at.tzinfo is None:
        raise AuditError("occurred_at has no time zone; pass an aware instant")
    try:
        who = parse(actor)
        named = {"by": who.name} if who.name else {}
        canonical = rfc8785.dumps({**detail, **named}).decode()
    except rfc8785.CanonicalizationError as error:
        raise AuditError(f"detail of {action} is not JSON: {error}") from None
    fields = {
        "occurred_at": occurred_at.astimezone(UTC).isoformat(),
        "actor": who.login,
        "action": str(action),
        "subject": subject,
        "detail": canonical,
    }
    if state.connection.in_transaction:
        return _insert(state, fields)
    with state.transaction():
        return _insert(state, fields)


def head(state: State) -> Head:
    """The newest record's sequence and hash; of an empty log, 0 and the genesis hash."""
    found = state.rows("select sequence, hash from audit_log order by sequence desc limit 1")
    return Head(found[0]["sequence"], found[0]["hash"]) if found else Head(0, GENESIS)


def detail_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of a stored record as a dict."""
    detail: dict[str, Any] = json.loads(record["detail"])
    return detail


CLOCK_TOLERANCE = timedelta(seconds=5)
"""Two processes take their instants before they queue for the log; more is a clock set back."""


def is_back(earlier: str, later: str) -> bool:
    """Whether a record's instant lies before that of the record before it."""
    return datetime.fromisoformat(later) < datetime.fromisoformat(earlier) - CLOCK_TOLERANCE


def _insert(state: State, fields: Mapping[str, Any]) -> Head:
    """Append one record. What was dated before it queued is dated as the record before it; where
    this machine's clock itself was set back, a signed record says so first."""
    newest = state.rows(
        "select sequence, hash, occurred_at from audit_log order by sequence desc limit 1"
    )
    if newest and is_back(newest[0]["occurred_at"], fields["occurred_at"]):
        before = newest[0]["occurred_at"]
        if is_back(before, datetime.now(UTC).isoformat()):
            _write(state, correction(state, newest[0], fields["occurred_at"]))
        else:
            fields = {**fields, "occurred_at": before}
    return _write(state, fields)


def _write(state: State, fields: Mapping[str, Any]) -> Head:
    before = head(state)
    record = {"sequence": before.sequence + 1, **fields, "previous_hash": before.hash}
    digest = record_hash(record)
    state.connection.execute(
        "insert into audit_log (sequence, occurred_at, actor, action, subject, detail,"
        " previous_hash, hash) values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*record.values(), digest),
    )
    return Head(before.sequence + 1, digest)
