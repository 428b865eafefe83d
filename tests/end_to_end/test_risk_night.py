"""Risk on the embedded account's published night: what was planted is found, and nothing else."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from installed import Installation


def test_both_planted_bursts_are_found_and_no_other(published: Installation) -> None:
    bursts = published.rows(
        "select attempts, failed, cards, guest_attempts, currency, amount_attempted, amount_taken,"
        " amount_not_refunded from finance.card_testing_bursts"
    )
    found = (45, 43, 45, 45, "usd", Decimal("45.000"), Decimal("2.000"), Decimal(0))
    assert bursts == [found, found]


def test_every_flow_and_method_is_there(published: Installation) -> None:
    flows = published.rows("select distinct payment_flow from finance.daily_revenue_by_flow")
    assert {flow for (flow,) in flows} == {
        "one_time", "recurring", "subscription", "marketplace", "multi_party"
    }  # fmt: skip
    methods = published.rows("select distinct payment_method_type from finance.payment_risk")
    assert {method for (method,) in methods} >= {
        "card", "us_bank_account", "sepa_debit", "klarna", "affirm", "crypto"
    }  # fmt: skip
    wallets = published.rows("select distinct wallet from finance.payment_risk")
    assert {wallet for (wallet,) in wallets} == {None, "apple_pay", "google_pay"}
    codes = published.rows(
        "select count(distinct network_decline_code), count(distinct network_advice_code),"
        " bool_and(is_known_code) from finance.payment_failures"
    )
    assert codes == [(9, 6, True)]


def test_each_attempt_has_a_score_and_each_failed_payment_one_end(
    published: Installation,
) -> None:
    assert published.rows(
        "select count(*) from finance.payment_risk where payment_method_type = 'card'"
        " and risk_score is null"
    ) == [(0,)]
    (sums,) = published.rows(
        "select count(*) filter (where recovered_by = 'automatic_retry') > 0,"
        " count(*) filter (where recovered_by = 'new_payment_method') > 0,"
        " count(*) filter (where status = 'at_risk') > 0,"
        " count(*) filter (where status = 'lost') > 0 from finance.failed_payments"
    )
    assert sums == (True, True, True, True)


def test_the_report_and_the_rule_see_them(published: Installation) -> None:
    latest = published.home / "reports" / "latest" / "report.json"
    risk = json.loads(latest.read_text())["fraud_detection_metrics"]
    for name in ("card_testing", "failure_anomalies", "risk_forecast", "risk_scores", "dunning"):
        assert risk[name]["not_available"] is None
    assert len(risk["card_testing"]["rows"]) == 2
    tested = published.heirpay("risk", "backtest", "guest_cards", "--json")
    assert tested.returncode == 0, tested.stderr
    result = json.loads(tested.stdout)
    # From the eighth card of each burst on; what two of them took was given back.
    assert (result["flagged"], result["bad"], result["precision"]) == (76, 76, "1.000000")
    assert result["money"] == [{"currency": "usd", "saved": "0.000", "lost": "0.000"}]
