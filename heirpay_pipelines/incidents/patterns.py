"""The pattern library as typed data, and the ids that everything in it carries."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TypedDict

import yaml
from pydantic import BaseModel, ConfigDict

from heirpay_pipelines.home import payment_id


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Symptom(_Frozen):
    """How a pattern shows, who looks at it and what they do."""

    title: str
    step: int
    section: str
    recommendation: str
    action: str
    tool: str = "STRIPE"
    """What the symptom is seen with; a control's incident carries the control's own id."""
    operation: str | None = None
    """None: the pattern's."""


class Pattern(_Frozen):
    """One error pattern of DOMAIN.md; solutions and triggers are names of code with a title."""

    title: str
    operation: str
    role: str
    symptoms: dict[str, Symptom]
    strike_1: dict[str, str]
    strike_2: dict[str, str]
    triggers: dict[str, str]

    def solutions(self, strike: int) -> dict[str, str]:
        """What is tried at a strike; from the third on people act."""
        return {1: self.strike_1, 2: self.strike_2}.get(strike, {})


@cache
def patterns() -> dict[str, Pattern]:
    """The three patterns by name."""
    raw = yaml.safe_load(files(__package__).joinpath("patterns.yaml").read_text())
    return {name: Pattern.model_validate(value) for name, value in raw["patterns"].items()}


def pattern_of(symptom: str) -> str:
    """The pattern that a symptom belongs to; LookupError for an unknown one."""
    for name, pattern in patterns().items():
        if symptom in pattern.symptoms:
            return name
    raise LookupError(f"{symptom} is no symptom of the pattern library")


STEPS = {
    "breaks": ("RECONCILIATION", "DUCKDB", 20, "payment.general.operation"),
    "disputes": ("DISPUTE_HANDLING", "STRIPE", 21, "payment.security.fraud"),
    "programmes": ("FRAUD_PREVENTION", "DUCKDB", 22, "payment.security.fraud"),
    "forecast": ("FRAUD_PREVENTION", "DUCKDB", 23, "payment.security.fraud"),
    "anomalies": ("FRAUD_PREVENTION", "DUCKDB", 24, "payment.processing.gateway"),
    "unknown_codes": ("PAYMENT_PROCESSING", "DUCKDB", 25, "payment.processing.gateway"),
    "run": ("NIGHTLY_RUN", "DAGSTER", 26, "payment.general.operation"),
    "inquiry": ("COMPLIANCE", "PERSON", 27, "payment.general.operation"),
}
"""Checks whose symptom others share: each has an operation, a tool, a step and a section."""


class OwnId(TypedDict):
    """Two fields of a finding."""

    identifier: str
    section: str


def own_id(project: str, check: str) -> OwnId:
    """What a finding of a check in STEPS carries."""
    operation, tool, step, section = STEPS[check]
    return OwnId(identifier=payment_id(project, operation, tool, step), section=section)


def identifier(project: str, symptom: str) -> str:
    """The id that an incident of this symptom carries."""
    pattern = patterns()[pattern_of(symptom)]
    found = pattern.symptoms[symptom]
    return payment_id(project, found.operation or pattern.operation, found.tool, found.step)
