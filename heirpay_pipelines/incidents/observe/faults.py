"""One fault is one incident: a control that fails for rows which are open breaks opens none beside
the breaks' own, which state the money of all their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from heirpay_pipelines.incidents.facts import Finding, Night
from heirpay_pipelines.incidents.warehouse import NotBuiltError, money_of, rows

RISKS = ("low", "medium", "high")
BREAKS = """
select break_id, kind, currency, object_id from finance.reconciliation_breaks
where break_id in (select unnest($ids)) or object_id in (select unnest($ids))
order by break_id
"""


def joined(night: Night, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with those of controls joined to the breaks that they are about.

    A control whose named objects are all breaks is told by them; of one whose objects are so in
    part the money is that of the others.
    """
    every = list(findings)
    breaks = {finding.subject: finding for finding in every if finding.scope == "breaks"}
    kept = []
    for finding in every:
        if finding.scope == "breaks":
            continue
        rest = _rest(night, finding, breaks) if finding.scope.startswith("control:") else finding
        if rest is not None:
            kept.append(rest)
    return (*kept, *breaks.values())


def _rest(night: Night, finding: Finding, breaks: dict[str, Finding]) -> Finding | None:
    """What of a control's finding no break tells; None when they tell all of it."""
    ids = [
        str(id).split(maxsplit=1)[0] for id in finding.evidence.get("ids", ()) if str(id).strip()
    ]
    try:
        found = rows(night, BREAKS, {"ids": ids}) if ids and breaks else []
    except NotBuiltError:
        found = []
    told = {name for row in found for name in (row["break_id"], row["object_id"])} & set(ids)
    if not told:
        return finding
    others = [id for id in ids if id not in told]
    if others:
        amount, currency = money_of(night, others)
        detail = (
            f"{finding.detail}; {len(told)} of them are open breaks, with incidents of their own"
        )
        return replace(finding, amount=amount, currency=currency, detail=detail)
    for subject in {f"{row['kind']} in {row['currency']}" for row in found} & breaks.keys():
        breaks[subject] = _with_control(breaks[subject], finding)
    return None


def _with_control(known: Finding, control: Finding) -> Finding:
    """A break's finding that a failed control speaks of, too: the graver of both, one money."""
    named = [*known.evidence.get("controls", ()), control.subject.removeprefix("control ")]
    return replace(
        known,
        compliance_risk=max(known.compliance_risk, control.compliance_risk, key=RISKS.index),
        clause=known.clause or control.clause,
        trigger=known.trigger or control.trigger,
        evidence={**known.evidence, "controls": sorted(set(named))},
    )
