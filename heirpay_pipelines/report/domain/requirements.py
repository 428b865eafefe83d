"""Each demand of `requirements.yaml` against what is measured: met, unmet or not_evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls, quality
from heirpay_pipelines.report.domain.compliance import PCI, number_of
from heirpay_pipelines.report.domain.coverage import coverage_fact
from heirpay_pipelines.report.requirements import Requirements, read_requirements

Status = Literal["met", "unmet", "not_evaluated"]
Row = dict[str, Any]
# PCI DSS requirements that each way of validation asks of the merchant (SAQ A: what is left when
# the payment page is a provider's; SAQ A-EP adds the page itself; SAQ D and a report on compliance
# ask all twelve).
REQUIRED = {
    "saq_a": {2, 3, 6, 8, 9, 11, 12},
    "saq_a_ep": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
    "saq_d": set(range(1, 13)),
    "roc": set(range(1, 13)),
}
READS = ("stripe",)
"""Gateways that this release has an adapter for."""


def required_controls(context: ReportContext, wanted: Requirements) -> list[controls.Row]:
    """The PCI controls that the demanded level of compliance requires."""
    if wanted.compliance_level is None:
        return []
    numbers = REQUIRED[wanted.compliance_level]
    return [
        row
        for row in controls.results(context)
        if row["framework"] == PCI and number_of(row) in numbers
    ]


def requirements_met(context: ReportContext) -> list[Row]:
    """Each demand with its verdict; none without a file."""
    wanted = read_requirements(context.home)
    return [] if wanted is None else [*_all(context, wanted)]


def _all(context: ReportContext, wanted: Requirements) -> Iterator[Row]:
    if wanted.compliance_level:
        yield _compliance(context, wanted)
    connected = context.fact("setup_connected").one()
    for gateway in wanted.gateways:
        yield _gateway("gateways", gateway, connected)
    if wanted.preferred_gateway:
        yield _gateway("preferred_gateway", wanted.preferred_gateway, connected)
    yield from _flows(context, wanted)
    if wanted.fraud_protection:
        yield _fraud(context, wanted.fraud_protection)
    if wanted.subscription_complexity:
        yield _billing(context, wanted.subscription_complexity)
    yield from _money(context, wanted)
    yield from _taxed(context, wanted)
    yield from _technical(context, wanted)


def _row(key: str, value: str, holds: bool | None, evidence: str, role: str = "payment") -> Row:
    status: Status = "not_evaluated" if holds is None else "met" if holds else "unmet"
    return {
        "requirement": key, "wanted": value, "status": status, "evidence": evidence, "role": role,
    }  # fmt: skip


def _compliance(context: ReportContext, wanted: Requirements) -> Row:
    rows = required_controls(context, wanted)
    said = controls.evidenced(rows)
    holds = False if said["failed"] else controls.all_passed(rows)
    if said["not_evaluated"] and not said["failed"]:
        holds = None
    level = str(wanted.compliance_level)
    return _row("compliance_level", level, holds, said["statement"], "platform")


def _gateway(key: str, gateway: str, connected: Row) -> Row:
    if gateway not in READS:
        return _row(key, gateway, False, "no account of this gateway is read", "api")
    return _row(key, gateway, connected.get("met"), str(connected.get("evidence", "not read")))


def _flows(context: ReportContext, wanted: Requirements) -> Iterator[Row]:
    fact = context.fact("flows_lately")
    seen = {row["payment_flow"]: row for row in fact.rows}
    for flow in wanted.payment_types:
        row = seen.get(flow)
        if fact.missing:
            yield _row("payment_types", flow, None, fact.missing)
        elif row is None:
            yield _row("payment_types", flow, False, "nothing was tried in 90 days")
        else:
            told = f"{int(row['succeeded']):,} succeeded and {int(row['failed']):,} failed lately"
            yield _row("payment_types", flow, row["succeeded"] > 0, told)


def _fraud(context: ReportContext, level: str) -> Row:
    found = quality.fraud_measures(context, level)
    holds = False if False in [m.holds for m in found] else None
    if all(m.holds for m in found):
        holds = True
    return _row("fraud_protection", level, holds, "; ".join(m.evidence for m in found))


def _billing(context: ReportContext, level: str) -> Row:
    fact = context.fact("prices_used")
    row = fact.one()
    live = int(row.get(f"{level}_subscriptions") or 0) if level != "none" else 0
    if fact.missing:
        return _row("subscription_complexity", level, None, fact.missing)
    if level == "none":
        return _row("subscription_complexity", level, True, "no subscriptions are demanded")
    told = f"{live:,} live subscriptions have such a price"
    return _row("subscription_complexity", level, live > 0, told)


def _money(context: ReportContext, wanted: Requirements) -> Iterator[Row]:
    fact = context.fact("currencies_used")
    seen = {row["currency"]: int(row["payments"]) for row in fact.rows}
    for currency in wanted.currencies:
        payments = seen.get(currency, 0)
        told = fact.missing or f"{payments:,} payments succeeded in 90 days"
        holds = None if fact.missing else payments > 0
        yield _row("currencies", currency, holds, told)


def _taxed(context: ReportContext, wanted: Requirements) -> Iterator[Row]:
    fact = context.fact("tax_places")
    seen = {row["place"]: row for row in fact.rows}
    for place in wanted.jurisdictions:
        row = seen.get(place)
        if row is None:
            told = fact.missing or "no sale and no registration is known there"
            yield _row("jurisdictions", place, None, told)
        else:
            told = f"tax is {'' if row['is_collecting'] else 'not '}collected; {row['status']}"
            yield _row("jurisdictions", place, bool(row["is_collecting"]), told)


def _technical(context: ReportContext, wanted: Requirements) -> Iterator[Row]:
    settings = context.settings
    rows = coverage_fact(context).rows
    if wanted.api:
        versions = sorted({row["api_version"] for row in rows if row["api_version"]})
        holds = versions == [wanted.api] if versions else None
        told = f"read in {', '.join(versions) or 'no version'}"
        yield _row("api", wanted.api, holds, told, "api")
    if wanted.security_level:
        yield _security(context, wanted.security_level)
    configured = {
        "bank_statements": bool(context.fact("bank_files").rows),
        "notifications": settings.notify is not None,
        "webhooks": settings.stripe_webhook_secret is not None,
        "advisories": settings.advisories is not None,
        "public_url": settings.public_url is not None,
    }
    for name in wanted.integrations:
        told = "is set up" if configured[name] else "is not set up"
        yield _row("integrations", name, configured[name], told, "integration")
    fact = context.fact("event_types_lately")
    arrived = {row["event_type"]: int(row["received"]) for row in fact.rows}
    for event_type in wanted.webhook_needs or ():
        told = fact.missing or f"{arrived.get(event_type, 0):,} arrived in seven days"
        holds = None if fact.missing else bool(arrived.get(event_type))
        yield _row("webhook_needs", event_type, holds, told, "api")


def _security(context: ReportContext, level: str) -> Row:
    rows = controls.evidencing(context, "security")
    if level == "basic":
        rows = [row for row in rows if row["severity"] == "blocking"]
    said = controls.evidenced(rows)
    holds: bool | None = controls.all_passed(rows)
    if holds is False and not said["failed"]:
        holds = None
    if level == "high" and context.home.encryption_key is None:
        holds = False
    told = said["statement"]
    if level == "high":
        told += f"; encrypted at rest: {context.home.encryption_key is not None}"
    return _row("security_level", level, holds, told, "platform")
