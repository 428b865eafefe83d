"""One as-of date is one strike, and one fault is one incident with one amount."""

from __future__ import annotations

import json
from decimal import Decimal

from escalate_night import Home, control


def test_one_date_is_one_strike_however_many_runs_it_has(home: Home) -> None:
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "10")
    first = home.night(0)
    for part in (0.1, 0.4, 0.9):  # runs of the same date
        again = home.night(part)
        assert (again.opened, again.struck, again.resolved) == ((), (), ())
    incident = home.incident(symptom="insufficient_funds")
    assert (incident["strike"], incident["last_seen_at"][:13]) == (1, "2026-11-01T21")
    assert home.night(1.1).struck == first.opened
    assert home.night(1.2).struck == ()
    home.failures("insufficient_funds", 5, "10", "eur")  # what is seen is brought up to date
    home.sql("update finance.payment_failures set currency = 'usd', charge_id = charge_id || 'x'"
             " where currency = 'eur'")  # fmt: skip
    home.night(1.3)
    incident = home.incident(symptom="insufficient_funds")
    assert (incident["strike"], Decimal(incident["financial_impact"])) == (2, 200)


def test_the_date_is_that_of_the_reporting_time_zone(home: Home) -> None:
    home.environment = {"HEIRPAY_TIMEZONE": "America/New_York"}
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "10")
    home.night(0.5)  # 1 November, 7 in the morning
    assert home.night(1.1).struck == ()  # 1 November, 9 in the evening
    assert len(home.night(1.5).struck) == 1


def broken(home: Home) -> None:
    home.sql(
        "insert into finance.reconciliation_breaks select 'brk_' || i, 'payout_failed', 'high',"
        " 'usd', 100, 'po_' || i, null, date '2026-10-30', 'failed', 'Correct it'"
        " from range(30) t(i);"
        "insert into staging.stg_stripe__charges values ('ch_other', 700, 'usd')"
    )


def test_a_failed_rule_and_the_breaks_that_it_is_about_are_one_incident(home: Home) -> None:
    """The rule names twenty of the thirty rows: the money is that of all thirty, once."""
    broken(home)
    ids = [f"po_{n}" for n in range(20)]
    returned = control("payouts_failed", severity="blocking", violations=30, evidence={"ids": ids})
    opened = control("no_open_breaks", violations=30, evidence={"ids": ["brk_1", "brk_2"]})
    outcome = home.night(0, [returned, opened])
    assert len(outcome.opened) == 1
    (incident,) = home.state("select * from incidents")
    assert (incident["financial_impact"], incident["currency"]) == ("3000.00", "usd")
    assert incident["compliance_risk"] == "high"
    named = json.loads(incident["evidence"])["controls"]
    assert named == ["no_open_breaks", "payouts_failed"]
    outcome = home.night(1, [{**returned, "status": "pass"}, {**opened, "status": "pass"}])
    assert outcome.struck == (incident["incident_id"],)  # the breaks are still there


def test_what_of_a_rule_no_break_tells_stays_an_incident_with_its_own_money(home: Home) -> None:
    broken(home)
    for name in ("refunds", "payouts", "disputes"):
        home.sql(
            f"create table staging.stg_stripe__{name} (id varchar, amount bigint, currency varchar)"
        )
    home.sql(
        "create table staging.stg_stripe__invoices (id varchar, total bigint, currency varchar);"
        "create table staging.stg_stripe__balance_transactions"
        " (id varchar, net bigint, currency varchar);"
        "insert into staging.stg_stripe__payouts values ('po_1', 10000, 'usd')"
    )
    mixed = control("some_rule", evidence={"ids": ["po_1", "ch_other with a remark"]})
    alone = control("other_rule", evidence={"ids": ["ch_other"]})
    home.night(0, [mixed, alone])
    rows = home.state("select subject, financial_impact from incidents order by subject")
    assert [(row["subject"], Decimal(row["financial_impact"])) for row in rows] == [
        ("control other_rule", 7),
        ("control some_rule", 7),
        ("payout_failed in usd", 3000),
    ]


def test_the_money_of_a_rule_is_that_of_all_its_rows(home: Home) -> None:
    """Its evidence names the first twenty; thirty are wrong, ten of them open breaks."""
    home.sql(
        "insert into staging.stg_stripe__charges"
        " select 'ch_' || i, 1000, 'usd' from range(50) t(i);"
        "alter table staging.stg_stripe__charges add column amount_captured bigint;"
        "alter table staging.stg_stripe__charges add column amount_refunded bigint;"
        "update staging.stg_stripe__charges set amount_captured = 2000 where amount = 1000"
        " and cast(split_part(id, '_', 2) as integer) < 30"
    )
    for name in ("refunds", "payouts", "disputes"):
        home.sql(
            f"create table staging.stg_stripe__{name} (id varchar, amount bigint, currency varchar)"
        )
    home.sql(
        "create table staging.stg_stripe__invoices (id varchar, total bigint, currency varchar);"
        "create table staging.stg_stripe__balance_transactions"
        " (id varchar, amount bigint, net bigint, currency varchar)"
    )
    ids = [f"ch_{n}" for n in range(20)]
    wrong = control("amounts_valid", violations=30, evidence={"ids": ids})
    home.night(0, [wrong])
    (incident,) = home.state("select * from incidents")
    assert Decimal(incident["financial_impact"]) == 300
    assert len(json.loads(incident["evidence"])["ids"]) == 20
    home.sql(
        "insert into finance.reconciliation_breaks select 'brk_' || i, 'charge_amount_mismatch',"
        " 'high', 'usd', 10, 'ch_' || i, null, date '2026-10-30', 'differs', 'Correct it'"
        " from range(20, 30) t(i)"
    )
    home.night(1, [wrong])
    rows = home.state("select subject, detail, financial_impact from incidents order by subject")
    assert [Decimal(row["financial_impact"]) for row in rows] == [100, 200]
    assert "10 of them are open breaks" in rows[1]["detail"]


def test_a_payment_is_at_risk_once_whatever_its_attempts(home: Home) -> None:
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "10")
    home.failures("do_not_honor", 15, "10")
    # All are attempts at the same fifteen payments; the last of each was declined.
    home.sql(
        "update finance.payment_failures set payment_intent_id = 'pi_' || split_part(charge_id,"
        " '_', -1), occurred_at = occurred_at - case when decline_code = 'do_not_honor'"
        " then interval 1 minute else interval 1 hour end"
    )
    home.night(0)
    rows = home.state("select symptom, financial_impact from incidents")
    sums = {row["symptom"]: Decimal(row["financial_impact"]) for row in rows}
    assert sums == {"insufficient_funds": 0, "declined_cards": 150}
