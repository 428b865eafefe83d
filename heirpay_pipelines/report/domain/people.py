"""`specialist_assignments`: who acts on what, and when it is done."""

from __future__ import annotations

from typing import Any

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.status import open_incidents

ROLES = {
    "payment": "Payment specialist",
    "api": "API specialist",
    "data": "Owner of the data domain",
    "integration": "Owner of the integration domain",
    "platform": "Owner of the platform domain",
}
SECTION_OPERATIONS = {
    "payment.processing.gateway": ("PAYMENT_PROCESSING", 1),
    "payment.billing.subscriptions": ("SUBSCRIPTION_BILLING", 2),
    "payment.security.fraud": ("FRAUD_PREVENTION", 3),
    "payment.compliance.pci": ("COMPLIANCE", 4),
    "payment.integration.webhooks": ("WEBHOOK_INTEGRATION", 5),
    controls.GENERAL: ("GENERAL_OPERATION", 6),
}


PHASE_SECTIONS = {
    "gateway_setup": ("payment.processing.gateway", ("GATEWAY_SETUP", 1)),
    "webhook_infrastructure": ("payment.integration.webhooks", ("WEBHOOK_INTEGRATION", 2)),
    "subscription_billing": ("payment.billing.subscriptions", ("SUBSCRIPTION_BILLING", 3)),
}


def specialist_assignments(
    context: ReportContext,
    handoffs: list[dict[str, Any]],
    phases: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """One entry for each role, with what it has to do; success is a check that passes."""
    tasks: dict[str, list[dict[str, Any]]] = {role: [] for role in ROLES}
    for row in controls.not_passed(context):
        tasks[controls.role_of(row)].append(_of_control(context, row))
    for row in open_incidents(context):
        tasks[_known(row.get("role"))].append(_of_incident(context, row))
    for handoff in handoffs:
        unmet = [criterion for criterion in handoff["criteria"] if not criterion["met"]]
        if unmet:
            tasks[handoff["domain"]].append(_of_handoff(context, handoff, unmet))
    for phase in phases:
        for criterion in phase["criteria"]:
            if criterion["status"] not in ("met", "not_applicable"):
                # Webhooks are the API specialist's, whoever else the phase needs.
                tasks[phase["specialists_needed"][-1]].append(
                    _of_criterion(context, phase, criterion)
                )
    for requirement in wanted:
        if requirement["status"] != "met":
            tasks[requirement["role"]].append(_of_requirement(context, requirement))
    return [
        {
            "role": role,
            "title": title,
            "assignment_context": _summary(context, tasks[role]),
            "deliverables": _each(tasks[role], "deliverables"),
            "success_criteria": _each(tasks[role], "success_criteria"),
            "assignments": tasks[role],
        }
        for role, title in ROLES.items()
    ]


def _summary(context: ReportContext, tasks: list[dict[str, Any]]) -> str:
    """What a role's assignments are about, in one sentence."""
    if not tasks:
        return f"Nothing to do as of {context.run.as_of:%Y-%m-%d}."
    urgent = sum(task["urgency"] in ("critical", "high") for task in tasks)
    sections = ", ".join(sorted({task["section"] for task in tasks}))
    return (
        f"{len(tasks)} assignments as of {context.run.as_of:%Y-%m-%d}, {urgent} urgent: {sections}."
    )


def _each(tasks: list[dict[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(item for task in tasks for item in task[name]))


def _of_criterion(
    context: ReportContext, phase: dict[str, Any], criterion: dict[str, Any]
) -> dict[str, Any]:
    section, (operation, step) = PHASE_SECTIONS[phase["phase"]]
    return {
        "identifier": context.identifier(operation, step),
        "section": section,
        "context": f"{phase['title']}, {criterion['criterion'].lower()}:"
        f" {criterion['status'].replace('_', ' ')} ({criterion['evidence']})",
        "deliverables": [phase["deliverable"]["name"]],
        "success_criteria": [f"{phase['title']}: {criterion['criterion'].lower()} is met"],
        "urgency": "medium",
    }


def _of_requirement(context: ReportContext, row: dict[str, Any]) -> dict[str, Any]:
    what = f"{row['requirement']} {row['wanted']}"
    return {
        "identifier": context.identifier("REQUIREMENT", 1 + list(ROLES).index(row["role"])),
        "section": controls.GENERAL,
        "context": f"Requirement {what}: {row['status'].replace('_', ' ')} ({row['evidence']})",
        "deliverables": [what],
        "success_criteria": [f"heirpay requirements check says met for {what}"],
        "urgency": "high" if row["status"] == "unmet" else "medium",
    }


def _of_control(context: ReportContext, row: controls.Row) -> dict[str, Any]:
    section = controls.section_of(row)
    return {
        "identifier": row["control_id"],
        "section": section,
        "context": f"{row['title']} ({controls.framework_name(row['framework'])}, "
        f"{row['requirement']}): {row['status'].replace('_', ' ')}",
        "deliverables": [controls.what_to_do(row)],
        "success_criteria": [f"control {row['control_id']} passes in the next run"],
        "urgency": "high" if row["severity"] == "blocking" else "medium",
    }


def _of_incident(context: ReportContext, row: dict[str, Any]) -> dict[str, Any]:
    section = row.get("section") or controls.GENERAL
    operation = SECTION_OPERATIONS.get(section, SECTION_OPERATIONS[controls.GENERAL])
    return {
        "identifier": row.get("identifier") or context.identifier(*operation),
        "section": section,
        "context": f"{row['symptom'].replace('_', ' ')}: "
        f"{row.get('detail') or row.get('subject') or row['incident_id']}",
        "deliverables": [f"heirpay incidents show {row['incident_id']}"],
        "success_criteria": [f"incident {row['incident_id']} is resolved: its check passes again"],
        "urgency": row["urgency"],
    }


def _of_handoff(
    context: ReportContext, handoff: dict[str, Any], unmet: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "identifier": context.identifier("HANDOFF", 1 + list(ROLES).index(handoff["domain"])),
        "section": controls.GENERAL,
        "context": f"Handoff {handoff['file']}",
        "deliverables": [criterion["criterion"] for criterion in unmet],
        "success_criteria": [f"{criterion['criterion']} is met" for criterion in unmet],
        "urgency": "low",
    }


def _known(role: Any) -> str:
    return role if role in ROLES else "payment" if role is None else "api"
