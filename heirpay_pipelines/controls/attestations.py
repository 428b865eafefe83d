"""Attestations: dated, expiring statements of a person about what the pipeline cannot see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import rfc8785

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.state.database import State


@dataclass(frozen=True)
class Attestation:
    """Who stated what of a control, when, until when. Instants are aware UTC."""

    control_key: str
    attested_by: str
    recorded_by: str
    statement: str
    reference: str | None
    attested_at: datetime
    expires_at: datetime

    def record(self) -> dict[str, Any]:
        return {
            "control_key": self.control_key,
            "attested_by": self.attested_by,
            "recorded_by": self.recorded_by,
            "statement": self.statement,
            "reference": self.reference,
            "attested_at": self.attested_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }

    def digest(self) -> str:
        return hashlib.sha256(rfc8785.dumps(self.record())).hexdigest()

    def evidence(self) -> dict[str, Any]:
        """What the control's result shows."""
        return {
            "attested_by": self.attested_by,
            "attested_at": self.attested_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "reference": self.reference,
            "sha256": self.digest(),
        }


def attest(
    state: State,
    control_key: str,
    attested_by: str,
    recorded_by: str,
    statement: str,
    reference: str | None,
    at: datetime,
    valid_days: int,
    *,
    done_at: datetime | None = None,
) -> Attestation:
    """Record an attestation and its hash in the audit log, both or neither.

    It is valid for `valid_days` from `done_at`, the day of what is attested (by default `at`).
    """
    signed = Attestation(
        control_key,
        attested_by,
        recorded_by,
        statement,
        reference,
        at,
        (done_at or at) + timedelta(days=valid_days),
    )
    with state.transaction() as connection:
        head = append(
            state, at, recorded_by, Action.ATTEST, control_key, {"attestation": signed.digest()}
        )
        connection.execute(
            "insert into attestations (control_key, attested_by, recorded_by, statement, reference,"
            " attested_at, expires_at, audit_head) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (*signed.record().values(), str(head)),
        )
    return signed


def newest_attestations(state: State, until: datetime) -> dict[str, Attestation]:
    """The newest attestation of each control made by `until`.

    One whose text is not what was signed (its hash is not in the audit log) is left out.
    """
    rows = state.rows(
        "select control_key, attested_by, recorded_by, statement, reference, attested_at,"
        " expires_at, audit_head from attestations order by attestation_id"
    )
    logged = {
        row["key"]: row["detail"]
        for row in state.rows(
            "select sequence || ':' || hash as key, detail from audit_log where action = 'attest'"
        )
    }
    found: dict[str, Attestation] = {}
    for row in rows:
        head = row.pop("audit_head")
        instants = {n: datetime.fromisoformat(row[n]) for n in ("attested_at", "expires_at")}
        signed = Attestation(**{**row, **instants})
        if signed.attested_at <= until and signed.digest() in logged.get(head, ""):
            found[signed.control_key] = signed
    return found
