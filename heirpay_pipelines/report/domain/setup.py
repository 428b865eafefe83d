"""The set-up phases: each criterion measured, with its evidence and how old that may be.

A criterion is met, unmet, not_applicable (there is nothing here that it could be seen on, for the
reason given) or not_evaluated (nothing lately shows it). Only what is met counts, and what is not
applicable is left out of the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.requirements import Requirements, read_requirements

Status = Literal["met", "unmet", "not_applicable", "not_evaluated"]


@dataclass(frozen=True)
class Criterion:
    """Met when its fact says so and every control that the register gives as evidence passed."""

    title: str
    fact: str | None = None
    evidence: str | None = None
    needs_object: bool = False
    """Without anything to see it on it is not applicable, where others are not met."""


@dataclass(frozen=True)
class Phase:
    """A phase of DOMAIN.md: what it delivers, who is needed for it, whom it is coordinated with."""

    title: str
    deliverable: str
    specialists: tuple[str, ...]
    coordination: tuple[str, ...]
    criteria: tuple[Criterion, ...]


PHASES: dict[str, Phase] = {
    "gateway_setup": Phase(
        "Gateway set-up",
        "configured_payment_processor",
        ("payment",),
        ("data", "platform"),
        (
            Criterion("Connected", fact="setup_connected"),
            Criterion("Test payments seen", fact="setup_payments_seen"),
            Criterion("Key restricted and valid", evidence="restricted_key"),
        ),
    ),
    "webhook_infrastructure": Phase(
        "Webhook infrastructure",
        "secure_webhook_endpoints",
        ("payment", "api"),
        ("data", "integration"),
        (
            Criterion("Receiving", fact="setup_webhooks_receiving"),
            Criterion(
                "Idempotent", fact="setup_webhooks_idempotent", evidence="webhook_idempotency"
            ),
            Criterion("Signature verified", evidence="webhook_security"),
        ),
    ),
    "subscription_billing": Phase(
        "Subscription billing",
        "automated_billing_system",
        ("payment",),
        ("data",),
        (
            Criterion("Billing automation seen working", fact="setup_billing_automatic"),
            Criterion("Prorations accurate", evidence="prorations", needs_object=True),
            Criterion("Dunning configured", fact="setup_dunning", needs_object=True),
        ),
    ),
}


def setup_phases(context: ReportContext) -> list[dict[str, Any]]:
    """Every phase with its criteria, its deliverable and who has to act on what is unmet."""
    wanted = read_requirements(context.home)
    phases = []
    for key, phase in PHASES.items():
        judged = [_judge(context, criterion) for criterion in phase.criteria]
        counted = [each for each in judged if each["status"] != "not_applicable"]
        required = _is_required(key, wanted)
        if not required:
            judged = [{**each, "status": "not_applicable"} for each in judged]
            counted = []
        met = not required or (bool(counted) and all(each["met"] for each in counted))
        phases.append(
            {
                "phase": key,
                "title": phase.title,
                "met": met,
                "required": required,
                "criteria_met": sum(each["met"] for each in counted),
                "criteria_counted": len(counted),
                "deliverable": {"name": phase.deliverable, "complete": met},
                "specialists_needed": [] if met else list(phase.specialists),
                "coordinates_with": [] if met else list(phase.coordination),
                "criteria": judged,
            }
        )
    return phases


def _is_required(phase: str, wanted: Requirements | None) -> bool:
    """Without requirements.yaml every phase is; a payments domain that is to bill no subscription,
    or needs no gateway's webhooks, has no such phase."""
    if wanted is None:
        return True
    if phase == "subscription_billing":
        return wanted.needs_billing
    if phase == "webhook_infrastructure":
        return wanted.needs_webhooks
    return True


def _judge(context: ReportContext, criterion: Criterion) -> dict[str, Any]:
    statuses: list[Status] = []
    evidence, query = [], context.fact("controls_all").command
    if criterion.evidence:
        found = controls.evidencing(context, criterion.evidence)
        statuses.append(_of_controls(found, criterion.needs_object))
        evidence += [controls.shown(row) for row in found] or ["no control of this run looks at it"]
        query = controls.query(found[0]) if found else query
    if criterion.fact:
        fact = context.fact(criterion.fact)
        row = fact.one()
        statuses.append(_of_fact(row.get("met"), criterion.needs_object))
        evidence.append(row.get("evidence") or fact.missing or "no rows")
        query = fact.command
    order: tuple[Status, ...] = ("unmet", "not_evaluated", "not_applicable", "met")
    status = min(statuses, key=order.index)
    return {
        "criterion": criterion.title,
        "met": status == "met",
        "status": status,
        "evidence": "; ".join(evidence),
        "query": query,
    }


def _of_fact(met: Any, needs_object: bool) -> Status:
    if met is None:
        return "not_applicable" if needs_object else "not_evaluated"
    return "met" if met else "unmet"


def _of_controls(rows: list[controls.Row], needs_object: bool) -> Status:
    passed = controls.all_passed(rows)
    if passed is None:
        return "not_applicable" if rows and needs_object else "unmet"
    return "met" if passed else "unmet"
