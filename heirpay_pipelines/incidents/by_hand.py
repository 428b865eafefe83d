"""What people do to incidents. Each act is one transaction and a record of the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.home import Home
from heirpay_pipelines.incidents.incidents import close, read
from heirpay_pipelines.incidents.regulations import context_of
from heirpay_pipelines.incidents.runbooks import learn
from heirpay_pipelines.state import State
from heirpay_pipelines.state.switches import ISOLATION, release_switch, set_switch


def acknowledge(state: State, incident_id: str, actor: str, note: str, at: datetime) -> None:
    """Mark an unresolved incident as taken; LookupError when it is unknown or resolved."""
    if read(state, incident_id)["status"] == "resolved":
        raise LookupError(f"{incident_id} is resolved already")
    with state.transaction() as connection:
        connection.execute(
            "update incidents set status = 'acknowledged', acknowledged_at = ?,"
            " acknowledged_by = ? where incident_id = ? and status in ('open', 'escalated')",
            (at.isoformat(), actor, incident_id),
        )
        append(state, at, actor, Action.INCIDENT_ACKNOWLEDGED, incident_id, {"note": note})


def resolve_by_hand(
    home: Home,
    state: State,
    incident_id: str,
    actor: str,
    note: str,
    worked: Sequence[str],
    at: datetime,
) -> None:
    """Resolve an incident and keep the steps that worked; LookupError when there is none open."""
    incident = read(state, incident_id)
    if incident["status"] == "resolved":
        raise LookupError(f"{incident_id} is resolved already")
    name, is_new = "", False
    if worked:
        book, is_new = learn(
            home.folder,
            incident_id,
            incident["pattern"],
            incident["symptom"],
            context_of(incident),
            Decimal(incident["financial_impact"]),
            worked,
        )
        name = book.name
    with state.transaction() as connection:
        close(state, incident_id, at.isoformat(), f"{actor}: {note}")
        connection.execute(
            "update incidents set learned = ?, learned_new = ? where incident_id = ?",
            (name, is_new, incident_id),
        )
        connection.executemany(
            "update incident_attempts set helped = 1 where incident_id = ? and solution = ?"
            " and status = 'done'",
            [(incident_id, step) for step in worked],
        )
        detail = {"note": note, "runbook": name}
        append(state, at, actor, Action.INCIDENT_RESOLVED, incident_id, detail)


def runbooks_read(state: State, names: Sequence[str], actor: str, at: datetime) -> None:
    """Note that a person has read runbooks that were new; LookupError for one that is not."""
    with state.transaction() as connection:
        for name in names:
            changed = connection.execute(
                "update incidents set learned_new = 0 where learned = ? and learned_new", (name,)
            ).rowcount
            if not changed:
                raise LookupError(f"{name} is no new runbook; `heirpay incidents runbooks` lists")
            append(state, at, actor, Action.RUNBOOK_READ, name, {})


def inquiry_id(regulator: str, reference: str) -> str:
    """The id of a regulator's inquiry: the same for the same reference."""
    return hashlib.sha256(f"{regulator}\x1f{reference}".encode()).hexdigest()[:12]


def open_inquiry(
    state: State, actor: str, regulator: str, reference: str, at: datetime, due: datetime
) -> None:
    """Record an inquiry; recording it again changes nothing."""
    name = inquiry_id(regulator, reference)
    with state.transaction() as connection:
        connection.execute(
            "insert into regulatory_inquiries values (?, ?, ?, ?, ?, null) on conflict do nothing",
            (name, regulator, reference, at.isoformat(), due.isoformat()),
        )
        detail = {"regulator": regulator, "reference": reference, "due": due.isoformat()}
        append(state, at, actor, Action.INQUIRY_OPENED, name, detail)


def close_inquiry(state: State, actor: str, regulator: str, reference: str, at: datetime) -> None:
    """Record that an inquiry is answered; LookupError when none is open."""
    name = inquiry_id(regulator, reference)
    with state.transaction() as connection:
        changed = connection.execute(
            "update regulatory_inquiries set closed_at = ?"
            " where inquiry_id = ? and closed_at is null",
            (at.isoformat(), name),
        ).rowcount
        if not changed:
            raise LookupError(f"no open inquiry {reference} of {regulator}")
        detail = {"regulator": regulator, "reference": reference}
        append(state, at, actor, Action.INQUIRY_CLOSED, name, detail)


def isolate(state: State, actor: str, note: str, at: datetime) -> None:
    """Stop publication until it is released."""
    with state.transaction():
        set_switch(state, ISOLATION, at, f"{actor}: {note}")
        append(state, at, actor, Action.ISOLATION_SET, ISOLATION, {"note": note})


def release_isolation(state: State, actor: str, note: str, at: datetime) -> None:
    """Let publication go on; LookupError when it was not stopped."""
    with state.transaction():
        if not release_switch(state, ISOLATION):
            raise LookupError("publication is not stopped")
        append(state, at, actor, Action.ISOLATION_RELEASED, ISOLATION, {"note": note})
