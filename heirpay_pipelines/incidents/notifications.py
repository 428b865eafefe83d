"""What is to be told: each escalation once, a reminder for each interval, each resolution once."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from heirpay_pipelines.audit import Action, head
from heirpay_pipelines.incidents.attempts import matching_books
from heirpay_pipelines.incidents.document import escalation_document
from heirpay_pipelines.incidents.facts import Night
from heirpay_pipelines.incidents.incidents import Incident, audit
from heirpay_pipelines.incidents.message import write_message
from heirpay_pipelines.incidents.outbox import enqueue
from heirpay_pipelines.incidents.thresholds import thresholds

News = tuple[str, Incident, dict[str, Any]]


def tell(night: Night) -> tuple[str, ...]:
    """Write everything new as one message into the outbox; ids of the incidents escalated now.

    What is due follows from the incidents alone, and the message and its marks are one
    transaction, so an evaluation that was killed before loses no message and doubles none.
    """
    due = _due(night)
    if not due:
        return ()
    news: list[News] = []
    for _, kind, incident in due:
        document = escalation_document(night.state, incident, matching_books(night, incident))
        news.append((kind, incident, document))
    ids = sorted(escalation_id for escalation_id, _, _ in due)
    message_id = f"msg_{hashlib.sha256(chr(10).join(ids).encode()).hexdigest()[:16]}"
    as_of = night.run.as_of.isoformat()
    title, body = write_message(news, as_of, str(head(night.state)), _link(night))
    with night.state.transaction() as connection:
        enqueue(night.state, message_id, title, body, datetime.now(UTC))
        for (escalation_id, kind, incident), (_, _, document) in zip(due, news, strict=True):
            connection.execute(
                "insert into escalations values (?, ?, ?, ?, ?, ?, ?)",
                (
                    escalation_id,
                    incident["incident_id"],
                    kind,
                    incident["strike"],
                    as_of,
                    json.dumps(document),
                    message_id,
                ),
            )
            connection.execute(
                "update incidents set escalated_at = coalesce(escalated_at, ?)"
                " where incident_id = ?",
                (as_of, incident["incident_id"]),
            )
        escalated = tuple(i["incident_id"] for _, kind, i in due if kind == "escalation")
        audit(night.state, Action.INCIDENT_ESCALATED, escalated)
    return escalated


def _link(night: Night) -> str:
    """The night's report, where colleagues reach it."""
    day = night.run.as_of.astimezone(night.home.zone).date()
    return f"{night.home.ui_url}/heirpay/reports/{day}/report.html"


def _due(night: Night) -> list[tuple[str, str, Incident]]:
    """(escalation id, kind, incident), the most urgent first."""
    told = {
        row["escalation_id"] for row in night.state.rows("select escalation_id from escalations")
    }
    found = []
    reminder = timedelta(hours=thresholds(night.home).reminder_hours)
    for incident in night.state.rows(
        "select * from incidents where status = 'escalated' or"
        " (status = 'resolved' and escalated_at is not null)"
        " order by case urgency when 'critical' then 0 when 'high' then 1 else 2 end,"
        " opened_at, incident_id"
    ):
        escalation_id, kind = _next(incident, night.run.as_of, reminder)
        if escalation_id not in told:
            found.append((escalation_id, kind, incident))
    return found


def _next(incident: Incident, as_of: datetime, reminder: timedelta) -> tuple[str, str]:
    name = incident["incident_id"]
    if incident["status"] == "resolved":
        return f"{name}:resolution", "resolution"
    if incident["escalated_at"] is None:
        return f"{name}:escalation", "escalation"
    passed = as_of - datetime.fromisoformat(incident["escalated_at"])
    interval = passed // reminder
    if interval < 1:
        return f"{name}:escalation", "escalation"
    return f"{name}:reminder:{interval}", "reminder"
