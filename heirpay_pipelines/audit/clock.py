"""Corrections of this machine's clock: signed records, so that a log whose dates go back is told
apart from one that somebody put records into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest.signing import installation_key
from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.state.database import State


def correction(state: State, before: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The fields of the record that says that the clock was set back after the record `before`; it
    is itself the first that is dated earlier."""
    return _fields(state, before["sequence"] + 1, before, now, "nightly", now)


def correct(state: State, sequence: int, actor: str) -> None:
    """Append a correction for a record of earlier releases that is dated before the one before."""
    from heirpay_pipelines.audit.chain import append

    before, record = state.rows(
        "select sequence, occurred_at, hash from audit_log where sequence in (?, ?)"
        " order by sequence",
        (sequence - 1, sequence),
    )
    now = datetime.now(UTC)
    fields = _fields(state, sequence, before, record["occurred_at"], actor, now.isoformat())
    detail = json.loads(fields["detail"])
    append(state, now, actor, Action.CLOCK_CORRECTED, fields["subject"], detail)


def sign_again(state: State, actor: str) -> int:
    """Append the corrections that the log holds anew, signed with the key of now: the one before
    is gone. Only those of records that are where they say. How many."""
    explained = corrected(state)
    rows = state.rows(
        "select distinct record.sequence from audit_log as said inner join audit_log as record"
        " on record.sequence = json_extract(said.detail, '$.sequence')"
        " and record.previous_hash = json_extract(said.detail, '$.follows')"
        " where said.action = ? order by record.sequence",
        (Action.CLOCK_CORRECTED,),
    )
    sequences = [row["sequence"] for row in rows if row["sequence"] not in explained]
    for sequence in sequences:
        correct(state, sequence, actor)
    return len(sequences)


def corrected(state: State) -> dict[int, str]:
    """The records that may be dated before the one before: their sequence, and the hash of the
    record before. Only what carries this installation's signature counts."""
    rows = state.rows("select detail from audit_log where action = ?", (Action.CLOCK_CORRECTED,))
    if not rows or state.path is None:
        return {}
    public = _key(state.path).public_key()
    found = {}
    for row in rows:
        try:
            said = json.loads(row["detail"])
            public.verify(bytes.fromhex(said["signature"]), _signed(said))
            found[int(said["sequence"])] = str(said["follows"])
        except (InvalidSignature, ValueError, KeyError, TypeError):
            continue
    return found


def _fields(
    state: State, sequence: int, before: Mapping[str, Any], clock_is: str, actor: str, at: str
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "sequence": sequence,
        "follows": before["hash"],
        "clock_was": before["occurred_at"],
        "clock_is": clock_is,
    }
    if state.path is not None:
        key = _key(state.path)
        said["signature"] = key.sign(_signed(said)).hex()
    return {
        "occurred_at": at,
        "actor": actor,
        "action": str(Action.CLOCK_CORRECTED),
        "subject": f"record {sequence}",
        "detail": rfc8785.dumps(said).decode(),
    }


def _signed(said: Mapping[str, Any]) -> bytes:
    names = ("sequence", "follows", "clock_was", "clock_is")
    return rfc8785.dumps({name: said[name] for name in names})


def _key(state_file: Path) -> Ed25519PrivateKey:
    path = Path(state_file).with_name("evidence.key")
    return installation_key(path, getattr(state_file, "key", None))
