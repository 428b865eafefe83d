"""Parts of the page that are no plain table: open incidents, and controls by framework."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heirpay_pipelines.controls.evidence_words import evidence_text
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.status import incident_title, open_incidents

URGENCIES = ("critical", "high", "medium", "low")
IDS_SHOWN = 4


@dataclass(frozen=True)
class OpenIncident:
    """An open incident as people read it."""

    incident_id: str
    title: str
    urgency: str
    status: str
    strike: int
    role: str
    impact: str
    since: Any
    tried: str
    what_to_do: str

    @property
    def command(self) -> str:
        return f"heirpay incidents show {self.incident_id}"


@dataclass(frozen=True)
class Framework:
    """The controls of one framework, those that did not pass first."""

    key: str
    title: str
    statement: str
    rows: list[dict[str, Any]]
    open: int
    query: str


def shown_incidents(context: ReportContext) -> list[OpenIncident]:
    """Open incidents, the most urgent and dearest first."""
    found = sorted(
        open_incidents(context),
        key=lambda row: (
            URGENCIES.index(row["urgency"]) if row["urgency"] in URGENCIES else len(URGENCIES),
            -abs(_converted(context, row)),
            row["incident_id"],
        ),
    )
    return [_incident(context, row) for row in found]


def _converted(context: ReportContext, row: dict[str, Any]) -> Decimal:
    if not row["currency"]:
        return Decimal(0)
    return context.total([(row["currency"], Decimal(row["financial_impact"] or 0))]).amount


def _incident(context: ReportContext, row: dict[str, Any]) -> OpenIncident:
    impact = row["currency"] and row["financial_impact"]
    return OpenIncident(
        incident_id=row["incident_id"],
        title=incident_title(row),
        urgency=row["urgency"],
        status=row["status"],
        strike=row["strike"],
        role=row.get("role") or "payment",
        impact=context.money.text(row["financial_impact"], row["currency"]) if impact else "–",
        since=row["opened_at"],
        tried=_tried(row),
        what_to_do=_last(row.get("recommendations")),
    )


def _tried(row: dict[str, Any]) -> str:
    done = [a for a in _listed(row.get("attempted_solutions")) if isinstance(a, dict)]
    useful = [attempt for attempt in done if attempt.get("status") == "done"]
    return "; ".join(str(attempt.get("detail") or attempt["solution"]) for attempt in useful)


def _last(value: Any) -> str:
    found = _listed(value)
    return str(found[-1]) if found else ""


def _listed(value: Any) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return list(found or ())


def frameworks(context: ReportContext) -> list[Framework]:
    """A section for each framework that a control of this run belongs to."""
    fact = context.fact("controls_all")
    order = list(controls.FRAMEWORKS)
    names = sorted(
        {row["framework"] for row in fact.rows},
        key=lambda name: (order.index(name) if name in order else len(order), name),
    )
    return [_framework(name, fact.rows) for name in names]


def _framework(name: str, every: tuple[controls.Row, ...]) -> Framework:
    rows = [row for row in every if row["framework"] == name]
    worst = ("fail", "not_evaluated", "waived")
    ranked = sorted(rows, key=lambda r: worst.index(r["status"]) if r["status"] in worst else 9)
    return Framework(
        key=name,
        title=controls.framework_name(name),
        statement=controls.evidenced(rows)["statement"],
        rows=[shown_control(row) for row in ranked],
        open=sum(row["status"] in worst for row in rows),
        query='heirpay query "select * from compliance.control_results where framework = '
        f"'{name}' order by checked_at desc\"",
    )


def shown_control(row: controls.Row) -> dict[str, Any]:
    """A control with its evidence in few words."""
    return {
        **row,
        "evidence": evidence_text(row["evidence"], IDS_SHOWN),
        "what_to_do": controls.what_to_do(row),
        "query": controls.query(row),
    }
