"""Handoffs are made of what really is: metrics, keys, parties."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr

from heirpay_pipelines.receive.metrics import Metrics
from heirpay_pipelines.report.handoff import Handoff
from heirpay_pipelines.report.handoffs import handoff_files


def files(facts: Any, sql: str = "", **run: Any) -> dict[str, Handoff]:
    with facts.context(sql, **run) as context:
        return {handoff.name: handoff for handoff in handoff_files(context)}


def test_every_metric_named_is_one_that_the_endpoint_gives(facts: Any) -> None:
    found = files(facts)
    metrics = Metrics()
    metrics.answers.labels("stored").inc()  # a counter without a label's value shows no sample
    emitted = metrics.render().decode()
    rules = found["prometheus-rules.yaml"].content["groups"][0]["rules"]
    panels = found["grafana-dashboard.json"].content["panels"]
    asked = [rule["expr"] for rule in rules] + [p["targets"][0]["expr"] for p in panels]
    names = {name for expression in asked for name in re.findall(r"heirpay_\w+", expression)}
    assert len(names) >= 7
    for name in names:
        assert re.search(rf"^{name}(\{{| )", emitted, re.MULTILINE), name
    for metric in found["monitoring.json"].content["endpoint"]["metrics"]:
        assert metric["name"] in emitted


def test_the_nights_figures_are_met_or_not(facts: Any) -> None:
    def of(sql: str) -> dict[str, Any]:
        nightly = files(facts, sql)["monitoring.json"].content["nightly"]
        return {each["metric"]: each["met"] for each in nightly}

    late = "update operations.run_history set as_of = as_of - interval {} hour"
    assert of(late.format(26))["run_age_hours"] is True
    assert of(late.format(27))["run_age_hours"] is False
    right = "update finance.payout_reconciliation set status = 'reconciled'"
    wrong = f"{right}; update finance.payout_reconciliation set status = 'unreconciled'"
    assert of(right)["unreconciled_payouts"] is True
    assert of(wrong)["unreconciled_payouts"] is False
    assert of("")["webhook_lag_seconds_p95"] is None  # nothing arrived: nobody knows


def test_the_data_contract_has_keys_nulls_and_personal_data(facts: Any) -> None:
    contract = files(facts)["data-contract.json"].content
    assert (contract["apiVersion"], contract["kind"]) == ("v3.0.2", "DataContract")
    tables = {table["name"]: table for table in contract["schema"]}
    columns = {c["name"]: c for c in tables["finance.payment_failures"]["properties"]}
    assert columns["charge_id"]["primaryKey"] is True
    assert columns["charge_id"]["required"] is True
    assert columns["recovered_at"]["required"] is False
    assert columns["issuer"]["classification"] == "payment_instrument"
    assert columns["amount"]["logicalType"] == "number"
    assert columns["currency"]["classification"] == "none"


@pytest.mark.parametrize(
    ("key", "said"),
    [("rk_live_x", "restricted API key"), ("sk_live_x", "secret API key, which can do everything")],
)
def test_the_connection_says_what_the_key_is(facts: Any, key: str, said: str) -> None:
    facts.settings = facts.settings.model_copy(update={"stripe_api_key": SecretStr(key)})
    stripe = files(facts)["connections.json"].content["connections"][0]
    assert stripe["authentication"] == said
    assert all(endpoint.startswith("/v") for endpoint in stripe["endpoints"])


@pytest.mark.parametrize(
    ("status", "may_write", "secure"),
    [("pass", "no", True), ("fail", "yes", False), ("not_evaluated", "yes", False)],
)
def test_a_connection_is_secure_by_the_keys_probe(
    facts: Any, status: str, may_write: str, secure: bool
) -> None:
    row = {**facts.controls[0], "key": "restricted_key", "status": status, "checked": 1}
    facts.controls = [row]
    found = files(facts)["connections.json"]
    assert found.content["connections"][0]["may_write"] == may_write
    assert dict(found.criteria)["third_party_connections_secure"] is secure


def test_the_bank_is_a_party_when_its_files_were_read_and_else_not(facts: Any) -> None:
    """Stripe's reports, and what else is no endpoint of the API, are no files of a bank."""
    parties = files(facts)["connections.json"].content["connections"]
    (bank,) = (party for party in parties if party["party"].startswith("bank"))
    assert bank["sources"]
    assert all(source.startswith("bank/") for source in bank["sources"])
    assert not any(endpoint.startswith("bank/") for endpoint in parties[0]["endpoints"])
    without = files(facts, "delete from operations.coverage where mode = 'bank'")
    parties = without["connections.json"].content["connections"]
    assert not any(party["party"].startswith("bank") for party in parties)


@pytest.mark.parametrize("on", [True, False])
def test_schedules_are_those_of_the_run_and_on_or_off(facts: Any, on: bool) -> None:
    nightly = {"job": "nightly", "cron": "0 3 * * *", "when": "Every night at 03:00", "on": on}
    found = files(facts, schedules=[nightly])["deployment.json"]
    assert found.content["schedules"] == [nightly]
    assert dict(found.criteria)["the nightly schedule is on"] is on
    assert dict(files(facts)["deployment.json"].criteria)["the nightly schedule is on"] is False


@pytest.mark.parametrize(("status", "met"), [("pass", True), ("fail", False), (None, False)])
def test_requirements_of_card_data_are_met_by_the_controls_of_it(
    facts: Any, status: str | None, met: bool
) -> None:
    """Without a control that was evaluated nobody can say so."""
    of_cards = [row for row in facts.controls if row["key"].startswith("card_numbers_")]
    assert of_cards
    facts.controls = [
        {**row, "status": status or "not_evaluated", "checked": 1} for row in of_cards
    ]
    criteria = dict(files(facts)["data-contract.json"].criteria)
    assert criteria["PCI_data_requirements_met"] is met


def test_what_finds_fraud_has_when_it_was_last_seen(facts: Any) -> None:
    def of(sql: str) -> dict[str, Any]:
        content = files(facts, sql)["fraud-detection-integrations.json"].content
        return {each["finds"]: each for each in content["integrations"]}

    assert of("")["radar_scores"]["last_seen"].startswith("2026-10-31")
    blind = of("update finance.payment_risk set risk_score = null")["radar_scores"]
    assert (blind["seen"], blind["last_seen"]) == (False, None)


@pytest.mark.parametrize(
    ("support", "calm", "sql"),
    [
        ("transaction_data_monitoring", True, "delete from finance.reconciliation_breaks"),
        ("transaction_data_monitoring", False, "select 1"),
        ("fraud_system_coordination", True,
         "update staging.stg_stripe__reviews set is_open = false;"
         "update finance.early_fraud_warnings set amount_refunded = amount"),
        ("fraud_system_coordination", False,
         "update staging.stg_stripe__reviews set is_open = true"),
        ("payment_system_health_monitoring", True, "select 1"),
        ("payment_system_health_monitoring", False,
         "update operations.run_history set is_published = false"),
        ("payment_integration_monitoring", False, "delete from operations.webhook_delivery_daily"),
        ("payment_integration_monitoring", True,
         "insert into operations.webhook_delivery_daily (date, events, delivered, late, missing)"
         " values (date '2026-10-31', 9, 9, 0, 0)"),
    ],
)  # fmt: skip
def test_ongoing_support_follows_the_data(facts: Any, support: str, calm: bool, sql: str) -> None:
    found = {each["support"]: each for each in facts.document(sql)["ongoing_support"]}
    assert len(found) == 6
    assert found[support]["calm"] is calm


@pytest.mark.parametrize(
    ("status", "calm"), [("pass", True), ("not_evaluated", False), ("fail", False)]
)
def test_controls_are_watched_for_the_platform_and_the_data(
    facts: Any, status: str, calm: bool
) -> None:
    facts.controls = [{**facts.controls[0], "framework": "finance", "status": status, "checked": 1}]
    found = {each["support"]: each["calm"] for each in facts.document()["ongoing_support"]}
    assert found["compliance_monitoring"] is calm
    assert found["financial_data_validation"] is calm


def test_unmet_webhook_criteria_are_the_api_specialists(facts: Any) -> None:
    roles = {r["role"]: r for r in facts.document()["specialist_assignments"]}
    tasks = [task["context"] for task in roles["api"]["assignments"]]
    assert any(context.startswith("Webhook infrastructure, receiving") for context in tasks)
    assert "secure_webhook_endpoints" in roles["api"]["deliverables"]
    assert roles["api"]["assignment_context"][0].isdigit()
