"""Incidents, strikes, runbooks and escalation: what fails reaches the person who can act."""

from heirpay_pipelines.incidents.facts import RunFacts
from heirpay_pipelines.incidents.process import EscalationOutcome, evaluate, process

__all__ = ["EscalationOutcome", "RunFacts", "evaluate", "process"]
