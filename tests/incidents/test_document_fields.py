"""Each of the escalation document's nine fields changes with the data: none is a constant."""

from __future__ import annotations

import json
from typing import Any

from escalate_night import Home, control

FIELDS = (
    "issue_type", "financial_impact", "compliance_risk", "attempted_solutions",
    "specialist_recommendations", "regulatory_implications", "immediate_actions_required",
    "urgency_level",
)  # fmt: skip


def told(home: Home) -> dict[str, Any]:
    """The newest document of the one incident."""
    found = home.state("select document from escalations order by created_at, escalation_id")
    document: dict[str, Any] = json.loads(found[-1]["document"])
    return document


def test_two_incidents_share_no_field_but_the_domain(home: Home, tmp_path: Any) -> None:
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "19.99")
    for night in range(3):
        home.night(night)
    payments = told(home)

    other = Home(tmp_path / "other")
    other.night(0, [control("card_numbers_in_files", severity="blocking")])
    breach = told(other)
    assert payments.keys() == breach.keys() == {"domain", *FIELDS}
    assert {name for name in FIELDS if payments[name] == breach[name]} == set()
    assert payments["domain"] == breach["domain"] == "payment.heirpay"
    shop = Home(tmp_path / "shop", environment={"HEIRPAY_PROJECT": "shop"})
    shop.night(0, [control("track_data")])
    assert told(shop)["domain"] == "payment.shop"


def test_each_field_follows_its_own_data(home: Home, tmp_path: Any) -> None:
    """The same incident with one thing changed: that field changes and says so."""

    def escalated(name: str, count: int = 30, amount: str = "1", code: str = "x") -> dict[str, Any]:
        own = Home(tmp_path / name)
        own.attempts_made(100)
        own.failures(code, count, amount)
        own.night(0)
        return told(own)

    base = escalated("base")
    dearer = escalated("dearer", amount="2.50")
    assert base["financial_impact"]["amount"] == "30.00"
    assert dearer["financial_impact"]["amount"] == "75.00"
    more = escalated("more", count=31)
    assert more["issue_type"]["detail"] != base["issue_type"]["detail"]
    assert more["attempted_solutions"] != base["attempted_solutions"]
    poor = escalated("poor", code="insufficient_funds")
    assert poor["specialist_recommendations"] != base["specialist_recommendations"]
    assert poor["immediate_actions_required"] != base["immediate_actions_required"]

    def of_control(name: str, nights: int = 3, **fields: Any) -> dict[str, Any]:
        own = Home(tmp_path / name)
        for night in range(nights):
            own.night(night, [control("one", **fields)])
        return told(own)

    warning = of_control("warning")
    blocking = of_control("blocking", severity="blocking")
    assert (warning["compliance_risk"], blocking["compliance_risk"]) == ("medium", "high")
    sox = of_control("sox", requirement="SOX 404")
    assert sox["regulatory_implications"] != warning["regulatory_implications"]
    assert (warning["urgency_level"], base["urgency_level"]) == ("high", "critical")
