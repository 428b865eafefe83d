"""What an incident says is so: its endpoint, its end, its duties, its id, its control's silence."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from escalate_night import FIRST, Home, control

from heirpay_pipelines.cli import cli
from heirpay_pipelines.incidents.by_hand import acknowledge
from heirpay_pipelines.state import open_state


def write(home: Home, sql: str) -> None:
    with open_state(home.settings.state_file) as state, state.transaction() as connection:
        connection.execute(sql)


def refused(home: Home, requests: int, reason: str = "signature_wrong") -> None:
    write(
        home,
        f"insert into webhook_refusals values ('2026-10-31T10', '{reason}', {requests},"
        " '2026-10-31T10:01:00.000+00:00', '2026-10-31T10:59:00.000+00:00')",
    )


def received(home: Home, at: str) -> None:
    write(
        home,
        "insert into webhook_deliveries (event_id, type, livemode, created, received_at,"
        f" last_received_at, deliveries, form) values ('evt_1', 'x.y', 0, 1, '{at}', '{at}', 1,"
        " 'snapshot')",
    )


def test_a_wrong_secret_is_an_incident_with_counts_and_times(home: Home) -> None:
    refused(home, 1)
    (name,) = home.night(0).opened
    incident = home.incident(incident_id=name)
    assert (incident["symptom"], incident["trigger_name"]) == ("webhook_failures", "endpoint_down")
    for part in ("1 webhook requests", "2026-10-31 10:01", "2026-10-31 10:59", "none was accepted"):
        assert part in incident["detail"], part
    assert home.night(8).resolved == (name,)  # a week later nothing of it is in the window


@pytest.mark.parametrize(("requests", "opened"), [(9, 0), (10, 1)])
def test_a_few_wrong_signatures_among_good_ones_are_none(
    home: Home, requests: int, opened: int
) -> None:
    refused(home, requests)
    received(home, "2026-10-31T10:30:00.000+00:00")
    assert len(home.night(0).opened) == opened


def test_strangers_without_a_signature_open_nothing(home: Home) -> None:
    refused(home, 10_000, "signature_missing")
    assert home.night(0).opened == ()


@pytest.mark.parametrize(("events", "opened"), [(9, 0), (10, 1)])
def test_an_endpoint_that_never_received(home: Home, events: int, opened: int) -> None:
    home.sql(
        "insert into staging.stg_stripe__events select format('evt_{}', i),"
        f" timestamp '2026-10-30 12:00' + to_minutes(i) from range({events}) t(i)"
    )
    assert home.night(0).opened == ()  # none was ever started
    write(home, "insert into webhook_endpoint values (1, 'http://x', '2026-10-30T00:00:00+00:00')")
    assert len(home.night(1).opened) == opened
    if opened:
        incident = home.incident(symptom="webhook_failures")
        assert "not one of 10 events" in incident["detail"]
        received(home, "2026-11-02T01:00:00.000+00:00")
        assert home.night(2).resolved == (incident["incident_id"],)


def test_an_incident_of_a_currency_nobody_pays_in_any_more_resolves(home: Home) -> None:
    home.attempts_made(100, "eur")
    home.failures("do_not_honor", 15, "10", "eur")
    (name,) = home.night(0).opened
    home.sql("delete from finance.payment_method_daily")  # the window has no attempt in it
    assert home.night(8).resolved == (name,)


@pytest.mark.parametrize(("days", "resolved"), [(6, False), (7, True)])
def test_few_attempts_resolve_when_the_window_is_over(
    home: Home, days: int, resolved: bool
) -> None:
    home.attempts_made(100)
    home.failures("do_not_honor", 15, "10")
    (name,) = home.night(0).opened
    home.sql(
        f"update finance.payment_method_daily set attempts = 5, date = date + {days};"
        f"update finance.payment_failures set occurred_at = occurred_at + interval {days} day"
    )
    home.sql("delete from finance.payment_failures where charge_id not like '%_3'")
    assert (home.night(days).resolved == (name,)) is resolved


DUTIES = {
    "card_numbers_in_payloads": (
        "PCI DSS 4.0.1 3.5.1",
        [("the acquirer", 24), ("the card brands", 24), ("the supervisory authority", 72)],
    ),
    "personal_data_in_files": ("GDPR article 32", [("the data protection officer", None)]),
    "secrets_in_files": ("PCI DSS 4.0.1 8.6.2", [("the supervisory authority", 72)]),
    "erasures_done": ("GDPR article 17(1)", [("the person who asked", 720)]),
    "file_modes": ("PCI DSS 4.0.1 7.2.1", [("the Qualified Security Assessor", None)]),
    "run_recorded": ("SOX 404, change and operation records", [("the audit committee", None)]),
    "vat_rate_of_consumers": ("VAT Directive article 58", [("the tax authority", None)]),
    "sca_share": ("PSD2 article 97, Regulation (EU) 2018/389", [("the acquirer", None)]),
    "invoice_totals": ("METRICS 7", []),
}


@pytest.mark.parametrize("key", DUTIES)
def test_each_clause_has_its_addressee_and_its_clock(home: Home, key: str) -> None:
    clause, expected = DUTIES[key]
    failing = [control(key, requirement=clause)]
    for night in range(3):
        home.night(night, failing)
    found = home.state("select document from escalations order by created_at desc")
    told = json.loads(found[0]["document"])["regulatory_implications"]
    assert len(told) == len(expected)
    for duty, (notify, hours) in zip(told, expected, strict=True):
        assert duty["notify"].startswith(notify)
        due = duty["deadline"]
        assert due == (hours and (FIRST + timedelta(hours=hours)).isoformat())
    if key == "card_numbers_in_payloads":
        told_of = json.loads(found[0]["document"])["immediate_actions_required"]
        assert any("Tell the acquirer by 2026-11-02 00:00 UTC" in action for action in told_of)


def test_a_duty_counts_from_the_day_it_is_in_force() -> None:
    from heirpay_pipelines.incidents.regulations import duties_of

    incident = {
        "evidence": json.dumps({"clause": "PCI DSS 4.0.1 3.5.1"}), "symptom": "data_exposure",
        "opened_at": "2018-05-24T12:00:00+00:00",
    }  # fmt: skip
    assert duties_of(incident) == []
    incident["opened_at"] = "2018-05-25T12:00:00+00:00"
    assert [duty.clause for duty in duties_of(incident)] == ["GDPR Art. 33(1)"]


def test_an_incident_of_a_control_carries_its_id_and_its_section(home: Home) -> None:
    home.night(0, [control("prorations_accurate"), control("restricted_key")])
    billing = home.incident(subject="control prorations_accurate")
    assert billing["section"] == "payment.billing.subscriptions"
    assert billing["identifier"] == "PAYMENT.HEIRPAY.PRORATIONS_ACCURATE.STRIPE.20000.018"
    key = home.incident(subject="control restricted_key")
    assert key["section"] == "payment.compliance.pci"
    assert key["identifier"] == "PAYMENT.HEIRPAY.RESTRICTED_KEY.STRIPE.20000.071"


def without_verdict(home: Home, key: str, since: datetime) -> dict[str, object]:
    result = control(key, "not_evaluated", evidence={"reason": "no data"})
    write(
        home,
        "insert into control_results (run_id, control_id, framework, requirement, title, severity,"
        " status, checked, violations, evidence, checked_at) values ('r',"
        f" '{result['control_id']}',"
        f" 'x', 'y', 'z', 'warning', 'not_evaluated', null, null, '{{}}', '{since.isoformat()}')",
    )
    return result


@pytest.mark.parametrize(("days", "opened"), [(29, 0), (30, 1)])
def test_a_control_that_nobody_evaluates_opens_an_incident(
    home: Home, days: int, opened: int
) -> None:
    result = without_verdict(home, "known_vulnerabilities", FIRST - timedelta(days=days))
    assert len(home.night(0, [result]).opened) == opened
    if opened:
        incident = home.incident(symptom="failed_control")
        assert "without a verdict since 2026-10-02 (no data)" in incident["detail"]
        assert len(home.night(1, [control("known_vulnerabilities", "pass")]).resolved) == 1


@pytest.mark.parametrize(("valid", "opened"), [(10, 0), (9, 1)])
def test_an_attestation_opens_one_when_it_has_ended(home: Home, valid: int, opened: int) -> None:
    from heirpay_pipelines.controls.attestations import attest

    with open_state(home.settings.state_file) as state:
        attest(state, "penetration_test", "Ada", "ada", "done", None,
               FIRST - timedelta(days=9, hours=1), valid)  # fmt: skip
    result = control("penetration_test", "not_evaluated", evidence={"reason": "it expired"})
    assert len(home.night(0, [result]).opened) == opened


def test_an_acknowledgement_and_its_record_are_one_transaction(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = home.night(0, [control("track_data")]).opened

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    with open_state(home.settings.state_file) as state:
        monkeypatch.setattr("heirpay_pipelines.incidents.by_hand.append", broken)
        with pytest.raises(RuntimeError):
            acknowledge(state, name, "ada", "", FIRST)
    assert home.incident(incident_id=name)["status"] == "escalated"


def test_a_stranger_understands_the_message(home: Home) -> None:
    home.environment = {"HEIRPAY_PUBLIC_URL": "https://finance.example"}
    home.night(0, [control("card_numbers_in_payloads", requirement="PCI DSS 4.0.1 3.5.1",
                           what_to_do="Remove the number in Stripe.")])  # fmt: skip
    (message,) = home.state("select * from outbox_messages")
    for part in (
        "What happened: this check failed: A control: 2 at fault of 10 checked",
        "Money concerned: none",
        "What to do (owner of the platform): Remove the number in Stripe.",
        "Tell the acquirer by 2026-11-02 00:00 UTC (PCI DSS 4.0.1 12.10.1)",
        "By when: 2026-11-02 00:00 UTC",
        "https://finance.example/heirpay/reports/2026-11-01/report.html",
        "Tried already: ",
    ):
        assert part in message["body"], part
    for word in ("breach_detected", "strike", "quarantine_data", "select *"):
        assert word not in message["body"], word


def test_a_new_runbook_is_read_once(home: Home) -> None:
    environment = {"HEIRPAY_HOME": str(home.path)}
    (home.path / "reports").mkdir()
    home.night(0, [control("one")])
    name = home.incident(subject="control one")["incident_id"]
    runner = CliRunner()
    done = ["incidents", "resolve", name, "--note", "x", "--worked", "Ask the bank"]
    assert runner.invoke(cli, done, env=environment).exit_code == 0
    learned = home.incident(incident_id=name)["learned"]
    assert learned in runner.invoke(cli, ["incidents", "runbooks"], env=environment).output
    read = runner.invoke(cli, ["incidents", "runbooks", "--read", learned], env=environment)
    assert "No runbook is new" in read.output
    (logged,) = home.state("select * from audit_log where action = 'runbook_read'")
    assert logged["subject"] == learned
    again = runner.invoke(cli, ["incidents", "runbooks", "--read", learned], env=environment)
    assert again.exit_code == 1


def test_no_two_checks_share_an_id_and_a_break_is_no_matter_of_the_gateway(home: Home) -> None:
    home.sql(
        "insert into finance.reconciliation_breaks values"
        " ('b1', 'payout_mismatch', 'high', 'usd', 1.5, 'po_1', null, '2026-10-30', 'x', 'Ask.');"
        "insert into finance.disputes values"
        " ('du_1', 'usd', 10, 'open', false, timestamp '2026-11-02');"
        "insert into finance.risk_programmes values"
        " ('2026-11-01', 'VAMP', 'visa', 9, 9, 0.02, 0.01, 10, 9, true, true)"
    )
    home.night(0, outcome="failed")
    found = {r["subject"]: r for r in home.state("select * from incidents")}
    assert len({row["identifier"] for row in found.values()}) == len(found) == 4
    assert found["nightly run"]["identifier"] == "PAYMENT.HEIRPAY.NIGHTLY_RUN.DAGSTER.20000.026"
    assert found["payout_mismatch in usd"]["section"] == "payment.general.operation"
    assert found["Visa VAMP"]["section"] == "payment.security.fraud"
