"""`institutional_knowledge_captured`: what was tried, and what helped."""

from __future__ import annotations

import json
from typing import Any

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain.orbt import incidents_known
from heirpay_pipelines.report.domain.status import incidents, newly_learned


def institutional_knowledge(context: ReportContext) -> dict[str, Any]:
    """Solutions with how often they were tried and helped, and the incidents they resolved."""
    rows = incidents(context)
    solutions: dict[str, dict[str, int]] = {}
    for row in rows:
        for attempt in _attempts(row):
            tally = solutions.setdefault(attempt["solution"], {"tried": 0, "helped": 0})
            if attempt.get("status") == "not_applicable":  # it was not tried
                continue
            tally["tried"] += 1
            tally["helped"] += 1 if attempt.get("helped") else 0
    return {
        "incidents": len(rows),
        "resolved": sum(1 for row in rows if row["status"] == "resolved"),
        "new_runbooks": sorted({str(row["learned"]) for row in newly_learned(context)}),
        "solutions": [
            {"solution": name, **tally}
            for name, tally in sorted(
                solutions.items(), key=lambda item: (-item[1]["helped"], item[0])
            )
            if tally["tried"]
        ],
        "not_available": incidents_known(context),
        "query": context.fact("incidents").command,
    }


def _attempts(row: dict[str, Any]) -> list[dict[str, Any]]:
    given = row.get("attempted_solutions") or []
    listed = json.loads(given) if isinstance(given, str) else given
    return [item if isinstance(item, dict) else {"solution": str(item)} for item in listed if item]
