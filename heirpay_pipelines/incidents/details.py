"""Everything about one incident, for a person or a program."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from heirpay_pipelines.home import Home
from heirpay_pipelines.incidents.document import attempts
from heirpay_pipelines.incidents.incidents import Incident, read
from heirpay_pipelines.incidents.message import money
from heirpay_pipelines.incidents.regulations import context_of, deadline_of
from heirpay_pipelines.incidents.runbooks import library, search
from heirpay_pipelines.state import State

SHOWN_ITEMS = 10
JSON_COLUMNS = ("evidence", "attempted_solutions", "recommendations")


def decoded(incident: Incident) -> dict[str, Any]:
    """An incident's row with its JSON columns as what they hold."""
    return {
        name: json.loads(value) if name in JSON_COLUMNS else value
        for name, value in incident.items()
    }


def details(home: Home, state: State, incident_id: str) -> dict[str, Any]:
    """All of an incident: attempts, lists, runbooks, what was told; LookupError if unknown."""
    incident = read(state, incident_id)
    books = search(
        library(home.folder),
        incident["pattern"],
        incident["symptom"],
        context_of(incident),
        Decimal(incident["financial_impact"]),
    )
    lists: dict[str, list[Any]] = {}
    for row in state.rows(
        "select solution, item from incident_worklists where incident_id = ?"
        " order by solution, position",
        (incident_id,),
    ):
        lists.setdefault(row["solution"], []).append(json.loads(row["item"]))
    return {
        "incident": decoded(incident),
        "attempts": attempts(state, incident_id),
        "worklists": lists,
        "regulator_deadline": deadline_of(incident),
        "runbooks": [
            {"name": book.name, "proven": book.proven, "steps": list(book.steps), "text": book.text}
            for book in books
            if book.symptom == incident["symptom"]
        ],
        "told": [
            {**row, "document": json.loads(row["document"])}
            for row in state.rows(
                "select kind, strike, created_at, message_id, document from escalations"
                " where incident_id = ? order by created_at, escalation_id",
                (incident_id,),
            )
        ],
    }


def describe(found: dict[str, Any]) -> str:
    """The details as text for a terminal."""
    incident = found["incident"]
    lines = [
        f"{incident['incident_id']}  {incident['identifier']}  {incident['section']}",
        f"{incident['symptom']}: {incident['subject']}",
        incident["detail"],
        "",
        f"Status   {incident['status']}, strike {incident['strike']}, urgency"
        f" {incident['urgency']}, for {incident['role']}",
        f"Seen     {incident['failures']} times, {incident['opened_at']} to"
        f" {incident['last_seen_at']}",
        f"Impact   {money(incident['financial_impact'], incident['currency'])}, compliance risk"
        f" {incident['compliance_risk']}",
    ]
    for label, value in (
        ("Trigger", incident["trigger_name"]),
        ("Clause", incident["evidence"].get("clause")),
        ("Due", found["regulator_deadline"] if incident["evidence"].get("clause") else None),
        ("Taken by", incident["acknowledged_by"]),
        ("Resolved", incident["resolution"]),
        ("Learned", incident["learned"]),
    ):
        if value:
            lines.append(f"{label:8} {value}")
    if query := incident["evidence"].get("rows"):
        lines.append(f'Rows     heirpay query "{query}"')
    lines += ["", "Tried"]
    for attempt in found["attempts"]:
        helped = {True: ", helped", False: ", did not help", None: ""}[attempt["helped"]]
        lines.append(
            f"  strike {attempt['strike']}  {attempt['solution']} ({attempt['source']}):"
            f" {attempt['status']}{helped}. {attempt['detail']}"
        )
    for solution, items in found["worklists"].items():
        lines += ["", f"{solution}: {len(items)}"]
        lines += [f"  {json.dumps(item)}" for item in items[:SHOWN_ITEMS]]
        if len(items) > SHOWN_ITEMS:
            lines.append("  … all with --json")
    lines += ["", "Next", *(f"  {text}" for text in incident["recommendations"])]
    for book in found["runbooks"][:1]:
        lines += ["", f"Runbook {book['name']} (proven {book['proven']} times)", book["text"]]
    return "\n".join(lines)
