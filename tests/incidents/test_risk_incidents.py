"""Risk becomes incidents: programmes, codes that nobody knows, disputes that nobody answers."""

from __future__ import annotations

import json

import pytest
from escalate_night import Home

PROGRAMME = (
    "insert into finance.risk_programmes values"
    " ('2026-11-01', 'VAMP excessive', 'visa', 12, 600, 0.02, 0.015, 950.5, 1501, {})"
)


@pytest.mark.parametrize(
    ("flags", "risk", "words"),
    [("true, true", "high", "exceeded"), ("false, true", "medium", "forecast to be exceeded")],
)
def test_a_programme_exceeded_or_about_to_be(home: Home, flags: str, risk: str, words: str) -> None:
    home.sql(PROGRAMME.format(flags))
    (name,) = home.night(0).opened
    incident = home.incident(incident_id=name)
    assert (incident["symptom"], incident["compliance_risk"]) == ("failed_control", risk)
    assert (incident["financial_impact"], incident["currency"]) == ("950.500", "usd")
    assert words in incident["detail"]
    home.night(1)
    home.night(2)
    (told,) = home.state("select document from escalations")
    assert json.loads(told["document"])["regulatory_implications"] == [
        {"clause": "Visa VAMP excessive", "notify": "the acquirer", "deadline": None}
    ]
    home.sql("update finance.risk_programmes set is_exceeded = false, is_forecast_exceeded = false")
    assert home.night(3).resolved == (name,)


def test_an_unknown_decline_code_is_an_incident(home: Home) -> None:
    home.failures("brand_new_code", 2, "19.99")
    home.sql("update finance.payment_failures set is_known_code = false, retry_allowed = false")
    (name,) = home.night(0).opened
    incident = home.incident(incident_id=name)
    assert incident["subject"] == "unknown decline code brand_new_code in usd"
    assert incident["financial_impact"] == "39.98"
    assert home.attempts(name)["handling_by_decline_code"] == ("done", None)
    (handling,) = home.state(
        "select item from incident_worklists where solution = 'handling_by_decline_code'"
    )
    assert json.loads(handling["item"])["handling"].startswith("do not retry")
    home.sql("update finance.payment_failures set is_known_code = true")
    assert home.night(1).resolved == (name,)


@pytest.mark.parametrize(
    ("due", "evidence", "expected"),
    [
        ("2026-11-04 00:00:00", "false", 1),
        ("2026-11-04 00:00:01", "false", 0),  # a second after three days
        ("2026-10-20 00:00:00", "false", 1),  # overdue
        ("2026-11-04 00:00:00", "true", 0),
    ],
)
def test_disputes_near_their_deadline(home: Home, due: str, evidence: str, expected: int) -> None:
    home.sql(
        f"insert into finance.disputes values ('du_1', 'kwd', 1.234, 'open', {evidence}, '{due}')"
    )
    assert len(home.night(0).opened) == expected
    if expected:
        assert home.incident(symptom="processing_errors")["financial_impact"] == "1.234"
