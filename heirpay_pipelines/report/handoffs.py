"""The files that the neighbouring domains receive, made from what really is and validated.

To *data*: the data contract, what is logged, the audit trail. To *integration*: the endpoint's
OpenAPI document and the third-party connections. To *platform*: the settings, what PCI DSS demands
of the environment, what to monitor and at which threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from heirpay_pipelines.controls.evidence_words import evidence_text
from heirpay_pipelines.receive.openapi import openapi_document
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.coverage import coverage_fact

Criteria = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Handoff:
    """One file: to whom, its content, and whether it is complete."""

    domain: str
    name: str
    purpose: str
    content: dict[str, Any]
    criteria: Criteria


def handoff_files(context: ReportContext) -> list[Handoff]:
    """Every handoff, from this run's facts. Secrets are never among them."""
    makers: tuple[Callable[[ReportContext], Handoff], ...] = (
        _data_contract,
        _transaction_logging,
        _audit_trail,
        _endpoint,
        _connections,
        _deployment,
        _pci_environment,
        _monitoring,
    )
    return [make(context) for make in makers]


def _data_contract(context: ReportContext) -> Handoff:
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in context.fact("published_columns").rows:
        tables.setdefault(row["table_name"], []).append(
            {
                "name": row["column_name"],
                "type": row["data_type"],
                "nullable": row["is_nullable"],
                "description": row["description"],
            }
        )
    columns = [column for found in tables.values() for column in found]
    return Handoff(
        "data",
        "data-contract.json",
        "Every published table and column with its type and meaning",
        {"schema_version": "1.0", "tables": tables},
        (
            ("tables are published", bool(tables)),
            ("every column is described", bool(columns) and _all(columns, "description")),
        ),
    )


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
            ("its controls pass", controls.all_passed(chain) is True),
        ),
    )  # fmt: skip


def _endpoint(context: ReportContext) -> Handoff:
    document = openapi_document()
    verified = controls.evidencing(context, "webhook_security")
    received = int(context.fact("webhooks").one().get("delivered") or 0)
    return Handoff(
        "integration",
        "webhook-endpoint.openapi.json",
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


def _connections(context: ReportContext) -> Handoff:
    settings = context.settings
    base = urlsplit(settings.stripe_api_base)
    rows = coverage_fact(context).rows
    denied = [row["endpoint"] for row in rows if row["status"] != "complete"]
    versions = sorted({row["api_version"] for row in rows if row["api_version"]})
    content = {
        "connections": [
            {
                "party": "Stripe",
                "host": base.hostname,
                "encrypted": base.scheme == "https",
                "authentication": "restricted API key, read scopes",
                "api_versions": versions,
                "endpoints": sorted({row["endpoint"] for row in rows}),
                "incomplete": denied,
            },
            {
                "party": "notification services",
                "configured": settings.notify is not None,
                "data_sent": "incident ids, figures and instructions; no customer data",
            },
        ]
    }
    loopback = base.hostname in ("127.0.0.1", "localhost", "::1")
    return Handoff(
        "integration",
        "connections.json",
        "Third parties that the pipeline talks to, and how these connections are secured",
        content,
        (
            ("transport is encrypted or stays on this machine", base.scheme == "https" or loopback),
            ("the API version is known", bool(versions)),
            ("every endpoint can be read", bool(rows) and not denied),
        ),
    )


def _deployment(context: ReportContext) -> Handoff:
    settings = context.settings
    described = [
        {
            "variable": field.alias,
            "secret": "Secret" in str(field.annotation),
            "set": getattr(settings, name) is not None,
        }
        for name, field in type(settings).model_fields.items()
    ]
    return Handoff(
        "platform",
        "deployment.json",
        "Settings of the deployment; secrets only as set or not",
        {
            "settings": described,
            "schedule": {"cron": "0 3 * * *", "time_zone": settings.timezone},
            "umask": "077",
            "writers": 1,
        },
        (
            ("every setting is listed", bool(described)),
            ("data at rest is encrypted", settings.encryption_key is not None),
            ("escalations are delivered somewhere", settings.notify is not None),
        ),
    )


def _pci_environment(context: ReportContext) -> Handoff:
    rows = [row for row in controls.results(context) if row["framework"] == "pci_dss"]
    return Handoff(
        "platform",
        "pci-environment.json",
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
            ("all that apply are evidenced", controls.all_passed(rows) is True),
        ),
    )


def _monitoring(context: ReportContext) -> Handoff:
    metrics = [
        _metric("mrr_identity_difference", "finance.mrr_monthly", "= 0", "movements explain MRR"),
        _metric(
            "balance_difference", "finance.balance_reconciliation", "= 0", "per currency and day"
        ),
        _metric("unreconciled_payouts", "finance.payout_reconciliation", "= 0", "due and missing"),
        _metric("open_breaks", "finance.reconciliation_breaks", "not rising", "night over night"),
        _metric("webhook_missing", "operations.webhook_delivery_daily", "= 0", "per day"),
        _metric("webhook_lag_seconds_p95", "operations.webhook_delivery_daily", "<= 300", "late"),
        _metric("run_age_hours", "operations.run_history", "<= 26", "since the last published run"),
        _metric("failed_controls", "compliance.control_results", "= 0 blocking", "per run"),
    ]
    known = {row["name"] for row in context.fact("published_tables").rows}
    return Handoff(
        "platform",
        "monitoring.json",
        "What to watch: metric, the table it is read from, its threshold",
        {"metrics": metrics, "endpoint_metrics": "GET /metrics of `heirpay receive` (Prometheus)"},
        tuple((f"{metric['metric']} can be read", metric["table"] in known) for metric in metrics),
    )


def _metric(name: str, table: str, threshold: str, meaning: str) -> dict[str, str]:
    return {
        "metric": f"heirpay_{name}",
        "table": table,
        "threshold": threshold,
        "meaning": meaning,
    }


def _all(rows: Iterable[dict[str, Any]], name: str) -> bool:
    return all(row[name] for row in rows)
