"""`pci_compliance_status`: controls evidenced, by requirement and by framework."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from heirpay_pipelines.report.context import ReportContext, source
from heirpay_pipelines.report.domain import controls

PCI = "pci_dss"
REQUIREMENTS = {
    1: "Network security controls",
    2: "Secure configurations",
    3: "Protect stored account data",
    4: "Encrypt account data in transit",
    5: "Protect against malicious software",
    6: "Develop and maintain secure systems",
    7: "Restrict access by need to know",
    8: "Identify users and authenticate access",
    9: "Restrict physical access",
    10: "Log and monitor all access",
    11: "Test security regularly",
    12: "Support security with policies",
}


def pci_compliance_status(context: ReportContext) -> dict[str, Any]:
    """The twelve requirements, each with the state of its controls. The report says how many
    controls are evidenced; whether an organisation is compliant is for its assessor."""
    pci = [row for row in controls.results(context) if row["framework"] == PCI]
    fact = context.fact("controls_all")
    head = context.audit_head()
    return {
        **controls.evidenced(pci),
        "requirements": [
            _requirement(number, title, [row for row in pci if number_of(row) == number])
            for number, title in REQUIREMENTS.items()
        ],
        "frameworks": frameworks(controls.results(context)),
        "not_passed": [controls.as_json(row) for row in controls.not_passed(context)],
        "audit_chain_head": {
            "not_available": None if head else "the audit log is empty",
            **head,
        },
        **source(fact),
    }


def frameworks(rows: Iterable[controls.Row]) -> list[dict[str, Any]]:
    """How many controls of each framework are evidenced."""
    by_framework: dict[str, list[controls.Row]] = {}
    for row in rows:
        by_framework.setdefault(row["framework"], []).append(row)
    return [
        {
            "framework": framework,
            "title": controls.framework_name(framework),
            **controls.evidenced(found),
        }
        for framework, found in sorted(by_framework.items())
    ]


def number_of(row: controls.Row) -> int | None:
    """`Req. 3.5.1` → 3: the requirement of PCI DSS that a control belongs to."""
    found = re.search(r"\b(1[0-2]|[1-9])(?=\.\d|\b)", re.sub(r"4\.0\.1", "", row["requirement"]))
    return int(found[0]) if found else None


def _requirement(number: int, title: str, rows: list[controls.Row]) -> dict[str, Any]:
    statuses = {row["status"] for row in rows}
    worst = next(
        (
            status
            for status in ("fail", "not_evaluated", "waived", "pass", "attested", "not_applicable")
            if status in statuses
        ),
        "not_evaluated",
    )
    return {"requirement": number, "title": title, "status": worst, "controls": len(rows)}
