"""`orbt_status`: operate, repair, build or train (DOMAIN.md), and why."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain.status import (
    incident_title,
    newly_learned,
    open_incidents,
)

LAST_STRIKE = 3


def orbt_status(context: ReportContext, phases: list[dict[str, Any]]) -> dict[str, Any]:
    """What holds, most pressing first: repair before build before train before operate."""
    opened = open_incidents(context)
    escalated = [row for row in opened if row["strike"] >= LAST_STRIKE]
    unmet = [
        f"{phase['title']}: {criterion['criterion'].lower()}"
        for phase in phases
        for criterion in phase["criteria"]
        if criterion["status"] not in ("met", "not_applicable")
    ]
    learned = [row["incident_id"] for row in newly_learned(context)]
    reasons = {
        "repair": [
            f"{incident_title(row)} (strike {row['strike']}, {row['incident_id']})"
            for row in opened
        ],
        "build": unmet,
        "train": [f"{name} taught a solution" for name in learned],
    }
    status = next((name for name, why in reasons.items() if why), "operate")
    return {
        "status": status,
        "reasons": reasons.get(status, ["no open incident, every set-up criterion met"]),
        "escalated": [row["incident_id"] for row in escalated],
        "also": [name for name, why in reasons.items() if why and name != status],
        "setup_phases": phases,
        "incidents_known": incidents_known(context),
    }


def incidents_known(context: ReportContext) -> str | None:
    """Why incidents are not known, or None when they are."""
    if context.run.incidents is not None:
        return None
    return context.fact("incidents").missing
