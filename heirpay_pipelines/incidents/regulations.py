"""Who advises and who is to be told, by the framework of the clause concerned."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from heirpay_pipelines.incidents.incidents import Incident


class Regulation(BaseModel):
    """One framework's people and deadline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    consultant: str
    question: str
    regulator: str
    form: str
    clause: str | None
    deadline_hours: int | None


@cache
def _regulations() -> list[Regulation]:
    raw = yaml.safe_load(files(__package__).joinpath("regulations.yaml").read_text())
    return [Regulation.model_validate(item) for item in raw]


def clause_of(incident: Incident) -> str | None:
    """The clause that the incident's check evidences; None when it is no matter of compliance."""
    clause: str | None = json.loads(incident["evidence"]).get("clause")
    return clause


def regulation_of(incident: Incident) -> Regulation:
    """The regulation of the incident's clause; exposed data is GDPR's matter first."""
    clause = "GDPR" if incident["symptom"] == "data_exposure" else clause_of(incident) or ""
    return next(item for item in _regulations() if clause.startswith(item.framework))


def context_of(incident: Incident) -> str:
    """The framework named by the clause, as runbooks are filed; `none` without one."""
    clause = clause_of(incident)
    if not clause:
        return "none"
    return next((r.framework for r in _regulations() if clause.startswith(r.framework)), "") or (
        "other"
    )


def deadline_of(incident: Incident) -> str | None:
    """When the regulation's notice is due, ISO 8601 UTC; None without a fixed hour."""
    hours = regulation_of(incident).deadline_hours
    if hours is None:
        return None
    return (datetime.fromisoformat(incident["opened_at"]) + timedelta(hours=hours)).isoformat()
