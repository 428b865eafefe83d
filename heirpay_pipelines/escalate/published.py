"""Incidents as others read them: rows of operations.incidents, as they are now."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from heirpay_pipelines.state import State

INSTANTS = ("opened_at", "last_seen_at", "escalated_at", "acknowledged_at", "resolved_at")
DOCUMENTS = ("attempted_solutions", "recommendations")


def incident_rows(state: State) -> list[dict[str, Any]]:
    """Every incident, oldest first: amounts as Decimal, instants naive UTC, lists as lists."""
    rows = state.rows("select * from incidents order by opened_at, incident_id")
    for row in rows:
        row["financial_impact"] = Decimal(row["financial_impact"])
        row |= {name: _instant(row[name]) for name in INSTANTS}
        row |= {name: json.loads(row[name]) for name in DOCUMENTS}
    return rows


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
