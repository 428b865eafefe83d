"""What a control found, and what the whole of them means for publication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from heirpay_pipelines.controls.evidence_words import evidence_text
from heirpay_pipelines.settings import Settings

Status = Literal["pass", "fail", "waived", "not_applicable", "not_evaluated", "attested"]
EVIDENCED: frozenset[Status] = frozenset({"pass", "attested"})
STOPS: frozenset[Status] = frozenset({"fail", "not_evaluated"})
EVIDENCE_IDS = 20
NAMED = 5
"""Of the controls that stop a run, and of what is at fault in each, so many are named."""


@dataclass(frozen=True)
class RunContext:
    """What a control may know of the run. `as_of` and `checked_at` are aware UTC instants;
    `checked_at` is the injected clock."""

    run_id: str
    as_of: datetime
    settings: Settings
    checked_at: datetime
    encryption_key: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one evaluation found: how many objects were looked at, how many were wrong, and
    evidence (counts, ids of at most EVIDENCE_IDS objects; never personal data)."""

    status: Status
    checked: int | None = None
    violations: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def judge(checked: int, offenders: Sequence[str], total: int | None = None, **more: Any) -> Outcome:
    """Fail with the first offending ids, or pass."""
    violations = len(offenders) if total is None else total
    evidence = {**more, **({"ids": list(offenders[:EVIDENCE_IDS])} if offenders else {})}
    return Outcome("fail" if violations else "pass", checked, violations, evidence)


def not_evaluated(reason: str) -> Outcome:
    """Evidence is missing. Counts as not passed."""
    return Outcome("not_evaluated", evidence={"reason": reason})


def not_applicable(reason: str) -> Outcome:
    """The control has no object here, for this reason."""
    return Outcome("not_applicable", evidence={"reason": reason})


@dataclass(frozen=True)
class ControlResult:
    """One row of compliance.control_results; `key` and `what_to_do` come from the register."""

    run_id: str
    control_id: str
    key: str
    framework: str
    requirement: str
    title: str
    severity: Literal["blocking", "warning"]
    status: Status
    checked: int | None
    violations: int | None
    evidence: Mapping[str, Any]
    checked_at: datetime
    what_to_do: str
    owner: str

    @property
    def passed(self) -> bool:
        """Evidenced, or without an object here; a waived failure has not passed."""
        return self.status in EVIDENCED or self.status == "not_applicable"

    @property
    def fault(self) -> str:
        """What did not pass, and which endpoints, objects or files are behind it, in one line."""
        title = self.title.rstrip(".")
        if self.status == "not_evaluated":
            why = " ".join(str(self.evidence.get("reason", "the reason was not recorded")).split())
            return f"{title} ({self.key}) could not be evaluated: {why}"
        counted = f"{self.violations or 0:,} of {self.checked or 0:,} at fault"
        given = {
            name: value
            for name, value in self.evidence.items()
            if name in ("ids", "reason") and value
        }
        behind = evidence_text(given, NAMED).removeprefix("ids: ")
        return f"{title} ({self.key}): {counted}{', ' if behind else ''}{behind}"

    @property
    def stops(self) -> bool:
        """Whether it keeps a run from being published: a failure that nobody waived."""
        return self.severity == "blocking" and self.status in STOPS


@dataclass(frozen=True)
class Verdict:
    """Whether the run may be published, and the blocking controls that say no."""

    publish: bool
    blocking_failures: tuple[ControlResult, ...]
    warnings: tuple[ControlResult, ...]
    evidenced: int
    total: int

    @property
    def reason(self) -> str | None:
        """Why publication is refused, in one line that names what is at fault."""
        if self.publish:
            return None
        count = len(self.blocking_failures)
        if not count:
            return "no control was evaluated"
        stopped = "1 blocking control" if count == 1 else f"{count} blocking controls"
        named = "; ".join(result.fault for result in self.blocking_failures[:NAMED])
        more = f"; and {count - NAMED} more, in the report" if count > NAMED else ""
        return f"{stopped} did not pass: {named}{more}"

    def __str__(self) -> str:
        return f"{self.evidenced} of {self.total} controls evidenced"


def verdict(results: Sequence[ControlResult]) -> Verdict:
    """Publish only when every blocking control passed or is waived; one that could not be
    evaluated did not. Of the controls that apply, those with evidence are counted.

    No result at all is no evidence: publication is refused.
    """
    blocking = tuple(result for result in results if result.stops)
    applicable = [result for result in results if result.status != "not_applicable"]
    return Verdict(
        publish=bool(results) and not blocking,
        blocking_failures=blocking,
        warnings=tuple(r for r in results if not r.passed and not r.stops),
        evidenced=sum(result.status in EVIDENCED for result in applicable),
        total=len(applicable),
    )
