"""The incidents' record: opened, struck and resolved by what was observed, all in one transaction.

An incident is one symptom on one subject. The same failing check again is another strike on it,
never a second incident, and one as-of date is at most one strike, however many runs it has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.incidents.facts import Finding, Observed
from heirpay_pipelines.incidents.patterns import identifier, pattern_of, patterns
from heirpay_pipelines.state import State
from heirpay_pipelines.state.runs import cut_since

LAST_STRIKE = 3
ACTOR = "escalate"
Incident = dict[str, Any]
"""A row of the table `incidents`."""

Plan = Callable[[Incident], Iterable[tuple[str, str]]]
"""(solution, source) pairs to try at the incident's strike, in order."""


@dataclass(frozen=True)
class Recorded:
    """Ids of the incidents that one evaluation opened, struck again and resolved."""

    opened: tuple[str, ...] = ()
    struck: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


def merge(findings: Sequence[Finding]) -> dict[str, tuple[Finding, int]]:
    """One finding for each key with how often it was found: amounts of the same rows are not
    added up twice; the largest stands."""
    merged: dict[str, tuple[Finding, int]] = {}
    for finding in findings:
        known, count = merged.get(finding.key, (finding, 0))
        larger = finding if finding.amount > known.amount else known
        trigger = known.trigger or finding.trigger
        merged[finding.key] = (replace(larger, trigger=trigger), count + 1)
    return merged


def record(
    state: State, project: str, as_of: datetime, observed: Observed, plan: Plan, zone: ZoneInfo
) -> Recorded:
    """Apply one evaluation. An instant before the newest evaluated one changes nothing. `zone` says
    on which date an instant is."""
    instant = as_of.isoformat()
    found = merge(observed.findings)
    opened, struck, resolved = [], [], []
    with state.transaction() as connection:
        newest = connection.execute("select max(last_seen_at) from incidents").fetchone()[0]
        if newest is not None and instant < newest:
            return Recorded()
        again_since = cut_since(state)
        standing = {row["incident_key"]: row for row in unresolved(state)}
        for key, (finding, count) in found.items():
            incident = standing.get(key)
            if incident is None:
                incident = _open(state, project, instant, key, finding, count)
                opened.append(incident["incident_id"])
            elif instant > incident["last_seen_at"] and not _is_tonights(incident, again_since):
                seen = datetime.fromisoformat(incident["last_seen_at"])
                again = as_of.astimezone(zone).date() > seen.astimezone(zone).date()
                incident = _seen(state, instant, incident, finding, count, again)
                if again:
                    struck.append(incident["incident_id"])
            _plan(state, incident, plan)
        for key, incident in standing.items():
            is_gone = key not in found and incident["scope"] in observed.scopes
            if is_gone and not _is_tonights(incident, again_since):
                close(state, incident["incident_id"], instant, "The check passed again")
                resolved.append(incident["incident_id"])
        audit(state, Action.INCIDENT_OPENED, opened)
        audit(state, Action.INCIDENT_STRUCK, struck)
        audit(state, Action.INCIDENT_RESOLVED, resolved)
    return Recorded(tuple(opened), tuple(struck), tuple(resolved))


def _is_tonights(incident: Incident, again_since: str | None) -> bool:
    """Whether a run that was cut has seen the incident: the run that follows is the same night
    again, so it neither strikes nor takes what that one put right for a check that passed."""
    return again_since is not None and incident["last_seen_at"] >= again_since


def audit(state: State, action: Action, ids: Sequence[str]) -> None:
    """One record of the audit log for one kind of change, in the caller's transaction."""
    if ids:
        digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        detail = {"incidents": list(ids[:100]), "count": len(ids), "sha256": digest}
        append(state, datetime.now(UTC), ACTOR, action, f"{len(ids)} incidents", detail)


def unresolved(state: State) -> list[Incident]:
    """Incidents that are not resolved, the most urgent and oldest first."""
    return state.rows(
        "select * from incidents where status <> 'resolved'"
        " order by case urgency when 'critical' then 0 when 'high' then 1 when 'medium' then 2"
        " else 3 end, opened_at, incident_id"
    )


def read(state: State, incident_id: str) -> Incident:
    """One incident; LookupError when there is none of that id."""
    found = state.rows("select * from incidents where incident_id = ?", (incident_id,))
    if not found:
        raise LookupError(f"no incident {incident_id}; `heirpay incidents list --all` shows them")
    return found[0]


def close(state: State, incident_id: str, instant: str, resolution: str) -> None:
    """Resolve an incident. Whether what was tried helped is judged by its own effect, afterwards
    (`attempts.learn_from_resolved`)."""
    state.connection.execute(
        "update incidents set status = 'resolved', resolved_at = ?, resolution = ?"
        " where incident_id = ? and status <> 'resolved'",
        (instant, resolution, incident_id),
    )


def urgency(strike: int, finding: Finding) -> str:
    """critical by trigger, high at the last strike or at high risk, then medium, then low."""
    if finding.trigger:
        return "critical"
    if strike >= LAST_STRIKE or finding.compliance_risk == "high":
        return "high"
    return "medium" if strike > 1 else "low"


def amount_text(amount: Decimal) -> str:
    """A decimal in plain notation, as the state file keeps it."""
    return f"{amount:f}"


def _open(
    state: State, project: str, instant: str, key: str, finding: Finding, count: int
) -> Incident:
    (occurrence,) = state.connection.execute(
        "select coalesce(max(occurrence), 0) + 1 from incidents where incident_key = ?", (key,)
    ).fetchone()
    name = pattern_of(finding.symptom)
    symptom = patterns()[name].symptoms[finding.symptom]
    incident: Incident = {
        "incident_id": f"inc_{key}_{occurrence}",
        "incident_key": key,
        "occurrence": occurrence,
        "scope": finding.scope,
        "identifier": finding.identifier or identifier(project, finding.symptom),
        "section": finding.section or symptom.section,
        "pattern": name,
        "symptom": finding.symptom,
        "subject": finding.subject,
        "role": finding.role or patterns()[name].role,
        "strike": 1,
        "failures": count,
        "opened_at": instant,
        "last_seen_at": instant,
        "attempted_solutions": "[]",
        **_state_of(finding, 1, "open"),
    }
    columns = ", ".join(incident)
    marks = ", ".join("?" * len(incident))
    state.connection.execute(
        f"insert into incidents ({columns}) values ({marks})", tuple(incident.values())
    )
    return incident


def _seen(
    state: State, instant: str, incident: Incident, finding: Finding, count: int, again: bool
) -> Incident:
    """What fails still, as it is now; `again`, on a later date, is another strike."""
    strike = min(incident["strike"] + (1 if again else 0), LAST_STRIKE)
    changed = {
        "strike": strike,
        "failures": incident["failures"] + count,
        "last_seen_at": instant,
        **_state_of(finding, strike, incident["status"]),
    }
    assignments = ", ".join(f"{column} = ?" for column in changed)
    state.connection.execute(
        f"update incidents set {assignments} where incident_id = ?",
        (*changed.values(), incident["incident_id"]),
    )
    # It fails again, so what was tried before did not help.
    state.connection.execute(
        "update incident_attempts set helped = 0"
        " where incident_id = ? and strike < ? and status = 'done' and helped is null",
        (incident["incident_id"], strike),
    )
    return {**incident, **changed}


def _state_of(finding: Finding, strike: int, status: str) -> dict[str, Any]:
    if status == "open" and (finding.trigger or strike >= LAST_STRIKE):
        status = "escalated"
    symptom = patterns()[pattern_of(finding.symptom)].symptoms[finding.symptom]
    evidence = {**finding.evidence, "rows": finding.rows, "clause": finding.clause}
    return {
        "status": status,
        "trigger_name": finding.trigger,
        "financial_impact": amount_text(finding.amount),
        "currency": finding.currency,
        "compliance_risk": finding.compliance_risk,
        "urgency": urgency(strike, finding),
        "detail": finding.detail,
        "evidence": json.dumps(evidence, default=str, sort_keys=True),
        "recommendations": json.dumps([symptom.recommendation, finding.action or symptom.action]),
    }


def _plan(state: State, incident: Incident, plan: Plan) -> None:
    """Write down what will be tried, before it is: a killed evaluation is then taken up again."""
    for solution, source in plan(incident):
        state.connection.execute(
            "insert into incident_attempts (incident_id, strike, solution, source, status)"
            " values (?, ?, ?, ?, 'planned') on conflict do nothing",
            (incident["incident_id"], incident["strike"], solution, source),
        )
