"""Trying: what is planned for an incident's strike, running it, keeping what it did."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from heirpay_pipelines.incidents.document import attempts
from heirpay_pipelines.incidents.effects import judge_attempts
from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident, Plan, read
from heirpay_pipelines.incidents.patterns import patterns
from heirpay_pipelines.incidents.regulations import context_of
from heirpay_pipelines.incidents.runbooks import Runbook, learn, library, search
from heirpay_pipelines.incidents.solutions import SOLUTIONS
from heirpay_pipelines.incidents.warehouse import NotBuiltError

log = logging.getLogger("heirpay.escalate")

# A trigger starts the regulator's clock: whom to ask and the draft do not wait for strike 2.
AT_A_TRIGGER = ("name_consultant", "regulator_form")


def matching_books(night: Night, incident: Incident) -> list[Runbook]:
    """Runbooks for exactly this symptom, best first."""
    found = search(
        library(night.home.folder),
        incident["pattern"],
        incident["symptom"],
        context_of(incident),
        Decimal(incident["financial_impact"]),
    )
    return [book for book in found if book.symptom == incident["symptom"]]


def planner(night: Night) -> Plan:
    """What to try: the best runbook's steps first, then the pattern's own for the strike."""

    def plan(incident: Incident) -> Iterator[tuple[str, str]]:
        tried = {
            row["solution"]
            for row in night.state.rows(
                "select solution from incident_attempts where incident_id = ? and strike < ?"
                " and status = 'done'",
                (incident["incident_id"], incident["strike"]),
            )
        }
        pattern = patterns()[incident["pattern"]]
        if incident["strike"] == 1:
            for book in matching_books(night, incident)[:1]:
                yield from ((step, book.name) for step in book.steps if step in SOLUTIONS)
        at_once = AT_A_TRIGGER if incident["trigger_name"] and incident["strike"] == 1 else ()
        early = [solution for solution in at_once if solution in pattern.strike_2]
        for solution in (*pattern.solutions(incident["strike"]), *early):
            if solution not in tried:
                yield solution, "library"

    return plan


def run_planned(night: Night) -> int:
    """Run everything that is planned, also what a killed evaluation left; how many ran."""
    planned = night.state.rows(
        "select a.incident_id, a.strike, a.solution from incident_attempts a"
        " join incidents i using (incident_id)"
        " where a.status = 'planned' and i.status <> 'resolved' order by a.rowid"
    )
    for row in planned:
        incident = read(night.state, row["incident_id"])
        attempt = _try(night, incident, row["solution"])
        _keep(night, incident, row["strike"], row["solution"], attempt)
    return len(planned)


def _try(night: Night, incident: Incident, solution: str) -> Attempt:
    try:
        return SOLUTIONS[solution](night, incident)
    except NotBuiltError as error:
        return Attempt("not_applicable", str(error))
    except Exception as error:
        # One solution that breaks must not keep the others, and the escalation, from happening.
        log.exception("%s failed for %s", solution, incident["incident_id"])
        return Attempt("failed", f"{solution} broke with {type(error).__name__}; see the log")


def _keep(night: Night, incident: Incident, strike: int, solution: str, attempt: Attempt) -> None:
    incident_id = incident["incident_id"]
    with night.state.transaction() as connection:
        connection.execute(
            "update incident_attempts set status = ?, detail = ?, ended_at = ?, effect = ?"
            " where incident_id = ? and strike = ? and solution = ?",
            (
                attempt.status,
                attempt.detail,
                datetime.now(UTC).isoformat(),
                attempt.effect,
                incident_id,
                strike,
                solution,
            ),
        )
        connection.execute(
            "delete from incident_worklists where incident_id = ? and solution = ?",
            (incident_id, solution),
        )
        connection.executemany(
            "insert into incident_worklists values (?, ?, ?, ?)",
            [
                (incident_id, solution, position, json.dumps(item, default=str))
                for position, item in enumerate(attempt.items, 1)
            ],
        )
        connection.execute(
            "update incidents set attempted_solutions = ? where incident_id = ?",
            (json.dumps(attempts(night.state, incident_id)), incident_id),
        )


def learn_from_resolved(night: Night) -> list[str]:
    """Add what worked to the library; names of the runbooks that are new."""
    new = []
    for incident in night.state.rows(
        "select * from incidents where status = 'resolved' and learned is null order by incident_id"
    ):
        judge_attempts(night, incident)
        tried = attempts(night.state, incident["incident_id"])
        steps = [attempt["solution"] for attempt in tried if attempt["helped"]]
        name, is_new = "", False
        if steps:
            book, is_new = learn(
                night.home.folder,
                incident["incident_id"],
                incident["pattern"],
                incident["symptom"],
                context_of(incident),
                Decimal(incident["financial_impact"]),
                steps,
            )
            name = book.name
        with night.state.transaction() as connection:
            connection.execute(
                "update incidents set learned = ?, learned_new = ?, attempted_solutions = ?"
                " where incident_id = ?",
                (name, is_new, json.dumps(tried), incident["incident_id"]),
            )
        if is_new:
            new.append(name)
    return new
