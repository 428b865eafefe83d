"""The third parties, what finds fraud, and the deployment: from settings, coverage and controls."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from heirpay_pipelines.host.loopback import LOOPBACK
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.coverage import coverage_fact
from heirpay_pipelines.report.handoff import Handoff

KINDS = {"rk": "restricted API key", "sk": "secret API key, which can do everything"}


def connections(context: ReportContext) -> Handoff:
    """Who is talked to, with what, and how it is secured."""
    settings = context.settings
    base = urlsplit(settings.stripe_api_base)
    rows = coverage_fact(context).rows
    api = [row for row in rows if str(row["endpoint"]).startswith("/v")]
    files = context.fact("bank_files").rows
    denied = [row["endpoint"] for row in api if row["status"] != "complete"]
    versions = sorted({row["api_version"] for row in api if row["api_version"]})
    probe = controls.evidencing(context, "restricted_key")
    found: list[dict[str, Any]] = [
        {
            "party": "Stripe",
            "host": base.hostname,
            "encrypted": base.scheme == "https",
            "authentication": KINDS.get(settings.api_key.split("_", 1)[0], "API key"),
            "may_write": {True: "no", False: "yes", None: "not asked yet"}[
                controls.all_passed(probe)
            ],
            "api_versions": versions,
            "endpoints": sorted({row["endpoint"] for row in api}),
            "incomplete": denied,
        }
    ]
    if files:
        found.append(
            {
                "party": "bank (statements as files)",
                "host": None,
                "encrypted": settings.encryption_key is not None,
                "authentication": "none: whoever may write into the folder",
                "sources": sorted({row["endpoint"] for row in files}),
                "incomplete": [row["endpoint"] for row in files if row["status"] != "complete"],
            }
        )
    if settings.notify is not None:
        found.append(
            {
                "party": "notification services",
                "authentication": "in HEIRPAY_NOTIFY, masked everywhere",
                "data_sent": "incident ids, figures and instructions; no customer data",
            }
        )
    local = base.hostname in LOOPBACK
    encrypted = base.scheme == "https" or local
    return Handoff(
        "integration",
        "connections.json",
        "third_party_payment_APIs",
        "Third parties that the pipeline talks to, and how these connections are secured",
        {"connections": found},
        (
            ("transport is encrypted or stays on this machine", encrypted),
            ("the API version is known", bool(versions)),
            ("every endpoint can be read", bool(api) and not denied),
            (
                "third_party_connections_secure",
                encrypted and controls.all_passed(probe) is True,
            ),
        ),
    )


def fraud_integrations(context: ReportContext) -> Handoff:
    """What finds fraud, each with when it was last seen."""
    fact = context.fact("fraud_integrations")
    seen = [
        {
            "finds": row["finds"],
            "seen": row["last_at"] is not None,
            "last_seen": None if row["last_at"] is None else str(row["last_at"]),
            "count": int(row["count"] or 0),
        }
        for row in fact.rows
    ]
    radar = next((each["seen"] for each in seen if each["finds"] == "radar_scores"), False)
    return Handoff(
        "integration",
        "fraud-detection-integrations.json",
        "fraud_detection_integrations",
        "What finds fraud: Radar's rules and reviews, early warnings, our rules, block lists",
        {"integrations": seen, "query": fact.command},
        (("what finds fraud can be read", fact.missing is None), ("Radar is seen", radar)),
    )


def _is_on(context: ReportContext, job: str) -> bool:
    return any(each["job"] == job and each["on"] for each in context.run.schedules)


def deployment(context: ReportContext) -> Handoff:
    """Settings as set or not; the schedules, and which are on; files' modes, as they are."""
    settings = context.settings
    described = [
        {
            "variable": field.alias,
            "secret": "Secret" in str(field.annotation),
            "set": getattr(settings, name) is not None,
            "given": name in settings.model_fields_set,
        }
        for name, field in type(settings).model_fields.items()
    ]
    modes = [row for row in controls.results(context) if row["key"] == "file_modes"]
    return Handoff(
        "platform",
        "deployment.json",
        "payment_system_deployment_config",
        "Settings of the deployment; secrets only as set or not",
        {
            "settings": described,
            "schedules": [dict(each) for each in context.run.schedules],
            "time_zone": settings.timezone,
            "memory_limit": settings.memory_limit,
            "writers": 1,
        },
        (
            ("every setting is listed", bool(described)),
            ("the nightly schedule is on", _is_on(context, "nightly")),
            ("files are for their owner only", controls.all_passed(modes) is True),
            ("data at rest is encrypted", settings.encryption_key is not None),
            ("escalations are delivered somewhere", settings.notify is not None),
        ),
    )
