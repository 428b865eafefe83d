"""The set-up phases: each criterion measured, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls


@dataclass(frozen=True)
class Criterion:
    """Met when its fact says so, or when every control whose key has one of the words passed."""

    title: str
    fact: str | None = None
    control_words: tuple[str, ...] = ()


PHASES: dict[str, tuple[str, tuple[Criterion, ...]]] = {
    "gateway_setup": (
        "Gateway set-up",
        (
            Criterion("Connected", fact="setup_connected"),
            Criterion("Test payments seen", fact="setup_payments_seen"),
            Criterion(
                "Key restricted and valid",
                control_words=("restricted_key", "key_scope", "key_is_restricted", "api_key"),
            ),
        ),
    ),
    "webhook_infrastructure": (
        "Webhook infrastructure",
        (
            Criterion("Receiving", fact="setup_webhooks_receiving"),
            Criterion("Idempotent", fact="setup_webhooks_idempotent"),
            Criterion("Signature verified", control_words=("signature", "webhook_secret")),
        ),
    ),
    "subscription_billing": (
        "Subscription billing",
        (
            Criterion("Billing automation seen working", fact="setup_billing_automatic"),
            Criterion("Prorations accurate", control_words=("proration",)),
            Criterion("Dunning configured", fact="setup_dunning"),
        ),
    ),
}


def setup_phases(context: ReportContext) -> list[dict[str, Any]]:
    """Every phase with its criteria: met, the evidence, and where to look."""
    phases = []
    for key, (title, criteria) in PHASES.items():
        judged = [_judge(context, criterion) for criterion in criteria]
        phases.append(
            {
                "phase": key,
                "title": title,
                "met": all(criterion["met"] for criterion in judged),
                "criteria": judged,
            }
        )
    return phases


def _judge(context: ReportContext, criterion: Criterion) -> dict[str, Any]:
    if criterion.fact:
        fact = context.fact(criterion.fact)
        row = fact.one()
        return {
            "criterion": criterion.title,
            "met": bool(row.get("met")),
            "evidence": row.get("evidence") or fact.missing or "no rows",
            "query": fact.command,
        }
    found = [
        row
        for row in controls.results(context)
        if any(word in row["key"] for word in criterion.control_words)
    ]
    shown = "; ".join(f"{row['key']}: {row['status'].replace('_', ' ')}" for row in found)
    return {
        "criterion": criterion.title,
        "met": controls.all_passed(found) is True,
        "evidence": shown or "no control of this run looks at it",
        "query": controls.query(found[0]) if found else context.fact("controls_all").command,
    }
