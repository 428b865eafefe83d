"""`report.json`: the domain report as one document, valid under its published schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema

from heirpay_pipelines.incidents.thresholds import stated
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain.compliance import pci_compliance_status
from heirpay_pipelines.report.domain.coverage import coverage_statement
from heirpay_pipelines.report.domain.deliverables import deliverables_completed
from heirpay_pipelines.report.domain.handoffs import handoff_readiness, ongoing_support
from heirpay_pipelines.report.domain.knowledge import institutional_knowledge
from heirpay_pipelines.report.domain.metrics import fraud_detection_metrics, revenue_metrics
from heirpay_pipelines.report.domain.orbt import orbt_status
from heirpay_pipelines.report.domain.people import specialist_assignments
from heirpay_pipelines.report.domain.quality import quality_verdict
from heirpay_pipelines.report.domain.requirements import requirements_met
from heirpay_pipelines.report.domain.setup import setup_phases
from heirpay_pipelines.report.domain.status import blocking_issues, first_actions, project_status
from heirpay_pipelines.report.figures import Figure

SCHEMA_VERSION = "1.0"


def build_document(
    context: ReportContext, figures: list[Figure], written: Sequence[str]
) -> dict[str, Any]:
    """The eleven fields of DOMAIN.md, the verdict before them and the coverage statement.

    `written` names the files of this report. Raises jsonschema.ValidationError if the document
    breaks its own schema: a report that programs cannot read is not written.
    """
    phases = setup_phases(context)
    handoffs = handoff_readiness(context)
    issues = blocking_issues(context)
    wanted = requirements_met(context)
    document = {
        "schema_version": SCHEMA_VERSION,
        "domain": f"payment.{context.home.project}",
        "audit_head": context.run.audit_head,
        "quality_verdict": quality_verdict(context),
        "first_actions": first_actions(context, issues),
        "project_status": project_status(context),
        "specialist_assignments": specialist_assignments(context, handoffs, phases, wanted),
        "deliverables_completed": deliverables_completed(context, list(written)),
        "pci_compliance_status": pci_compliance_status(context),
        "revenue_metrics": revenue_metrics(context, figures),
        "fraud_detection_metrics": fraud_detection_metrics(context),
        "orbt_status": orbt_status(context, phases),
        "blocking_issues": issues,
        "handoff_readiness": handoffs,
        "ongoing_support": ongoing_support(context),
        "requirements": wanted,
        "institutional_knowledge_captured": institutional_knowledge(context),
        "coverage_statement": coverage_statement(context),
        "thresholds": [
            {"key": key, "value": value, "source": source}
            for key, value, source in stated(context.home)
        ],
        "not_available": [],
    }
    document["not_available"] = [
        {"fact": fact.name, "title": fact.title, "asset": fact.asset, "reason": fact.missing}
        for fact in context.reader.not_available
    ]
    validate(document)
    return document


@cache
def _validator() -> Any:
    text = files(__package__).joinpath("schema", "report.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def validate(document: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError naming the first fault."""
    _validator().validate(document)
