"""Card testing, failures out of the ordinary and programmes foreseen become incidents."""

from __future__ import annotations

import json

import pytest
from escalate_night import Home

FRAUD = """
create table finance.card_testing_bursts (currency varchar, attempts bigint, cards bigint,
  succeeded bigint, amount_not_refunded decimal(24,3), started_at timestamp, ended_at timestamp);
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
    " ('usd', 45, 44, 2, 2.50, timestamp '{0} 12:00', timestamp '{0} 12:05')"
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
    watched.sql(
        "insert into finance.payment_risk select format('ch_{}', i), null, format('print_{}', i),"
        " timestamp '2026-10-30 12:00' + to_seconds(7 * i), '2026-10-30', 'usd', 1, 0, 'failed',"
        " 'suspected', 'card' from range(9) as t(i)"
    )
    (name,) = watched.night(0).opened
    incident = watched.incident(incident_id=name)
    assert (incident["subject"], incident["financial_impact"]) == ("card testing in usd", "2.50")
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


def test_an_old_burst_is_no_incident(watched: Home) -> None:
    watched.sql(BURST.format("2026-10-24"))
    assert watched.night(0).opened == ()


@pytest.mark.parametrize(("tested", "expected"), [(6, 1), (7, 0)])
def test_an_anomaly_that_card_testing_does_not_explain(
    watched: Home, tested: int, expected: int
) -> None:
    watched.failures("do_not_honor", 9, "12.34")
    watched.sql("alter table finance.payment_failures add column issuer varchar")
    watched.sql("alter table finance.payment_failures add column occurred_on date")
    watched.sql("update finance.payment_failures set issuer = 'O''Bank', occurred_on = occurred_at")
    watched.sql(
        "insert into finance.failure_rate_anomalies values"
        f" ('issuer', 'O''Bank', '2026-10-31', 40, 14, {tested}, 0.35, 4, 22.5, 15.137)"
    )
    assert len(watched.night(0).opened) == expected
    if expected:
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
