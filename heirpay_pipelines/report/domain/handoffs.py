"""`handoff_readiness`: what the neighbouring domains get, with criteria met or not."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.handoffs import handoff_files


def handoff_readiness(context: ReportContext) -> list[dict[str, Any]]:
    """One entry for each handoff file: to whom, which file, which criteria are met."""
    return [
        {
            "domain": handoff.domain,
            "file": f"handoffs/{handoff.name}",
            "deliverable": handoff.deliverable,
            "purpose": handoff.purpose,
            "ready": all(met for _, met in handoff.criteria),
            "criteria": [
                {"criterion": criterion, "met": met} for criterion, met in handoff.criteria
            ],
        }
        for handoff in handoff_files(context)
    ]


def ongoing_support(context: ReportContext) -> list[dict[str, Any]]:
    """What is watched for the neighbouring domains from night to night: calm or not, and why."""
    fact = context.fact("support")
    return [
        {
            "domain": row["domain"],
            "support": row["support"],
            "calm": bool(row["calm"]),
            "evidence": row["evidence"],
            "query": fact.command,
        }
        for row in fact.rows
    ]
