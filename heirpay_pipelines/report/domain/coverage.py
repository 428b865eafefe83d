"""The coverage statement: what was read, how far, and what could not be."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report.as_json import rows_as_json
from heirpay_pipelines.report.context import ReportContext, source
from heirpay_pipelines.report.reading import Fact


def coverage_fact(context: ReportContext) -> Fact:
    """This run's own statement where the caller gave it, else the published one."""
    own = context.fact("coverage")
    return own if own.rows else context.fact("coverage_published")


def coverage_statement(context: ReportContext) -> dict[str, Any]:
    """Every endpoint with its range, rows, requests and state."""
    fact = coverage_fact(context)
    incomplete = [row for row in fact.rows if row["status"] != "complete"]
    return {
        "not_available": fact.missing,
        "complete": bool(fact.rows) and not incomplete,
        "endpoints": len(fact.rows),
        "incomplete": rows_as_json(context, incomplete),
        "rows": rows_as_json(context, fact.rows),
        "pulled": dict(sorted(context.run.rows.items())),
        "requests": context.run.requests,
        **source(fact),
    }
