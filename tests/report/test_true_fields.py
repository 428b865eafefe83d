"""Fields of the domain report follow the data: a case on each side of each line."""

from __future__ import annotations

from typing import Any

import pytest

AS_OF = "timestamp '2026-11-01'"
DAY = "date '2026-10-31'"


def of_control(facts: Any, key: str, status: str = "pass", checked: int = 13) -> dict[str, Any]:
    """A control's result, as the run would have it."""
    return {
        **facts.controls[0], "key": key, "control_id": f"PAYMENT.HEIRPAY.{key.upper()}.X.20000.001",
        "status": status, "checked": checked, "violations": 0, "evidence": {"reason": "because"},
        "framework": "pci_dss",
    }  # fmt: skip


def criterion(document: dict[str, Any], title: str) -> dict[str, Any]:
    (found,) = [
        each
        for phase in document["orbt_status"]["setup_phases"]
        for each in phase["criteria"]
        if each["criterion"] == title
    ]
    return dict(found)


def phase(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [p for p in document["orbt_status"]["setup_phases"] if p["phase"] == name]
    return dict(found)


def handoff(document: dict[str, Any], file: str) -> dict[str, bool]:
    (found,) = [h for h in document["handoff_readiness"] if h["file"] == f"handoffs/{file}"]
    return {each["criterion"]: each["met"] for each in found["criteria"]}


def check(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in document["quality_verdict"]["checks"] if c["check"] == name]
    return dict(found)


WEBHOOK_CONTROLS = ("webhooks_verified", "webhook_signatures", "webhook_abuse")


@pytest.mark.parametrize(
    ("status", "met"), [("pass", True), ("fail", False), ("not_applicable", False)]
)
def test_webhook_security_is_validated_by_the_self_test(facts: Any, status: str, met: bool) -> None:
    facts.controls = [of_control(facts, key) for key in WEBHOOK_CONTROLS]
    facts.controls[1] = of_control(facts, "webhook_signatures", status)
    document = facts.document()
    assert criterion(document, "Signature verified")["met"] is met
    assert handoff(document, "webhook-endpoint.openapi.json")["webhook_security_validated"] is met


ARRIVE = (
    "delete from operations.webhook_deliveries;"
    "insert into operations.webhook_deliveries (event_id, event_type, created_at, created_on,"
    " received_at, deliveries, status) select 'evt_' || i, 'x.y', {at} - to_minutes(i),"
    " date '2026-10-31', case when {arrived} then {at} - to_minutes(i) end, 1, 'delivered'"
    " from range(20) t(i)"
)


@pytest.mark.parametrize(
    ("at", "arrived", "met"),
    [
        (f"{AS_OF} - interval 2 hour", "i >= 10", True),
        (f"{AS_OF} - interval 2 hour", "i >= 11", False),
        (f"{AS_OF} - interval 5 day", "true", True),  # nothing has happened since
        (f"{AS_OF} - interval 8 day", "true", False),
    ],
)
def test_receiving_is_about_the_last_hours_in_which_events_happened(
    facts: Any, at: str, arrived: str, met: bool
) -> None:
    document = facts.document(ARRIVE.format(at=at, arrived=arrived))
    assert criterion(document, "Receiving")["met"] is met


def test_a_receiver_that_died_days_ago_does_not_receive(facts: Any) -> None:
    sql = ARRIVE.format(at=f"{AS_OF} - interval 5 day", arrived="true")
    silent = (
        "insert into operations.webhook_deliveries (event_id, event_type, created_at, created_on,"
        f" deliveries, status) select 'late_' || i, 'x.y', {AS_OF} - to_minutes(90 + i), {DAY}, 0,"
        " 'missing' from range(5) t(i)"
    )
    assert criterion(facts.document(sql), "Receiving")["met"]
    assert not criterion(facts.document(f"{sql};{silent}"), "Receiving")["met"]


@pytest.mark.parametrize(
    ("title", "shift"),
    [
        ("Connected", "update operations.coverage set covered_until = covered_until - interval {}"),
        (
            "Test payments seen",
            "update staging.stg_stripe__charges set created_at = created_at - interval {}",
        ),
    ],
)
@pytest.mark.parametrize(("age", "met"), [("1 day", True), ("500 day", False)])
def test_evidence_of_set_up_has_an_age(
    facts: Any, title: str, shift: str, age: str, met: bool
) -> None:
    assert criterion(facts.document(shift.format(age)), title)["met"] is met


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("update staging.stg_stripe__invoices set attempt_count = 2,"
         " collection_method = 'charge_automatically', created_at = timestamp '2026-10-20'", "met"),
        ("update staging.stg_stripe__invoices set attempt_count = 1, status = 'open',"
         " next_payment_attempt_at = null, collection_method = 'charge_automatically',"
         " created_at = timestamp '2026-10-20'", "unmet"),
        ("update staging.stg_stripe__invoices set attempt_count = 2,"
         " created_at = timestamp '2025-05-20'", "not_applicable"),
    ],
)  # fmt: skip
def test_dunning_is_seen_on_what_failed_lately(facts: Any, sql: str, status: str) -> None:
    assert criterion(facts.document(sql), "Dunning configured")["status"] == status


@pytest.mark.parametrize(("checked", "status"), [(1, "met"), (0, "not_applicable")])
def test_prorations_are_accurate_only_where_one_was_billed(
    facts: Any, checked: int, status: str
) -> None:
    facts.controls = [of_control(facts, "prorations_accurate", "pass", checked)]
    document = facts.document()
    assert criterion(document, "Prorations accurate")["status"] == status
    counted = phase(document, "subscription_billing")["criteria_counted"]
    assert counted == (3 if status == "met" else 2)
    assert document["pci_compliance_status"]["applicable"] == checked


def test_a_phase_says_what_it_delivers_and_who_is_needed(facts: Any) -> None:
    facts.controls = [of_control(facts, key) for key in WEBHOOK_CONTROLS[:1]]
    document = facts.document(ARRIVE.format(at=f"{AS_OF} - interval 2 hour", arrived="true"))
    unmet = phase(document, "webhook_infrastructure")
    assert unmet["deliverable"] == {"name": "secure_webhook_endpoints", "complete": False}
    assert unmet["specialists_needed"] == ["payment", "api"]
    assert unmet["coordinates_with"] == ["data", "integration"]
    facts.controls = [of_control(facts, key) for key in WEBHOOK_CONTROLS]
    document = facts.document(ARRIVE.format(at=f"{AS_OF} - interval 2 hour", arrived="true"))
    done = phase(document, "webhook_infrastructure")
    assert (done["met"], done["specialists_needed"], done["coordinates_with"]) == (True, [], [])
    assert done["deliverable"]["complete"]


DELIVERED = (
    "insert into operations.webhook_delivery_daily (date, events, delivered, late, missing,"
    f" awaited) values ({DAY}, {{}})"
)


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ("100, 99, 0, 1, 0", "pass"),
        ("100, 98, 0, 2, 0", "fail"),
        ("100, 0, 0, 100, 0", "fail"),  # all missing is a failure, not an unknown
        ("100, 95, 5, 0, 0", "pass"),
        ("100, 94, 6, 0, 0", "fail"),
        ("100, 0, 100, 0, 0", "fail"),  # all late
        ("100, 90, 0, 0, 10", "pass"),  # ten are on their way
    ],
)
def test_webhooks_are_judged_by_share_and_lateness(facts: Any, counts: str, status: str) -> None:
    facts.controls = [of_control(facts, key) for key in WEBHOOK_CONTROLS]
    assert check(facts.document(DELIVERED.format(counts)), "webhook_reliability")["status"] == (
        status
    )


SAFE = (
    "update finance.early_fraud_warnings set amount_refunded = amount;"
    "delete from finance.card_testing_bursts;"
    "update finance.risk_programmes set is_exceeded = false;"
)
WARNED = (
    "update finance.early_fraud_warnings set amount_refunded = 0, dispute_id = null,"
    " is_actionable = true, warned_at = timestamp '2026-10-{}';"
)


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("", "pass"),
        ("update finance.payment_risk set risk_score = null", "fail"),
        ("update finance.payment_risk set outcome_type = null", "fail"),
        ("delete from finance.payment_risk", "not_evaluated"),
        (WARNED.format("29"), "pass"),
        (WARNED.format("27"), "fail"),
        ("insert into finance.card_testing_bursts (burst_id, currency, attempts, ended_at)"
         " values ('b', 'usd', 99999, timestamp '2026-10-31')", "fail"),
        ("insert into finance.card_testing_bursts (burst_id, currency, attempts, ended_at)"
         " values ('b', 'usd', 99999, timestamp '2026-10-24')", "pass"),
    ],
)  # fmt: skip
def test_fraud_detection_is_judged_by_what_it_needs(facts: Any, sql: str, status: str) -> None:
    facts.controls = [of_control(facts, "sca_share")]
    assert check(facts.document(SAFE + sql), "fraud_detection")["status"] == status


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("", "pass"),
        ("update finance.daily_revenue_by_flow set payments_failed = payments_succeeded"
         " where payment_flow = 'recurring'", "fail"),  # pooled, nobody would see it
        ("update finance.daily_revenue_by_flow set date = date - 45"
         " where payment_flow = 'recurring'", "fail"),  # in use, and not lately
        ("delete from finance.daily_revenue_by_flow where payment_flow = 'recurring'", "pass"),
    ],
)  # fmt: skip
def test_payments_are_judged_flow_by_flow(facts: Any, sql: str, status: str) -> None:
    facts.controls = [of_control(facts, "captured_charges_settle")]
    good = "update finance.daily_revenue_by_flow set payments_failed = 0;"
    assert check(facts.document(good + sql), "payment_flow")["status"] == status


@pytest.mark.parametrize(
    ("key", "status", "expected"),
    [
        ("penetration_test", "attested", "pass"),
        ("penetration_test", "not_evaluated", "not_evaluated"),
        ("working_keys", "fail", "pass"),  # its name has "key" in it, and it is of no security
    ],
)
def test_security_is_what_the_register_says(
    facts: Any, key: str, status: str, expected: str
) -> None:
    facts.controls = [of_control(facts, "tls_outbound"), of_control(facts, key, status)]
    assert check(facts.document(), "security_validation")["status"] == expected


def test_an_empty_table_is_no_deliverable(facts: Any) -> None:
    def of(document: dict[str, Any]) -> dict[str, Any]:
        (found,) = [
            d for d in document["deliverables_completed"] if d["deliverable"] == "finance.disputes"
        ]
        return dict(found)

    assert of(facts.document())["status"] == "complete"
    empty = of(facts.document("create or replace table finance.disputes as"
                              " select * from finance.disputes limit 0"))  # fmt: skip
    assert (empty["status"], empty["complete"]) == ("not_applicable", False)
    assert "empty" in empty["reason"]
    assert of(facts.document("drop table finance.disputes"))["status"] == "missing"


LEARNED = {
    "incident_id": "inc_1", "identifier": None, "section": None, "role": "payment",
    "pattern": "transaction_failures", "symptom": "declined_cards", "subject": "payments in usd",
    "detail": "", "strike": 1, "status": "resolved", "urgency": "low", "financial_impact": "0",
    "currency": "usd", "compliance_risk": "low", "opened_at": "2026-09-01T03:00:00",
    "learned": "declined-cards-1", "learned_new": 1, "recommendations": [],
    "attempted_solutions": [
        {"solution": "retryable_and_when", "status": "done", "detail": "", "helped": True},
        {"solution": "backup_route", "status": "not_applicable", "detail": "", "helped": None},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("resolved_at", "learned_new", "new"),
    [
        ("2026-10-02T00:00:01+00:00", 1, True),
        ("2026-10-02T00:00:00+00:00", 1, False),  # thirty days ago
        ("2026-10-31T00:00:00+00:00", 0, False),  # a person has read it
    ],
)
def test_a_runbook_is_new_until_it_is_read_or_old(
    facts: Any, resolved_at: str, learned_new: int, new: bool
) -> None:
    row = {**LEARNED, "resolved_at": resolved_at, "learned_new": learned_new}
    document = facts.document(incidents=[row])
    known = document["institutional_knowledge_captured"]
    assert known["new_runbooks"] == (["declined-cards-1"] if new else [])
    assert ("train" in document["orbt_status"]["also"]) is new
    assert known["solutions"] == [{"solution": "retryable_and_when", "tried": 1, "helped": 1}]


def test_a_control_that_passed_on_nothing_is_not_counted(facts: Any) -> None:
    facts.controls = [of_control(facts, "tls_outbound"), of_control(facts, "track_data", checked=0)]
    assert facts.document()["pci_compliance_status"]["statement"] == "1 of 1 controls evidenced"


def test_an_assignment_carries_the_controls_own_id(facts: Any) -> None:
    failed = of_control(facts, "prorations_accurate", "fail")
    facts.controls = [failed]
    tasks = [
        task for role in facts.document()["specialist_assignments"] for task in role["assignments"]
    ]
    assert failed["control_id"] in {task["identifier"] for task in tasks}
