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
            "purpose": handoff.purpose,
            "ready": all(met for _, met in handoff.criteria),
            "criteria": [
                {"criterion": criterion, "met": met} for criterion, met in handoff.criteria
            ],
        }
        for handoff in handoff_files(context)
    ]
