"""`project_status`, `blocking_issues` and what to do first."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.incidents.words import by_when, objects_of, soon, what_happened
from heirpay_pipelines.report import money
from heirpay_pipelines.report.context import ReportContext, source
from heirpay_pipelines.report.domain import controls

FIRST = 5
URGENCIES = ("blocking", "critical", "high", "medium", "low")
DEADLINE_CRITICAL = 2
"""Days to a dispute's deadline from which on nothing else can be done about it."""
SHOWN = (
    "title", "state", "financial_impact", "what_to_do", "role", "by", "blocks", "query", "command",
)  # fmt: skip
Issue = dict[str, Any]


def project_status(context: ReportContext) -> dict[str, Any]:
    """What this run was, whether it was published and how old the published figures are."""
    run = context.run
    history = context.fact("run_history")
    published = next(
        (row for row in history.rows if row.get("run_id") == run.run_id),
        history.one(),
    )
    figures_as_of: str | None
    if run.verdict == "published":
        figures_as_of = run.as_of.isoformat()
    else:
        figures_as_of = str(published["as_of"]) if published else None
    return {
        "identifier": context.identifier("FINANCIAL_REPORTING", 1),
        "project": context.home.project,
        "account": context.fact("account").one().get("business_name"),
        "run_id": run.run_id,
        "as_of": run.as_of.isoformat(),
        "time_zone": context.home.timezone,
        "reporting_currency": context.reporting,
        "verdict": run.verdict,
        "reason": run.reason,
        "figures_as_of": figures_as_of,
        "figures_available": context.reader.published,
        "day": context.calendar.day.isoformat(),
        "compared_with": context.calendar.day_before.isoformat(),
        "month": context.calendar.month.isoformat(),
        "requests": run.requests,
        "rows_pulled": sum(run.rows.values()),
    }


def blocking_issues(context: ReportContext) -> list[Issue]:
    """Everything that stands between this night and an untroubled one, by urgency, then by money,
    then by date: what is due or open longest first."""
    found = [
        *_blocking_controls(context),
        *_run_failure(context),
        *_incidents(context),
        *_disputes_due(context),
        *_severe_breaks(context),
    ]
    found.sort(key=lambda issue: _pressing(context, issue))
    return [{"rank": rank, **issue} for rank, issue in enumerate(found, start=1)]


def _pressing(context: ReportContext, issue: Issue) -> tuple[int, Decimal, str]:
    impact = issue["financial_impact"]
    money = (
        context.total([(impact["currency"], Decimal(impact["amount"]))]).amount
        if impact and impact["currency"]
        else Decimal(0)
    )
    return URGENCIES.index(issue["urgency"]), -abs(money), issue["since"] or "9999"


def first_actions(context: ReportContext, issues: list[Issue]) -> list[Issue]:
    """The few things to do first: what blocks, then controls that warn."""
    warnings = [
        {
            "title": row["title"],
            "state": row["status"].replace("_", " "),
            "financial_impact": None,
            "command": None,
            "what_to_do": controls.what_to_do(row),
            "role": controls.role_of(row),
            "by": soon("low"),
            "blocks": False,
            "query": controls.query(row),
        }
        for row in controls.not_passed(context)
        if row["severity"] != "blocking" and row["status"] == "fail"
    ]
    chosen = [{key: issue[key] for key in SHOWN} for issue in issues]
    return (chosen + warnings)[:FIRST]


def _blocking_controls(context: ReportContext) -> list[Issue]:
    issues = []
    for row in controls.blocking(context):
        control = controls.as_json(row)
        missed = (
            f"{control['violations']:,} of {control['checked'] or 0:,} fail."
            if control["violations"]
            else f"Not evaluated: {control['evidence']}."
        )
        issues.append(
            _issue(
                "blocking_control",
                control["title"],
                f"{missed} {control['what_to_do']}",
                control["role"],
                control["query"],
                subject=control["control_id"],
                blocks=True,
            )
        )
    return issues


def _run_failure(context: ReportContext) -> list[Issue]:
    if context.run.verdict != "failed":
        return []
    return [
        _issue(
            "failed_run",
            "The run failed before it could be judged",
            f"{context.run.reason or 'The reason was not recorded.'} Look at the run in "
            "`heirpay ui`, then start `heirpay run` again: it takes up where it was.",
            "api",
            context.fact("run_history").command,
            subject=context.run.run_id,
            blocks=True,
        )
    ]


def _incidents(context: ReportContext) -> list[Issue]:
    return [
        _issue(
            "incident",
            incident_title(row),
            _first_recommendation(row)
            + (f" Concerned: {named}." if (named := objects_of(row)) else ""),
            row.get("role") or "payment",
            context.fact("incidents").command,
            subject=row["incident_id"],
            urgency=row["urgency"],
            since=row["opened_at"],
            command=f"heirpay incidents show {row['incident_id']}",
            state=f"{row['urgency']}, strike {row['strike']}",
            amount=context.amount(_decimal(row["financial_impact"]), row["currency"]),
            by=by_when(row),
        )
        for row in open_incidents(context)
        if _is_pressing(row)
    ]


def _is_pressing(row: dict[str, Any]) -> bool:
    return row["status"] == "escalated" or row["urgency"] in ("critical", "high")


def incident_title(row: dict[str, Any]) -> str:
    """`Declined cards: 30 of 100 attempts failed`: the symptom and what was seen."""
    return f"{row['symptom'].replace('_', ' ').capitalize()}: {what_happened(row)}"


def _disputes_due(context: ReportContext) -> list[Issue]:
    fact = context.fact("disputes_open")
    return [
        _issue(
            "dispute_deadline",
            f"Dispute over {context.money.text(row['amount'], row['currency'])}: "
            + (
                f"evidence due in {money.days(row['days_left'])}"
                if row["days_left"] >= 0
                else f"deadline passed {money.days(-row['days_left'])} ago"
            ),
            "Submit evidence or accept the dispute in Stripe before the deadline.",
            "payment",
            source(fact)["query"],
            subject=row["dispute_id"],
            urgency="critical" if row["days_left"] <= DEADLINE_CRITICAL else "high",
            since=row["evidence_due_on"],
            state="due" if row["days_left"] >= 0 else "overdue",
            by=str(row["evidence_due_on"]),
            amount=context.amount(row["amount"], row["currency"]),
        )
        for row in fact.rows
        if row["days_left"] is not None and row["days_left"] <= 7 and not row["has_evidence"]
    ]


def _severe_breaks(context: ReportContext) -> list[Issue]:
    fact = context.fact("breaks")
    told = {row.get("subject") for row in open_incidents(context) if _is_pressing(row)}
    return [
        _issue(
            "reconciliation_break",
            f"{row['kind'].replace('_', ' ').capitalize()}: "
            f"{context.money.text(row['amount'], row['currency'])}",
            row["action"] or row["detail"],
            "payment",
            source(fact)["query"],
            subject=row["break_id"],
            urgency=row["severity"],
            since=row["first_seen_on"],
            command=row["explain"],
            state=f"{row['severity']} break",
            amount=context.amount(row["amount"], row["currency"]),
        )
        for row in fact.rows
        if row["severity"] in ("critical", "high")
        and f"{row['kind']} in {row['currency']}" not in told  # its incident says it already
    ]


def incidents(context: ReportContext) -> list[dict[str, Any]]:
    """Every incident: as the caller knows them now, else as published."""
    if context.run.incidents is not None:
        return [dict(row) for row in context.run.incidents]
    return list(context.fact("incidents").rows)


def newly_learned(context: ReportContext) -> list[dict[str, Any]]:
    """Resolved incidents whose runbook is new: until a person has read it
    (`heirpay incidents runbooks --read NAME`) or the stated days have passed."""
    days = thresholds(context.home).runbooks.new_for_days
    since = (context.run.as_of - timedelta(days=days)).replace(tzinfo=None)
    return [
        row
        for row in incidents(context)
        if row.get("learned_new")
        and row.get("learned")
        and row.get("resolved_at")
        and _instant(row["resolved_at"]) > since
    ]


def _instant(value: Any) -> datetime:
    """An instant of the state file (text) or of the published table (naive UTC), as the latter."""
    given = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return given.replace(tzinfo=None)


def open_incidents(context: ReportContext) -> list[dict[str, Any]]:
    """Incidents that are not resolved."""
    return [row for row in incidents(context) if row["status"] != "resolved"]


def _issue(
    kind: str,
    title: str,
    what_to_do: str,
    role: str,
    query: str,
    *,
    subject: str,
    amount: dict[str, str | None] | None = None,
    blocks: bool = False,
    state: str = "open",
    command: str | None = None,
    urgency: str = "high",
    since: object = None,
    by: str | None = None,
) -> Issue:
    """One issue. `since` is the date or instant from which it counts: open since, or due on. `by`
    says until when, in words for people."""
    return {
        "by": by or ("today, before the next night" if blocks else soon(urgency)),
        "state": "blocks publication" if blocks else state,
        "urgency": "blocking" if blocks else urgency,
        "since": None if since is None else str(since)[:10],
        "kind": kind,
        "title": title,
        "subject": subject,
        "financial_impact": amount,
        "what_to_do": what_to_do,
        "role": role,
        "blocks": blocks,
        "query": query,
        "command": command,
    }


def _first_recommendation(row: dict[str, Any]) -> str:
    given = row.get("recommendations") or []
    listed = json.loads(given) if isinstance(given, str) else list(given)
    return str(listed[-1]) if listed else f"heirpay incidents show {row['incident_id']}"


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
