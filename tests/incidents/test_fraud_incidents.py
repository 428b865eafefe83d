"""Card testing, failures out of the ordinary and programmes foreseen become incidents."""

from __future__ import annotations

import json
import shutil

import duckdb
import pytest
from escalate_night import FIRST, Home

from heirpay_pipelines.incidents import RunFacts, process

FRAUD = """
create table finance.failure_rate_anomalies (dimension varchar, value varchar, date date,
  attempts bigint, failures bigint, card_testing_failures bigint, failure_rate decimal(18,6),
  expected_failures decimal(18,6), chi_square decimal(24,3), chi_square_limit decimal(24,3));
create table finance.risk_forecast (programme varchar, network varchar, month date,
  cases_in_28_days bigint, crosses_on date, days_left bigint);
create table operations.run_history as
  select 'run' as run_id, timestamp '2026-11-01' as as_of, true as is_published;
create table finance.payment_risk (charge_id varchar, customer_id varchar,
  payment_method_fingerprint varchar, occurred_at timestamp, occurred_on date, currency varchar,
  amount decimal(24,3), amount_kept decimal(24,3), status varchar, fraud_label varchar,
  payment_method_type varchar);
"""
BURST = (
    "insert into finance.card_testing_bursts values"
    " ('usd', 45, 44, 2, 2.50, timestamp '{0} 12:00', timestamp '{0} 12:05', date '{0}')"
)

TESTED = (
    "insert into finance.payment_risk select format('ch_{}', i), null, format('print_{}', i),"
    " timestamp '2026-10-30 12:00' + to_seconds(7 * i), '2026-10-30', 'usd', 1, 0, 'failed',"
    " 'suspected', 'card' from range(9) as t(i)"
)


@pytest.fixture
def watched(home: Home) -> Home:
    home.sql(FRAUD)
    home.sql("alter table finance.disputes add column charge_id varchar")
    home.sql("alter table finance.disputes add column settlement_currency varchar")
    home.sql("alter table finance.disputes add column dispute_fees decimal(24,3)")
    return home


def test_card_testing_proposes_a_block_list_and_blocks_nothing(watched: Home) -> None:
    watched.sql(BURST.format("2026-10-30"))
    watched.sql(TESTED)
    (name,) = watched.night(0).opened
    incident = watched.incident(incident_id=name)
    assert (incident["subject"], incident["financial_impact"]) == ("card testing", "2.50")
    assert "44 cards in 45 attempts" in incident["detail"]
    assert watched.attempts(name)["handling_by_decline_code"] == ("done", None)
    (proposal,) = watched.state("select * from risk_proposals")
    assert (proposal["author"], proposal["status"]) == ("escalate", "proposed")
    values = watched.state("select value, state from risk_proposal_items order by value")
    # The rule fires at the eighth card: that one and the ninth.
    assert [tuple(row.values()) for row in values] == [
        ("print_7", "waiting"),
        ("print_8", "waiting"),
    ]
    assert watched.night(7).resolved == (name,)


def test_the_night_that_finds_a_burst_proposes_before_it_publishes(watched: Home) -> None:
    """The burst is in the build alone; what was published before knows nothing of it."""
    build = watched.path / "build.duckdb"
    shutil.copy2(watched.warehouse, build)
    build.chmod(0o600)
    with duckdb.connect(build) as connection:
        connection.execute(BURST.format("2026-10-30"))
        connection.execute(TESTED)
    facts = RunFacts("run_0", FIRST, "published")
    (name,) = process(watched.settings, facts, [], build).opened
    assert watched.attempts(name)["handling_by_decline_code"][0] == "done"
    (proposal,) = watched.state("select * from risk_proposals")
    assert proposal["status"] == "proposed"


def test_a_burst_is_one_incident_and_nothing_of_it_may_be_retried(watched: Home) -> None:
    """45 attempts of a burst in two currencies: no rate, no money, no list counts them."""
    watched.attempts_made(100)
    watched.failures("card_declined", 45, "1.00")
    watched.sql("update finance.payment_failures set is_card_testing = true, is_known_code = false")
    watched.sql(BURST.format("2026-10-30"))
    watched.sql(BURST.format("2026-10-31").replace("'usd', 45", "'eur', 20"))
    outcome = watched.night(0)
    (name,) = outcome.opened
    incident = watched.incident(incident_id=name)
    assert (incident["symptom"], incident["section"]) == ("card_testing", "payment.security.fraud")
    assert incident["identifier"] == "PAYMENT.HEIRPAY.FRAUD_PREVENTION.DUCKDB.20000.013"
    assert "65 attempts" in incident["detail"]
    assert "2.50 EUR, 2.50 USD is not refunded" in incident["detail"]
    assert "None of these payments may be retried" in incident["detail"]
    assert watched.attempts(name)["retryable_and_when"][0] == "not_applicable"
    # 11 honest failures among the 55 attempts that are left: the burst hides none of them.
    watched.failures("do_not_honor", 11, "5")
    assert len(watched.night(1).opened) == 1
    honest = watched.incident(symptom="declined_cards")
    assert "11 of 55 attempts" in honest["detail"]
    assert honest["financial_impact"] == "55.00"


def test_an_old_burst_is_no_incident(watched: Home) -> None:
    watched.sql(BURST.format("2026-10-24"))
    assert watched.night(0).opened == ()


def test_an_anomaly_has_the_money_of_its_payments_but_not_of_card_testing(watched: Home) -> None:
    watched.failures("do_not_honor", 9, "12.34")
    watched.failures("card_declined", 5, "1.00")
    watched.sql(
        "update finance.payment_failures set is_card_testing = true"
        " where decline_code = 'card_declined'"
    )
    watched.sql("alter table finance.payment_failures add column issuer varchar")
    watched.sql("alter table finance.payment_failures add column occurred_on date")
    watched.sql("update finance.payment_failures set issuer = 'O''Bank', occurred_on = occurred_at")
    watched.sql(
        "insert into finance.failure_rate_anomalies values"
        " ('issuer', 'O''Bank', '2026-10-31', 40, 14, 5, 0.35, 4, 22.5, 15.137)"
    )
    assert len(watched.night(0).opened) == 1
    incident = watched.incident(symptom="declined_cards")
    assert incident["subject"] == "failures of issuer O'Bank"
    assert (incident["financial_impact"], incident["currency"]) == ("111.06", "usd")
    assert "14 of 40 payments failed" in incident["detail"]
    watched.sql("delete from finance.failure_rate_anomalies")
    assert len(watched.night(1).resolved) == 1


def test_a_programme_foreseen_for_next_month(watched: Home) -> None:
    watched.sql(
        "insert into finance.risk_forecast values"
        " ('ECM', 'mastercard', '2026-11-01', 98, '2026-12-29', 58),"
        " ('HECM', 'mastercard', '2026-11-01', 98, null, null)"
    )
    (name,) = watched.night(0).opened
    incident = watched.incident(incident_id=name)
    assert incident["subject"] == "Mastercard ECM forecast"
    assert "crossed on 2026-12-29, in 58 days" in incident["detail"]
    assert json.loads(incident["evidence"])["clause"] == "Mastercard ECM"
    watched.sql("update finance.risk_forecast set crosses_on = null")
    assert watched.night(1).resolved == (name,)
