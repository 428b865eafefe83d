"""The message that people read: one for a night, however many incidents it had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.patterns import patterns
from heirpay_pipelines.incidents.words import by_when, what_happened

ROLES = {
    "payment": "payment specialist",
    "api": "API specialist",
    "data": "owner of the data",
    "integration": "owner of the integrations",
    "platform": "owner of the platform",
}
SHOWN = 20  # a longer message is not read; the command lists the rest


def money(amount: str, currency: str | None) -> str:
    """`1,234.50 EUR`, exact; "none" for no money."""
    value = Decimal(amount)
    if not value or currency is None:
        return "none"
    return f"{value:,f} {currency.upper()}"


def write_message(
    news: Sequence[tuple[str, Incident, dict[str, Any]]], as_of: str, audit_head: str, link: str
) -> tuple[str, str]:
    """(title, body) for `(kind, incident, document)` news, the most urgent first.

    For somebody who has never seen the product: what happened, the money, what to do, by when, and
    the `link` to where more is; no name of code.
    """
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
    lines = [
        "This is the nightly check of the company's payments, as of"
        f" {as_of[:16].replace('T', ' ')} UTC.",
        *_totals([incident for _, incident, _ in told]),
        f"The whole report: {link}",
        "",
    ]
    for _, incident, document in told[:SHOWN]:
        lines += [*_paragraph(incident, document), ""]
    if len(told) > SHOWN:
        lines += [f"And {len(told) - SHOWN} more: heirpay incidents list", ""]
    lines += [f"OVER  {_name(incident)}: {incident['resolution']}" for incident in resolved]
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
    amount = money(incident["financial_impact"], incident["currency"])
    first, *more = document["immediate_actions_required"]
    lines = [
        f"{incident['urgency'].upper()}  {_name(incident)}",
        f"  What happened: {what_happened(incident)}.",
        f"  Money concerned: {amount}.",
        f"  Why you are told: {_why(incident)}.",
        f"  What to do ({ROLES.get(incident['role'], incident['role'])}): {first}",
        *(f"  Then: {action}" for action in more),
        f"  By when: {by_when(incident)}.",
    ]
    if tried := [titles()[a["solution"]] for a in document["attempted_solutions"]]:
        lines.append(f"  Tried already: {'; '.join(dict.fromkeys(tried))}.")
    lines.append(f"  Everything about it: heirpay incidents show {incident['incident_id']}")
    return lines


def _why(incident: Incident) -> str:
    pattern = patterns()[incident["pattern"]]
    if incident["trigger_name"]:
        why = pattern.triggers[incident["trigger_name"]]
        return f"{why[:1].lower()}{why[1:]}, so it does not wait"
    return f"the check has failed on {incident['strike']} dates, and what was tried changed nothing"


def titles() -> dict[str, str]:
    """What each solution is, in words."""
    found = {"pull_again": "Ask Stripe again for the objects concerned"}
    for pattern in patterns().values():
        found |= pattern.strike_1 | pattern.strike_2
    return found
