"""report.json: valid under its schema, every command in it works, no field is a constant."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

SCHEMA = json.loads(
    files("heirpay_pipelines.report").joinpath("schema", "report.schema.json").read_text()
)
FIELDS = (
    "domain", "project_status", "specialist_assignments", "deliverables_completed",
    "pci_compliance_status", "revenue_metrics", "fraud_detection_metrics", "orbt_status",
    "blocking_issues", "handoff_readiness", "institutional_knowledge_captured",
)  # fmt: skip


def test_it_is_valid_and_has_every_field_of_the_domain(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert {*FIELDS, "coverage_statement", "quality_verdict"} <= document.keys()
    assert document["not_available"] == []


@pytest.mark.parametrize("field", [*FIELDS, "coverage_statement", "quality_verdict"])
def test_the_schema_needs_each_field_and_knows_its_shape(
    document: dict[str, Any], field: str
) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert not validator.is_valid({k: v for k, v in document.items() if k != field})
    assert not validator.is_valid({**document, field: 7})


def commands(value: Any) -> Iterator[str]:
    """Every command to paste, anywhere in the document."""
    if isinstance(value, dict):
        for part in value.values():
            yield from commands(part)
    elif isinstance(value, list):
        for part in value:
            yield from commands(part)
    elif isinstance(value, str) and value.startswith("heirpay "):
        yield value


def test_every_query_to_paste_runs(document: dict[str, Any], published: Any) -> None:
    asked = {shlex.split(c)[2] for c in commands(document) if c.startswith("heirpay query ")}
    assert len(asked) > 40
    with duckdb.connect(str(published.settings.warehouse), read_only=True) as connection:
        for sql in sorted(asked):
            connection.execute(f"select * from ({sql}) limit 1")


def test_every_asset_is_one_that_dagster_has(document: dict[str, Any]) -> None:
    graph = Path(__file__).parents[1] / "orchestration" / "__snapshots__" / "test_asset_graph.ambr"
    known = set(re.findall(r"^  (\S+/\S+) in ", graph.read_text(), re.MULTILINE))
    named = set(re.findall(r'"asset": "([^"]+)"', json.dumps(document)))
    assert len(named) > 10
    assert named - known == set()


def test_a_customers_mrr_is_followed_to_its_invoices_by_what_the_report_says(
    document: dict[str, Any], published: Any
) -> None:
    """Issue 3's promise: from the report's movement to the invoice, by one command to paste."""
    movements = document["revenue_metrics"]["movements_largest"]["rows"]
    assert movements
    grown = next(row for row in movements if row["movement"] in ("new", "expansion"))
    assert grown["explain"].startswith(f"heirpay explain mrr --customer {grown['customer_id']} ")
    told = published.heirpay(*shlex.split(grown["explain"])[1:])
    assert told.returncode == 0, told.stderr
    assert grown["customer_id"] in told.stdout
    assert re.search(r"\bin_\w+", told.stdout), told.stdout
    assert re.search(r"\bsub_\w+", told.stdout)


def test_the_audit_head_is_the_same_wherever_it_is_said(
    document: dict[str, Any], folder: Any
) -> None:
    sequence, _, digest = document["audit_head"].partition(":")
    said = document["pci_compliance_status"]["audit_chain_head"]
    assert (str(said["sequence"]), said["hash"]) == (sequence, digest)
    handoff = json.loads((folder / "handoffs" / "audit-trail.json").read_text())
    assert handoff["head"]["hash"] == digest
    assert digest in (folder / "report.html").read_text()


INCIDENT = {
    "incident_id": "inc_0123456789ab_1", "identifier": None, "section": None, "role": "payment",
    "pattern": "transaction_failures", "symptom": "declined_cards", "subject": "payments in usd",
    "detail": "30 of 100 attempts failed", "strike": 3, "status": "escalated",
    "urgency": "critical", "financial_impact": "1234.50", "currency": "usd",
    "compliance_risk": "low", "opened_at": "2026-10-31T03:00:00", "learned": None,
    "learned_new": 0, "recommendations": ["Ask for another card."],
    "attempted_solutions": [
        {"solution": "retryable_and_when", "status": "done", "detail": "4 may be", "helped": True}
    ],
}  # fmt: skip
DAY = "date '2026-10-31'"
CHANGES: dict[str, dict[str, Any]] = {
    "project_status": {"reason": "a reason", "requests": 17},
    "specialist_assignments": {"incidents": [INCIDENT]},
    "orbt_status": {"incidents": [INCIDENT]},
    "blocking_issues": {"incidents": [INCIDENT]},
    "institutional_knowledge_captured": {"incidents": [INCIDENT]},
    "pci_compliance_status": {"audit_head": "8:" + "b" * 64},
    "deliverables_completed": {"sql": "drop table finance.disputes"},
    "handoff_readiness": {"sql": "comment on column finance.disputes.reason is null"},
    "revenue_metrics": {
        "sql": "update finance.mrr_monthly set mrr_reporting = mrr_reporting + 1"
    },
    "fraud_detection_metrics": {
        "sql": "update finance.disputes set outcome = 'won' where outcome = 'lost'"
    },
    "coverage_statement": {
        "coverage": [{"endpoint": "/v1/charges", "object_name": "charge", "mode": "full",
                      "rows": 1, "requests": 1, "status": "denied", "reason": "no permission"}]
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def base(copied: Any) -> dict[str, Any]:
    found: dict[str, Any] = copied.document()
    return found


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_changes_with_its_data(facts: Any, base: dict[str, Any], field: str) -> None:
    same = {name for name in CHANGES if name != field}
    changed = facts.document(**CHANGES[field])
    assert changed[field] != base[field]
    assert any(changed[name] == base[name] for name in same)  # the others stand still


def test_the_domain_says_of_which_project(facts: Any, base: dict[str, Any]) -> None:
    assert base["domain"] == "payment.heirpay"
    facts.settings = facts.settings.model_copy(update={"project": "shop"})
    assert facts.document()["domain"] == "payment.shop"


def test_orbt_follows_its_order(facts: Any) -> None:
    def status(**run: Any) -> tuple[str, list[str]]:
        found = facts.document(**run)["orbt_status"]
        return found["status"], found["also"]

    learned = {
        **INCIDENT, "status": "resolved", "learned": "x", "learned_new": 1,
        "resolved_at": "2026-10-31T03:00:00",
    }  # fmt: skip
    assert status(incidents=[INCIDENT, learned]) == ("repair", ["build", "train"])
    assert status(incidents=[learned]) == ("build", ["train"])  # no webhook was ever received


SAFE = (
    "update finance.early_fraud_warnings set amount_refunded = amount;"
    "delete from finance.card_testing_bursts;"
    "update finance.risk_programmes set is_exceeded = false"
)
PASSING: dict[str, str] = {
    "payment_flow": "update finance.daily_revenue_by_flow set payments_failed = 0",
    "fraud_detection": SAFE,
    "financial_accuracy": (
        "update finance.payout_reconciliation set status = 'reconciled';"
        "update finance.balance_reconciliation set difference = 0"
    ),
}
FAILING: dict[str, str] = {
    "payment_flow": (
        "update finance.daily_revenue_by_flow set payments_failed = payments_succeeded + 10"
    ),
    "webhook_reliability": (
        "insert into operations.webhook_delivery_daily (date, events, delivered, late, missing,"
        " awaited)"
        f" values ({DAY}, 10, 8, 0, 2, 0)"
    ),
    "fraud_detection": "update finance.risk_programmes set is_exceeded = true",
    "financial_accuracy": "update finance.balance_reconciliation set difference = 1",
}


def judged(document: dict[str, Any], check: str) -> str:
    (found,) = [c for c in document["quality_verdict"]["checks"] if c["check"] == check]
    return str(found["status"])


CHECKS = (
    "security_validation", "pci_audit", "payment_flow", "webhook_reliability", "fraud_detection",
    "financial_accuracy",
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_each_quality_check_passes_and_fails(facts: Any, check: str) -> None:
    def with_status(status: str) -> list[dict[str, Any]]:
        return [{**row, "status": status} for row in every]

    every = list(facts.controls)
    facts.controls = with_status("pass")
    good = PASSING.get(check, "")
    if check == "webhook_reliability":
        good = (
            "insert into operations.webhook_delivery_daily (date, events, delivered, late, missing,"
            " awaited)"
            f" values ({DAY}, 10, 10, 0, 0, 0)"
        )
    assert judged(facts.document(good), check) == "pass"
    if check in FAILING:
        assert judged(facts.document(FAILING[check]), check) == "fail"
    if check != "payment_flow":  # what the payments themselves show judges it
        facts.controls = with_status("fail")
        assert judged(facts.document(good), check) == "fail"


def test_approved_only_if_all_six_pass(facts: Any) -> None:
    facts.controls = [{**row, "status": "pass"} for row in facts.controls]
    good = ";".join(
        [
            PASSING["financial_accuracy"],
            SAFE,
            PASSING["payment_flow"],
            "insert into operations.webhook_delivery_daily (date, events, delivered, late, missing,"
            " awaited)"
            f" values ({DAY}, 10, 10, 0, 0, 0)",
        ]
    )
    approved = facts.document(good)["quality_verdict"]
    assert (approved["verdict"], approved["required_fixes"]) == ("approved", [])
    refused = facts.document(f"{good}; {FAILING['financial_accuracy']}")["quality_verdict"]
    assert refused["verdict"] == "fixes_required"
    assert len(refused["required_fixes"]) == 1


def test_what_changed_since_yesterday_and_why(facts: Any) -> None:
    sql = (
        f"delete from finance.mrr_movements where occurred_on >= {DAY};"
        "insert into finance.mrr_movements (occurred_on, customer_id, currency, movement,"
        " mrr_before, mrr_after, mrr_change, mrr_change_reporting) values"
        f" ({DAY}, 'cus_grown', 'usd', 'expansion', 10, 35, 25, 25)"
    )
    figures = {f["key"]: f for f in facts.document(sql)["revenue_metrics"]["key_figures"]}
    assert figures["mrr"]["change"] == "25.00"
    (cause,) = figures["mrr"]["causes"]
    assert (cause["object_id"], cause["amount"], cause["currency"]) == ("cus_grown", "25.00", "usd")
    volume = figures["net_volume"]
    assert any(c["detail"].startswith("heirpay explain journal") for c in volume["causes"])


def test_changed_controls_are_named_once_and_gone_ones_not_at_all(facts: Any) -> None:
    one = facts.controls[0]["control_id"]
    earlier = (
        "insert into compliance.control_results (run_id, control_id, status, severity, checked_at)"
        " values ('earlier', '{id}', '{status}', 'warning', '2026-10-30 0{hour}:00:00')"
    )
    sql = ";".join(
        [
            "delete from compliance.control_results",
            earlier.format(id=one, status="pass", hour=1),
            earlier.format(id=one, status="fail", hour=2),  # taken up again: its last look counts
            earlier.format(id="PAYMENT.OLD.CONTROL.STRIPE.20000.001", status="fail", hour=2),
        ]
    )
    facts.controls = [{**facts.controls[0], "status": "pass"}]
    found = facts.document(sql)["revenue_metrics"]["key_figures"]
    (figure,) = [f for f in found if f["key"] == "failed_controls"]
    assert [(c["object_id"], c["what"]) for c in figure["causes"]] == [(one, "fail → pass")]
    assert figure["before"] == 2


def test_a_dispute_under_review_waits_for_no_answer(facts: Any) -> None:
    def waiting(sql: str = "") -> tuple[str, list[str]]:
        found = facts.document(sql)
        figures = {f["key"]: f["value"] for f in found["revenue_metrics"]["key_figures"]}
        rows = found["fraud_detection_metrics"]["disputes_open"]["rows"]
        assert str(figures["disputes_open"]) == str(len(rows))
        return figures["disputes_open"], [row["status"] for row in rows]

    assert set(waiting()[1]) == {"needs_response"}
    assert (
        waiting(
            "update finance.disputes set status = 'under_review' where status = 'needs_response'"
        )[1]
        == []
    )
