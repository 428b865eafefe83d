"""What an incident is, for somebody who has never seen the product: what happened, by when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from heirpay_pipelines.incidents.regulations import deadline_of

NAMED = 3
"""So many objects are named; the command lists all."""


def what_happened(incident: Mapping[str, Any]) -> str:
    """What was seen. A control's title says what should hold, so it is said that it does not."""
    seen = str(incident.get("detail") or incident.get("subject") or incident["incident_id"])
    failed = str(incident.get("subject") or "").startswith("control ")
    return f"this check failed: {seen}" if failed else seen


def by_when(incident: Mapping[str, Any]) -> str:
    """The earliest duty's hour; without one, by its urgency."""
    if deadline := _deadline(incident):
        return said(deadline)
    return soon(incident["urgency"])


def soon(urgency: str) -> str:
    """By when what has no date of its own wants to be done."""
    return "today" if urgency == "critical" else "the next working day"


def objects_of(incident: Mapping[str, Any]) -> str:
    """The first objects that are concerned: `ch_1, ch_2, ch_3 and 9 more`; empty without any."""
    evidence = incident.get("evidence") or {}
    given = json.loads(evidence) if isinstance(evidence, str) else evidence
    ids = [str(each) for each in given.get("ids") or ()]
    more = max(len(ids), int(given.get("violations") or 0)) - NAMED
    return ", ".join(ids[:NAMED]) + (f" and {more:,} more" if ids and more > 0 else "")


def said(deadline: str | None) -> str:
    """An instant as people read it: `2026-11-02 00:00 UTC`."""
    return "" if deadline is None else f"{deadline[:16].replace('T', ' ')} UTC"


def _deadline(incident: Mapping[str, Any]) -> str | None:
    """Of an incident of the state file (texts), or of the published table (values)."""
    evidence, opened = incident.get("evidence"), incident["opened_at"]
    if not evidence:
        return None
    text = evidence if isinstance(evidence, str) else json.dumps(evidence)
    since = opened.isoformat() if isinstance(opened, datetime) else str(opened)
    return deadline_of({**incident, "evidence": text, "opened_at": since})
