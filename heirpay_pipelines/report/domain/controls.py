"""Control results as the report's fields read them: who acts, in which section, how serious."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from heirpay_pipelines.controls.evidence_words import evidence_text
from heirpay_pipelines.controls.register import register_by_key
from heirpay_pipelines.report.context import ReportContext

Row = dict[str, Any]
PASSED = ("pass", "attested")
FRAMEWORKS = {
    "data_quality": "Data quality",
    "finance": "Finance",
    "pci_dss": "PCI DSS 4.0.1",
    "sox": "SOX",
    "gdpr": "GDPR",
    "regional": "Regional rules",
}
GENERAL = "payment.general.operation"


def section_of(control: Row) -> str:
    """The section that the register gives; the general one for a control it no longer has."""
    known = register_by_key().get(control["key"])
    return known.section if known else GENERAL


def role_of(control: Row) -> str:
    """Who acts on a control; the payment specialist for one that the register no longer has."""
    known = register_by_key().get(control["key"])
    return known.role if known else "payment"


def is_evidence(control: Row, what: str) -> bool:
    """Whether the register gives a control as evidence of something."""
    known = register_by_key().get(control["key"])
    return known is not None and what in known.evidences


def evidencing(context: ReportContext, what: str) -> list[Row]:
    """Controls of this run that are evidence of something."""
    return [row for row in results(context) if is_evidence(row, what)]


def framework_name(framework: str) -> str:
    """The framework as people write it."""
    return FRAMEWORKS.get(framework, framework)


def results(context: ReportContext) -> tuple[Row, ...]:
    """Every control of this run."""
    return context.fact("controls_all").rows


def not_passed(context: ReportContext) -> tuple[Row, ...]:
    """Controls of this run that failed or could not be evaluated, worst first."""
    return context.fact("controls_failed").rows


def blocking(context: ReportContext) -> list[Row]:
    """Controls that keep this run from being published; without evidence none has passed."""
    return [row for row in not_passed(context) if row["severity"] == "blocking"]


def evidenced(rows: Iterable[Row]) -> dict[str, Any]:
    """How many controls of those that apply passed: "38 of 41", never "compliant". One that passed
    on nothing (results of before it was told apart) is not counted."""
    counted = [
        row
        for row in rows
        if row["status"] != "not_applicable"
        and not (row["status"] == "pass" and row["checked"] == 0)
    ]
    passed = sum(1 for row in counted if row["status"] in PASSED)
    return {
        "statement": f"{passed} of {len(counted)} controls evidenced",
        "evidenced": passed,
        "applicable": len(counted),
        "failed": sum(1 for row in counted if row["status"] == "fail"),
        "not_evaluated": sum(1 for row in counted if row["status"] == "not_evaluated"),
    }


def all_passed(rows: Sequence[Row]) -> bool | None:
    """None when there is no control to judge by: that is no evidence, and not a pass."""
    counted = [
        row
        for row in rows
        if row["status"] != "not_applicable"
        and not (row["status"] == "pass" and row["checked"] == 0)
    ]
    return all(row["status"] in PASSED for row in counted) if counted else None


def shown(control: Row) -> str:
    """`key: pass`, with the reason where there was nothing to judge by."""
    said = f"{control['key']}: {control['status'].replace('_', ' ')}"
    without = control["status"] in ("not_applicable", "not_evaluated")
    return f"{said} ({evidence_text(control['evidence'])})" if without else said


def query(control: Row) -> str:
    """The command that shows a control's results, newest first."""
    quoted = str(control["control_id"]).replace("'", "''")
    return (
        'heirpay query "select * from compliance.control_results where control_id = '
        f"'{quoted}' order by checked_at desc\""
    )


def as_json(control: Row) -> dict[str, Any]:
    """A control that did not pass, with what to do and who does it."""
    return {
        "control_id": control["control_id"],
        "section": section_of(control),
        "role": role_of(control),
        "owner": control["owner"],
        "framework": control["framework"],
        "requirement": control["requirement"],
        "title": control["title"],
        "severity": control["severity"],
        "status": control["status"],
        "checked": control["checked"],
        "violations": control["violations"],
        "evidence": evidence_text(control["evidence"]),
        "what_to_do": what_to_do(control),
        "query": query(control),
    }


def what_to_do(control: Row) -> str:
    """The register's instruction; without one, where the evidence is."""
    return control["what_to_do"] or "Look at the rows that the evidence names and correct them."
