"""One fault is one incident: a control that fails for rows which are open breaks opens none beside
the breaks' own, which state the money of all their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from heirpay_pipelines.incidents.facts import Finding, Night
from heirpay_pipelines.incidents.warehouse import Named, NotBuiltError, money_of, rows

RISKS = ("low", "medium", "high")
BREAKS = """
with named as ({named}),
found as (
    select breaks.kind, breaks.currency, named.id
    from finance.reconciliation_breaks as breaks
    inner join named on named.id in (breaks.break_id, breaks.object_id)
)
select
    (select count(*) from named) as named,
    (select count(distinct id) from found) as told,
    (select list(distinct kind || ' in ' || currency) from found) as subjects
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
    ids = finding.evidence.get("ids", ())
    named = Named(finding.every_row) if finding.every_row else Named.by_ids(ids)
    try:
        found = rows(night, BREAKS.format(named=named.query), named.parameters) if breaks else []
    except NotBuiltError:
        found = []
    told = found[0]["told"] if found else 0
    if not told:
        return finding
    if told < found[0]["named"]:
        amount, currency = money_of(night, named, without_breaks=True)
        detail = f"{finding.detail}; {told:,} of them are open breaks, with incidents of their own"
        return replace(finding, amount=amount, currency=currency, detail=detail)
    for subject in set(found[0]["subjects"]) & breaks.keys():
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
