"""The files that the neighbouring domains receive, made from what really is and validated.

To *data*: the data contract, what is logged, the audit trail. To *integration*: the endpoint's
OpenAPI document and the third-party connections. To *platform*: the settings, what PCI DSS demands
of the environment, what to monitor and at which threshold.
"""

from __future__ import annotations

from collections.abc import Callable

from heirpay_pipelines.controls.evidence_words import evidence_text
from heirpay_pipelines.receive.openapi import openapi_document
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.data_contract import data_contract
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.coverage import coverage_fact
from heirpay_pipelines.report.handoff import Handoff
from heirpay_pipelines.report.monitoring import grafana_dashboard, monitoring, prometheus_rules
from heirpay_pipelines.report.parties import connections, deployment, fraud_integrations


def handoff_files(context: ReportContext) -> list[Handoff]:
    """Every handoff, from this run's facts. Secrets are never among them."""
    makers: tuple[Callable[[ReportContext], Handoff], ...] = (
        data_contract,
        _transaction_logging,
        _audit_trail,
        _endpoint,
        connections,
        fraud_integrations,
        deployment,
        _pci_environment,
        monitoring,
        prometheus_rules,
        grafana_dashboard,
    )
    return [make(context) for make in makers]


def _transaction_logging(context: ReportContext) -> Handoff:
    rows = coverage_fact(context).rows
    content = {
        "landing": "immutable Parquet, one row for each observed version of an object",
        "columns": [
            "id", "object", "account", "livemode", "created", "observed_at", "source", "event_id",
            "api_version", "payload",
        ],
        "objects": sorted({row["object_name"] for row in rows if row["object_name"]}),
        "event_log": [row["endpoint"] for row in rows if row["object_name"] == "event"],
    }  # fmt: skip
    return Handoff(
        "data",
        "transaction-logging.json",
        "transaction_logging_needs",
        "What is logged of every transaction, and from which endpoints",
        content,
        (
            ("objects are logged", bool(content["objects"])),
            ("the event log is read", bool(content["event_log"])),
            (
                "every endpoint was read completely",
                bool(rows) and all(row["status"] == "complete" for row in rows),
            ),
        ),
    )


def _audit_trail(context: ReportContext) -> Handoff:
    log = context.fact("audit_head")
    head = context.audit_head()
    chain = controls.evidencing(context, "audit_trail")
    return Handoff(
        "data",
        "audit-trail.json",
        "audit_trail_specs",
        "How the audit trail is chained and verified, and its head tonight",
        {
            "table": "operations.audit_log",
            "columns": [
                "sequence", "occurred_at", "actor", "action", "subject", "detail",
                "previous_hash", "hash",
            ],
            "hash": "SHA-256 over canonical JSON (RFC 8785) of the entry and the previous hash",
            "verify": "heirpay audit verify",
            "head": {name: str(value) for name, value in head.items()},
            "controls": [r["control_id"] for r in chain],
        },
        (
            ("the audit trail is published", log.missing is None),
            ("the chain has a head", bool(head)),
            ("audit_logging_enabled", controls.all_passed(chain) is True),
        ),
    )  # fmt: skip


def _endpoint(context: ReportContext) -> Handoff:
    document = openapi_document()
    verified = controls.evidencing(context, "webhook_security")
    received = int(context.fact("webhooks").one().get("delivered") or 0)
    return Handoff(
        "integration",
        "webhook-endpoint.openapi.json",
        "payment_webhook_specs",
        "OpenAPI document of the webhook endpoint",
        document,
        (
            ("the endpoint is described", bool(document.get("paths"))),
            (
                "a signing secret is set",
                context.settings.stripe_webhook_secret is not None,
            ),
            ("deliveries arrive", received > 0),
            ("webhook_security_validated", controls.all_passed(verified) is True),
        ),
    )


def _pci_environment(context: ReportContext) -> Handoff:
    rows = [row for row in controls.results(context) if row["framework"] == "pci_dss"]
    return Handoff(
        "platform",
        "pci-environment.json",
        "PCI_compliance_requirements",
        "What PCI DSS demands of the environment, control by control",
        {
            "standard": "PCI DSS 4.0.1",
            "controls": [
                {
                    "control_id": row["control_id"],
                    "requirement": row["requirement"],
                    "title": row["title"],
                    "status": row["status"],
                    "evidence": evidence_text(row["evidence"]),
                }
                for row in rows
            ],
        },
        (
            ("PCI DSS controls ran", bool(rows)),
            ("PCI_environment_ready", controls.all_passed(rows) is True),
        ),
    )
