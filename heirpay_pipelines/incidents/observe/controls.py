"""Failed controls, and regulators' inquiries that a person recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb
import yaml

from heirpay_pipelines.controls.attestations import newest_attestations
from heirpay_pipelines.controls.expectations import bind_to
from heirpay_pipelines.controls.register import Control, register_by_key
from heirpay_pipelines.duck import quoted
from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.patterns import own_id
from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.incidents.warehouse import Named, money_of

CALM = {"pass", "not_applicable", "attested", "waived"}


@cache
def _rules() -> list[dict[str, str]]:
    text = files("heirpay_pipelines.incidents").joinpath("control_symptoms.yaml").read_text()
    rules: list[dict[str, str]] = yaml.safe_load(text)
    return rules


def observe_controls(night: Night) -> Observed:
    """One finding for each failed control, and for each that had no verdict for too long: a control
    that nobody looks at is one that fails, an attestation that ended is none."""
    scopes, findings = set(), []
    for control in night.control_results:
        scope = f"control:{control['control_id']}"
        if control["status"] in CALM:
            scopes.add(scope)
        elif control["status"] == "fail":
            scopes.add(scope)
            findings.append(_finding(night, control, scope))
        elif overdue := _overdue(night, control):
            scopes.add(scope)
            findings.append(_unlooked(night, control, scope, overdue))
    return Observed(frozenset(scopes), tuple(findings))


def _finding(night: Night, control: Mapping[str, Any], scope: str) -> Finding:
    rule = _rule(control)
    blocking = control["severity"] == "blocking"
    ids = list(dict(control["evidence"]).get("ids", ()))
    known = register_by_key().get(control["key"])
    every_row = _every_row(night, known, control["violations"] or 0, len(ids))
    amount, currency = money_of(night, Named(every_row) if every_row else Named.by_ids(ids))
    return Finding(
        scope=scope,
        symptom=rule["symptom"],
        subject=f"control {control['key']}",
        detail=f"{control['title']}: {control['violations'] or 0:,} at fault of"
        f" {control['checked'] or 0:,} checked",
        amount=amount,
        currency=currency,
        compliance_risk="high" if blocking or rule.get("trigger") else "medium",
        clause=control["requirement"],
        identifier=known.identifier(night.home.project) if known else None,
        section=known.section if known else None,
        role=known.role if known else None,
        action=control["what_to_do"],
        trigger=rule.get("trigger"),
        rows=(
            "select * from compliance.control_results where control_id ="
            f" {quoted(control['control_id'])} and run_id = {quoted(night.run.run_id)}"
        ),
        evidence={
            "severity": control["severity"],
            "violations": control["violations"],
            "checked": control["checked"],
            "ids": ids,
        },
        every_row=every_row,
    )


def _overdue(night: Night, control: Mapping[str, Any]) -> str | None:
    """Since when a control has no verdict, where that is longer than allowed; of an attestation,
    the day on which it ended."""
    limit = thresholds(night.home).controls.not_evaluated_days
    since = night.run.as_of - timedelta(days=limit)
    known = register_by_key().get(control["key"])
    if known is not None and known.attestation:
        signed = newest_attestations(night.state, night.run.as_of).get(known.key)
        if signed is not None:
            ended = signed.expires_at <= night.run.as_of
            return f"{signed.expires_at:%Y-%m-%d}" if ended else None
    without = night.state.rows(
        "select min(checked_at) as first_at from control_results where control_id = ?"
        " and status = 'not_evaluated' and checked_at > coalesce((select max(checked_at)"
        " from control_results where control_id = ? and status <> 'not_evaluated'), '')",
        (control["control_id"], control["control_id"]),
    )[0]["first_at"]
    return str(without)[:10] if without and str(without) <= since.isoformat() else None


def _unlooked(night: Night, control: Mapping[str, Any], scope: str, since: str) -> Finding:
    known = register_by_key().get(control["key"])
    reason = dict(control["evidence"]).get("reason", "no reason was recorded")
    return Finding(
        scope=scope,
        symptom="failed_control",
        subject=f"control {control['key']}",
        detail=f"{control['title']}: without a verdict since {since} ({reason})",
        compliance_risk="high" if control["severity"] == "blocking" else "medium",
        clause=control["requirement"],
        identifier=known.identifier(night.home.project) if known else None,
        section=known.section if known else None,
        role=known.role if known else None,
        action=control["what_to_do"],
        evidence={"severity": control["severity"], "since": since},
    )


def _every_row(night: Night, control: Control | None, violations: int, named: int) -> str | None:
    """The query of all rows at fault, where the evidence names fewer and it can be made here: a
    published file has no landing, and a probe looks at more than tables."""
    if control is None or control.rows is None or violations <= named or night.warehouse is None:
        return None
    query = f"select id from ({bind_to(control.rows, night.run.as_of, night.home)}) as at_fault"
    try:
        night.warehouse.execute(f"select count(id) from ({query}) as counted").fetchall()
    except duckdb.Error:
        return None
    return query


def _rule(control: Mapping[str, Any]) -> dict[str, str]:
    """The first rule that matches the control's key."""
    return next(rule for rule in _rules() if re.search(rule["matches"], control["key"]))


def observe_inquiries(night: Night) -> Observed:
    """Each open inquiry of a regulator, until it is closed."""
    found = night.state.rows("select * from regulatory_inquiries order by inquiry_id")
    scopes = frozenset(f"inquiry:{row['inquiry_id']}" for row in found)
    findings = tuple(
        Finding(
            scope=f"inquiry:{row['inquiry_id']}",
            symptom="failed_control",
            **own_id(night.home.project, "inquiry"),
            subject=f"inquiry {row['reference']} of {row['regulator']}",
            detail=f"Received {row['received_at']}, an answer is due by {row['answer_due_at']}",
            compliance_risk="high",
            clause=f"{row['regulator']} {row['reference']}",
            trigger="regulatory_inquiry",
            evidence={"answer_due_at": row["answer_due_at"]},
        )
        for row in found
        if row["closed_at"] is None and row["received_at"] <= night.run.as_of.isoformat()
    )
    return Observed(scopes, findings)
