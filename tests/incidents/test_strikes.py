"""Each error pattern through strikes 1, 2 and 3 to its resolution, by published tables alone."""

from __future__ import annotations

import json
from decimal import Decimal

from escalate_night import Home, control

from heirpay_pipelines.incidents.document import escalation_document
from heirpay_pipelines.state import open_state


def test_transaction_failures_through_three_strikes_to_resolution(home: Home) -> None:
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "19.99")
    home.sql(
        "insert into staging.stg_stripe__payment_methods"
        " values ('pm_1', 'cus_1', 'used', 2030, 1), ('pm_2', 'cus_1', 'x', 2030, 1),"
        " ('pm_3', 'cus_1', null, null, null)"
    )

    first = home.night(0)
    assert (len(first.opened), first.escalated) == (1, ())
    incident = home.incident(symptom="insufficient_funds")
    assert (incident["strike"], incident["status"], incident["urgency"]) == (1, "open", "low")
    assert Decimal(incident["financial_impact"]) == Decimal("299.85")
    assert incident["currency"] == "usd"
    tried = home.attempts(incident["incident_id"])
    # The runbook for the symptom comes first, then the pattern's own first solutions.
    assert list(tried) == [
        "retryable_and_when",
        "customer_notification_list",
        "other_methods_on_file",
        "handling_by_decline_code",
    ]
    assert {status for status, _ in tried.values()} == {"done"}
    schedule = home.state(
        "select item from incident_worklists where solution = 'retryable_and_when'"
    )
    assert len(schedule) == 15
    assert json.loads(schedule[0]["item"])["amount"] == "19.990"
    assert json.loads(schedule[0]["item"])["retry_not_before"] == "2026-11-03 23:00:00"
    others = home.state(
        "select item from incident_worklists where solution = 'other_methods_on_file'"
    )
    assert {tuple(json.loads(row["item"])["payment_methods"]) for row in others} == {
        ("pm_2", "pm_3")
    }

    second = home.night(1)
    assert (second.struck, second.escalated) == (first.opened, ())
    assert home.incident(symptom="insufficient_funds")["strike"] == 2
    tried = home.attempts(incident["incident_id"])
    assert tried["retryable_and_when"] == ("done", 0)  # it failed again: it did not help
    assert {"backup_route", "manual_processing"} <= tried.keys()

    third = home.night(2)
    assert third.escalated == first.opened
    incident = home.incident(symptom="insufficient_funds")
    assert (incident["strike"], incident["status"], incident["urgency"]) == (3, "escalated", "high")

    home.sql("update finance.payment_failures set occurred_at = occurred_at - interval 30 day")
    fourth = home.night(3)
    assert fourth.resolved == first.opened
    assert fourth.unresolved == 0
    kinds = [r["kind"] for r in home.state("select kind from escalations order by created_at")]
    assert kinds == ["escalation", "resolution"]


def test_webhook_issues_are_replayed_and_resolved(home: Home) -> None:
    home.sql(
        "insert into operations.webhook_deliveries select format('evt_{}', i), 'charge.succeeded',"
        " timestamp '2026-10-31 12:00:00' + to_minutes(i), format('ch_{}', i),"
        " timestamp '2026-10-31 12:00:05' + to_minutes(i), 1, 'delivered' from range(100) t(i);"
        "update operations.webhook_deliveries set status = 'missing', received_at = null,"
        " deliveries = 0 where event_id in ('evt_5', 'evt_6');"
        "insert into staging.stg_stripe__events select event_id, created_at"
        " from operations.webhook_deliveries;"
        "insert into staging.stg_stripe__charges"
        " values ('ch_5', 1000, 'kwd'), ('ch_6', 2500, 'kwd')"
    )
    home.night(0)
    incident = home.incident(symptom="missing_notifications")
    assert (incident["financial_impact"], incident["currency"]) == ("3.500", "kwd")
    tried = home.attempts(incident["incident_id"])
    assert tried["replay"] == ("done", None)
    assert tried["idempotency_check"] == ("done", None)
    assert tried["endpoint_verification"] == ("not_applicable", None)
    replayed = home.state("select event_id, deliveries from webhook_deliveries order by event_id")
    assert replayed == [
        {"event_id": "evt_5", "deliveries": 0},
        {"event_id": "evt_6", "deliveries": 0},
    ]

    # The next build sees them as replayed, so the check passes.
    home.sql(
        "update operations.webhook_deliveries set status = 'replayed' where status = 'missing'"
    )
    outcome = home.night(1)
    assert outcome.resolved == (incident["incident_id"],)
    assert home.attempts(incident["incident_id"])["replay"] == ("done", 1)


def test_webhook_issues_reach_strike_three(home: Home) -> None:
    home.sql(
        "insert into operations.webhook_deliveries select format('evt_{}', i), 'charge.succeeded',"
        " timestamp '2026-10-31 12:00:00' + to_minutes(i), null,"
        " timestamp '2026-10-31 13:00:00' + to_minutes(i), 1, 'late' from range(20) t(i)"
    )
    home.environment = {"STRIPE_API_BASE": "http://127.0.0.1:9", "STRIPE_API_KEY": "rk_test_x"}
    for night in range(3):
        outcome = home.night(night)
    incident = home.incident(symptom="webhook_timeouts")
    assert outcome.escalated == (incident["incident_id"],)
    tried = home.attempts(incident["incident_id"])
    assert tried["poll_event_log"][0] == "failed"  # Stripe cannot be reached here
    assert tried["backup_notification"][0] == "done"
    notices = home.state("select * from outbox_messages where message_id like 'notice_%'")
    assert len(notices) == 1


def test_compliance_violations_contain_and_isolate(home: Home) -> None:
    leaked = home.path / "reports" / "leak.csv"
    leaked.parent.mkdir()
    leaked.write_text("4242 4242 4242 4242")
    found = control(
        "card_numbers_in_files", severity="blocking", evidence={"ids": ["reports/leak.csv"]}
    )
    outcome = home.night(0, [found], outcome="refused")
    incident = home.incident(symptom="data_exposure")
    assert outcome.escalated == (incident["incident_id"],)  # a breach does not wait for strike 3
    assert incident["trigger_name"] == "breach_detected"
    assert not leaked.exists()
    (kept,) = (home.path / "quarantine").iterdir()
    assert b"4242" not in kept.read_bytes()
    assert home.attempts(incident["incident_id"])["quarantine_data"] == ("done", None)
    (told,) = home.state("select document from escalations")
    document = json.loads(told["document"])
    assert document["regulatory_implications"][0] == {
        "clause": "GDPR Art. 33(1)",
        "notify": "the supervisory authority of the establishment",
        "deadline": "2026-11-04T00:00:00+00:00",
    }

    home.night(1, [found], outcome="refused")
    tried = home.attempts(incident["incident_id"])
    assert tried["isolate"][0] == "done"
    assert tried["name_consultant"][0] == "done"
    assert tried["regulator_form"][0] == "done"
    assert home.state("select name from switches") == [{"name": "isolation"}]

    outcome = home.night(2, [control("card_numbers_in_files", "pass")])
    assert outcome.resolved == (incident["incident_id"],)


def test_files_open_to_others_are_closed_and_it_is_learned(home: Home) -> None:
    (home.path / "reports").mkdir(mode=0o755)
    home.path.joinpath("reports").chmod(0o755)
    home.night(0)
    incident = home.incident(symptom="unauthorised_access")
    assert home.path.joinpath("reports").stat().st_mode & 0o077 == 0
    outcome = home.night(1)
    assert outcome.resolved == (incident["incident_id"],)
    (book,) = (home.path / "runbooks").iterdir()
    assert "proven: 1" in book.read_text()
    assert incident["incident_id"] in book.read_text()


def test_the_document_has_its_nine_fields(home: Home) -> None:
    home.attempts_made(100)
    home.failures("card_declined", 50, "1000")
    home.night(0)
    with open_state(home.settings.state_file) as state:
        (incident,) = state.rows("select * from incidents")
        document = escalation_document(state, incident, [])
    assert list(document) == [
        "domain",
        "issue_type",
        "financial_impact",
        "compliance_risk",
        "attempted_solutions",
        "specialist_recommendations",
        "regulatory_implications",
        "immediate_actions_required",
        "urgency_level",
    ]
    assert document["financial_impact"]["amount"] == "50000.00"
    assert document["issue_type"]["trigger"] == "failure_rate_critical"
    assert document["urgency_level"] == "critical"
    assert {a["solution"] for a in document["attempted_solutions"]} >= {"retryable_and_when"}
