"""Incidents, strikes, runbooks and escalation: what fails reaches the person who can act."""

from heirpay_pipelines.escalate.facts import RunFacts
from heirpay_pipelines.escalate.process import EscalationOutcome, evaluate, process

__all__ = ["EscalationOutcome", "RunFacts", "evaluate", "process"]
