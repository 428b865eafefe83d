"""The run itself, the files it wrote, and the audit log."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from heirpay_pipelines.audit import verify
from heirpay_pipelines.audit.heads import known_heads
from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.patterns import own_id

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def observe_run(night: Night) -> Observed:
    """A run that failed: nothing new is published until it is fixed."""
    if night.run.outcome != "failed":
        return Observed(frozenset({"run"}))
    finding = Finding(
        scope="run",
        symptom="processing_errors",
        **own_id(night.home.project, "run"),
        subject="nightly run",
        detail=f"Run {night.run.run_id} failed: {night.run.reason or 'see its page in Dagster'}",
        evidence={"run_id": night.run.run_id},
    )
    return Observed(frozenset({"run"}), (finding,))


def readable_by_others(home: Path) -> Iterator[Path]:
    """Files and folders under `home` that anyone but the owner may read, write or enter."""
    for path in (home, *sorted(home.rglob("*"))):
        if not path.is_symlink() and path.exists() and path.stat().st_mode & OTHERS:
            yield path


def observe_files(night: Night) -> Observed:
    """File modes of everything the pipeline wrote (PCI DSS 7.2: need to know)."""
    home = night.home.folder
    exposed = [str(path.relative_to(home)) for path in readable_by_others(home)]
    if not exposed:
        return Observed(frozenset({"files"}))
    finding = Finding(
        scope="files",
        symptom="unauthorised_access",
        subject="files under HEIRPAY_HOME",
        detail=f"{len(exposed)} files or folders are open to other users, first {exposed[0]}",
        compliance_risk="medium",
        clause="PCI DSS 4.0.1 7.2",
        evidence={"count": len(exposed), "first": exposed[:10]},
    )
    return Observed(frozenset({"files"}), (finding,))


def observe_audit(night: Night) -> Observed:
    """Whether the audit log's hash chain still verifies."""
    verdict = verify(night.state, known_heads(night.home))
    if verdict.ok:
        return Observed(frozenset({"audit"}))
    finding = Finding(
        scope="audit",
        symptom="logging_gap",
        subject="audit log",
        detail=verdict.detail,
        compliance_risk="high",
        clause="PCI DSS 4.0.1 10.3",
        trigger="audit_failure",
        evidence={"sequence": verdict.sequence},
    )
    return Observed(frozenset({"audit"}), (finding,))
