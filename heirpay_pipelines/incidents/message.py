"""The message that people read: one for a night, however many incidents it had."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.patterns import patterns

SHOWN = 20  # a longer message is not read; the command lists the rest


def money(amount: str, currency: str | None) -> str:
    """`1,234.50 EUR`, exact; "none" for no money."""
    value = Decimal(amount)
    if not value or currency is None:
        return "none"
    return f"{value:,f} {currency.upper()}"


def write_message(
    news: Sequence[tuple[str, Incident, dict[str, Any]]], as_of: str, audit_head: str
) -> tuple[str, str]:
    """(title, body) for `(kind, incident, document)` news, the most urgent first."""
    kinds = [kind for kind, _, _ in news]
    told = [item for item in news if item[0] != "resolution"]
    resolved = [incident for kind, incident, _ in news if kind == "resolution"]
    parts = [
        f"{kinds.count(kind)} {word}"
        for kind, word in (
            ("escalation", "escalated"),
            ("reminder", "still open"),
            ("resolution", "resolved"),
        )
        if kind in kinds
    ]
    title = f"HeirPay: {', '.join(parts)}"
    if any(incident["urgency"] == "critical" for _, incident, _ in told):
        title = f"{title} (critical)"
    lines = [f"As of {as_of}.", *_totals([incident for _, incident, _ in told]), ""]
    for _, incident, document in told[:SHOWN]:
        lines += [*_paragraph(incident, document), ""]
    if len(told) > SHOWN:
        lines += [f"And {len(told) - SHOWN} more: heirpay incidents list", ""]
    lines += [f"RESOLVED  {_name(incident)}: {incident['resolution']}" for incident in resolved]
    lines.append(f"Audit log head: {audit_head}")
    return title, "\n".join(lines)


def _name(incident: Incident) -> str:
    symptom = patterns()[incident["pattern"]].symptoms[incident["symptom"]]
    return f"{symptom.title}, {incident['subject']}"


def _totals(incidents: Sequence[Incident]) -> list[str]:
    """Money concerned per currency: amounts of different currencies are never added."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for incident in incidents:
        if incident["currency"]:
            sums[incident["currency"]] += Decimal(incident["financial_impact"])
    text = "; ".join(money(f"{total:f}", currency) for currency, total in sorted(sums.items()))
    return [f"Money concerned: {text}."] if text else []


def _paragraph(incident: Incident, document: dict[str, Any]) -> list[str]:
    tried = "; ".join(f"{a['solution']}: {a['detail']}" for a in document["attempted_solutions"])
    why = incident["trigger_name"] or f"strike {incident['strike']}"
    lines = [
        f"{incident['urgency'].upper()}  {_name(incident)}",
        f"  {incident['detail']}",
        f"  Impact {money(incident['financial_impact'], incident['currency'])}; compliance risk"
        f" {incident['compliance_risk']}; escalated by {why}; for {incident['role']}.",
    ]
    if tried:
        lines.append(f"  Tried: {tried}.")
    lines += [f"  Now: {action}" for action in document["immediate_actions_required"]]
    if query := json.loads(incident["evidence"]).get("rows"):
        lines.append(f'  Rows: heirpay query "{query}"')
    return lines
