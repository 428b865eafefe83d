"""Each of the seven triggers escalates at once, one step below it does not; and money is exact."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from escalate_night import FIRST, Home, control

from heirpay_pipelines.audit import append
from heirpay_pipelines.incidents.by_hand import close_inquiry, open_inquiry
from heirpay_pipelines.state import open_state


def triggers(home: Home) -> set[str | None]:
    return {r["trigger_name"] for r in home.state("select trigger_name from incidents")}


@pytest.mark.parametrize(("failed", "expected"), [(29, None), (30, "failure_rate_critical")])
def test_failure_rate_critical(home: Home, failed: int, expected: str | None) -> None:
    home.attempts_made(100)
    home.failures("do_not_honor", failed, "1")
    assert bool(home.night(0).escalated) == bool(expected)
    assert triggers(home) == {expected}


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("999.99", "usd", None),
        ("1000", "usd", "revenue_impact"),
        ("799.99", "eur", None),  # × 1.25: 9,999.88 USD
        ("800", "eur", "revenue_impact"),
        ("127999", "jpy", None),  # × 1.25 ÷ 160: 9,999.92 USD
        ("128000", "jpy", "revenue_impact"),
    ],
)
def test_revenue_impact_at_the_rate_of_the_central_bank(
    home: Home, amount: str, currency: str, expected: str | None
) -> None:
    home.attempts_made(100, currency)
    home.failures("do_not_honor", 10, amount, currency)
    home.night(0)
    assert triggers(home) == {expected}


def test_below_the_rate_or_with_few_attempts_nothing_opens(home: Home) -> None:
    home.attempts_made(100)
    home.failures("do_not_honor", 9)
    home.attempts_made(19, "eur")
    home.failures("do_not_honor", 19, "100", "eur")
    assert home.night(0).opened == ()


def test_too_few_attempts_do_not_resolve_either(home: Home) -> None:
    home.attempts_made(100)
    home.failures("do_not_honor", 10)
    assert len(home.night(0).opened) == 1
    home.sql("update finance.payment_method_daily set attempts = 19")
    outcome = home.night(1)
    assert (outcome.struck, outcome.resolved) == ((), ())
    home.sql("drop table finance.payment_failures")  # not evaluated: nothing is known
    assert home.night(2).resolved == ()


def deliveries(home: Home, total: int, missing: int, newest_missing: bool) -> None:
    place = f"i >= {total - missing}" if newest_missing else f"i < {missing}"
    home.sql(
        "insert into operations.webhook_deliveries select format('evt_{}', i), 'x.y', timestamp"
        " '2026-10-31 01:00:00' + to_minutes(i), null, case when not (" + place + ") then timestamp"
        " '2026-10-31 01:00:03' + to_minutes(i) end, 1,"
        f" case when {place} then 'missing' else 'delivered' end from range({total}) t(i)"
    )


@pytest.mark.parametrize(("missing", "expected"), [(9, None), (10, "endpoint_down")])
def test_endpoint_down(home: Home, missing: int, expected: str | None) -> None:
    deliveries(home, 1_000, missing, newest_missing=True)
    home.night(0)
    assert triggers(home) == {expected}


@pytest.mark.parametrize(("missing", "expected"), [(4, None), (5, "data_inconsistent")])
def test_data_inconsistent(home: Home, missing: int, expected: str | None) -> None:
    deliveries(home, 100, missing, newest_missing=False)
    home.night(0)
    assert triggers(home) == {expected}


@pytest.mark.parametrize("key", ["card_numbers_in_payloads", "track_data", "secrets_in_files"])
def test_breach_detected(home: Home, key: str) -> None:
    assert len(home.night(0, [control(key)]).escalated) == 1
    assert triggers(home) == {"breach_detected"}


def test_regulatory_inquiry_until_it_is_answered(home: Home) -> None:
    given = ("ICO", "REF-7")
    with open_state(home.settings.state_file) as state:
        open_inquiry(state, "ada", *given, FIRST, FIRST + timedelta(days=30))
    assert len(home.night(0).escalated) == 1
    assert triggers(home) == {"regulatory_inquiry"}
    with open_state(home.settings.state_file) as state:
        close_inquiry(state, "ada", *given, FIRST + timedelta(days=1))
        with pytest.raises(LookupError, match="no open inquiry REF-7 of ICO"):
            close_inquiry(state, "ada", *given, FIRST)
    assert len(home.night(1).resolved) == 1


def test_audit_failure_is_seen_and_recorded(home: Home) -> None:
    with open_state(home.settings.state_file) as state:
        for number in range(3):
            append(state, datetime.now(UTC), "ada", "act", str(number), {})
        state.connection.execute("drop trigger audit_log_no_update")
        state.connection.execute("update audit_log set actor = 'eve' where sequence = 2")
    assert len(home.night(0).escalated) == 1
    assert triggers(home) == {"audit_failure"}
    (gap,) = home.state("select * from audit_log where action = 'audit_gap'")
    assert json.loads(gap["detail"])["finding"]


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("payouts_failed", "payment"),
        ("quarantine_empty", "data"),
        ("file_modes", "platform"),
        ("webhooks_verified", "api"),
    ],
)
def test_a_failed_control_is_for_whom_the_register_names(home: Home, key: str, role: str) -> None:
    home.night(0, [control(key)])
    assert home.incident(subject=f"control {key}")["role"] == role


def test_failed_objects_give_a_control_its_money(home: Home) -> None:
    for table in ("refunds", "payouts", "disputes"):
        home.sql(
            f"create table staging.stg_stripe__{table}"
            " (id varchar, amount bigint, currency varchar)"
        )
    home.sql(
        "create table staging.stg_stripe__invoices (id varchar, total bigint, currency varchar);"
        "create table staging.stg_stripe__balance_transactions"
        " (id varchar, net bigint, currency varchar);"
        "insert into staging.stg_stripe__charges"
        " values ('ch_1', 150, 'usd'), ('ch_2', 1500, 'kwd');"
        "insert into staging.stg_stripe__refunds values ('re_1', 125, 'usd')"
    )
    ids = ["ch_1 (description)", "re_1", "no_such"]
    home.night(0, [control("some", evidence={"ids": ids})])
    incident = home.incident(pattern="compliance_violations")
    assert (incident["financial_impact"], incident["currency"]) == ("2.75", "usd")


def test_breaks_carry_their_money_and_what_to_do(home: Home) -> None:
    home.sql(
        "insert into finance.reconciliation_breaks values"
        " ('b1', 'payout_mismatch', 'high', 'kwd', -1.5, 'po_1', null, '2026-10-30', 'x', 'Ask.'),"
        " ('b2', 'payout_mismatch', 'high', 'kwd', 0.125, 'po_2', null, '2026-10-31', 'x', 'Ask.')"
    )
    home.night(0)
    incident = home.incident(symptom="processing_errors")
    assert (incident["financial_impact"], incident["currency"]) == ("1.625", "kwd")
    assert json.loads(incident["recommendations"])[-1] == "Ask."
    items = home.state("select item from incident_worklists where solution = 'manual_processing'")
    assert [json.loads(row["item"])["object_id"] for row in items] == ["po_1", "po_2"]
    home.sql("delete from finance.reconciliation_breaks")
    assert home.night(1).resolved == (incident["incident_id"],)
