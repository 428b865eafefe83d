"""Who advises and who is to be told, by which clause and by when: the duties of an incident."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from heirpay_pipelines.incidents.incidents import Incident


class Regulation(BaseModel):
    """One duty: when it counts, whom to tell and how long that may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    symptoms: tuple[str, ...]
    clauses: tuple[str, ...]
    in_force_from: date
    consultant: str
    question: str
    regulator: str
    form: str
    clause: str | None
    hours: int | None

    def counts(self, symptom: str, clause: str, on: date) -> bool:
        """Whether it obliges for a symptom and a clause on a day."""
        return (
            self.in_force_from <= on
            and (not self.symptoms or symptom in self.symptoms)
            and (not self.clauses or clause.startswith(self.clauses))
        )


@dataclass(frozen=True)
class Duty:
    """Whom an incident is to be told to, under which clause, until when (ISO 8601 UTC or None)."""

    clause: str
    notify: str
    deadline: str | None


@cache
def _regulations() -> list[Regulation]:
    raw = yaml.safe_load(files(__package__).joinpath("regulations.yaml").read_text())
    return [Regulation.model_validate(item) for item in raw]


def clause_of(incident: Incident) -> str | None:
    """The clause that the incident's check evidences; None when it is no matter of compliance."""
    clause: str | None = json.loads(incident["evidence"]).get("clause")
    return clause


def regulations_of(incident: Incident) -> list[Regulation]:
    """Those that count for the incident: with a clock, the shortest first; without any, the one of
    its clause's framework."""
    clause = clause_of(incident) or ""
    on = datetime.fromisoformat(incident["opened_at"]).date()
    found = [item for item in _regulations() if item.counts(incident["symptom"], clause, on)]
    timed = [item for item in found if item.hours is not None]
    return sorted(timed, key=lambda item: item.hours or 0) if timed else found[:1]


def regulation_of(incident: Incident) -> Regulation:
    """The most pressing one."""
    return regulations_of(incident)[0]


def duties_of(incident: Incident) -> list[Duty]:
    """Whom to tell, the earliest first; none where no regulator's rule is concerned."""
    clause = clause_of(incident) or ""
    inquiry = _inquiry(incident, clause)
    if inquiry:
        return [inquiry]
    if not clause and incident["symptom"] != "data_exposure":
        return []
    return [
        Duty(item.clause or clause, item.regulator, _deadline(incident, item))
        for item in regulations_of(incident)
        if item.framework  # a rule of our own is of no regulator's
    ]


def context_of(incident: Incident) -> str:
    """The framework named by the clause, as runbooks are filed; `none` without one."""
    clause = clause_of(incident)
    if not clause:
        return "none"
    named = (r.framework for r in _regulations() if r.framework and clause.startswith(r.framework))
    return next(named, "other")


def deadline_of(incident: Incident) -> str | None:
    """When the first notice is due, ISO 8601 UTC; None without a fixed hour."""
    return min((duty.deadline for duty in duties_of(incident) if duty.deadline), default=None)


def _inquiry(incident: Incident, clause: str) -> Duty | None:
    """A regulator that asks has said until when."""
    evidence: dict[str, Any] = json.loads(incident["evidence"])
    due = evidence.get("answer_due_at")
    return Duty(clause, "the regulator that asks", due) if due else None


def _deadline(incident: Incident, regulation: Regulation) -> str | None:
    if regulation.hours is None:
        return None
    opened = datetime.fromisoformat(incident["opened_at"])
    return (opened + timedelta(hours=regulation.hours)).isoformat()
