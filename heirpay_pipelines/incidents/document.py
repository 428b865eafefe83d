"""The escalation document: nine fields, each computed from the incident's record."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema

from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.patterns import patterns
from heirpay_pipelines.incidents.regulations import duties_of, regulation_of
from heirpay_pipelines.incidents.runbooks import Runbook
from heirpay_pipelines.incidents.words import said
from heirpay_pipelines.state import State


@cache
def _validator() -> Any:
    text = files(__package__).joinpath("escalation.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


def escalation_document(state: State, incident: Incident, books: list[Runbook]) -> dict[str, Any]:
    """The document of DOMAIN.md; raises jsonschema.ValidationError if it breaks its schema."""
    symptom = patterns()[incident["pattern"]].symptoms[incident["symptom"]]
    document = {
        "domain": f"payment.{incident['identifier'].split('.')[1].lower()}",
        "issue_type": {
            **{
                name: incident[name]
                for name in (
                    "incident_id",
                    "identifier",
                    "section",
                    "pattern",
                    "symptom",
                    "subject",
                    "detail",
                    "strike",
                )
            },
            "trigger": incident["trigger_name"],
        },
        "financial_impact": {
            "amount": incident["financial_impact"],
            "currency": incident["currency"],
            "rows": json.loads(incident["evidence"]).get("rows"),
        },
        "compliance_risk": incident["compliance_risk"],
        "attempted_solutions": attempts(state, incident["incident_id"]),
        "specialist_recommendations": [
            {"role": incident["role"], "recommendation": symptom.recommendation},
            *(
                {
                    "role": incident["role"],
                    "recommendation": f"Runbook {book.name}, proven"
                    f" {book.proven} times: {', '.join(book.steps)}",
                }
                for book in books[:1]
            ),
        ],
        "regulatory_implications": _implications(incident),
        "immediate_actions_required": _actions(incident),
        "urgency_level": incident["urgency"],
    }
    _validator().validate(document)
    return document


def attempts(state: State, incident_id: str) -> list[dict[str, Any]]:
    """What was tried, in order, and whether it helped (None: not known yet)."""
    return [
        {**row, "detail": row["detail"] or "", "helped": _flag(row["helped"])}
        for row in state.rows(
            "select solution, strike, source, status, detail, helped from incident_attempts"
            " where incident_id = ? and status <> 'planned' order by strike, rowid",
            (incident_id,),
        )
    ]


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _implications(incident: Incident) -> list[dict[str, str | None]]:
    return [
        {"clause": duty.clause, "notify": duty.notify, "deadline": duty.deadline}
        for duty in duties_of(incident)
    ]


def _actions(incident: Incident) -> list[str]:
    actions: list[str] = json.loads(incident["recommendations"])[-1:]
    due = [duty for duty in duties_of(incident) if duty.deadline]
    if due:
        consultant = regulation_of(incident).consultant
        actions.append(f"Decide with {consultant} whom to tell, before {said(due[0].deadline)}.")
        actions += [f"Tell {duty.notify} by {said(duty.deadline)} ({duty.clause})." for duty in due]
    actions.append(f"Acknowledge: heirpay incidents ack {incident['incident_id']}")
    return actions
