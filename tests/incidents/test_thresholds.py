"""The company's own thresholds.yaml: each threshold can be overridden, a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from escalate_night import Home

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.incidents import thresholds as module
from heirpay_pipelines.incidents.thresholds import stated, thresholds
from heirpay_pipelines.orchestration.launch import run_nightly


def own(home: Home, text: str) -> None:
    (home.path / "thresholds.yaml").write_text(text)


@pytest.mark.parametrize(
    ("amount", "currency", "opened"),
    [
        ("9999.99", "usd", 0),
        ("10000", "usd", 1),
        ("7999.99", "eur", 0),  # \u00d7 1.25: 9,999.99 USD
        ("8000", "eur", 1),
        ("100000", "kwd", 0),  # no rate is known
    ],
)
def test_money_at_risk_opens_an_incident_whatever_the_rate(
    home: Home, amount: str, currency: str, opened: int
) -> None:
    home.attempts_made(5, currency)  # too few for a rate
    home.failures("do_not_honor", 1, amount, currency)
    assert len(home.night(0).opened) == opened


def test_the_threshold_is_in_its_own_currency_whatever_the_report_is_in(home: Home) -> None:
    home.reporting = "eur"
    home.sql("update intermediate.int_exchange_rates set reporting_units_per_eur = 1")
    home.attempts_made(5)
    home.failures("do_not_honor", 1, "10000")
    assert len(home.night(0).opened) == 1


def test_the_companys_own_override_and_the_others_stay(home: Home) -> None:
    own(home, "payments:\n  revenue_impact: 500\n  revenue_impact_currency: eur\n")
    home.attempts_made(5)
    home.failures("do_not_honor", 1, "624.99")
    assert home.night(0).opened == ()
    home.sql("update finance.payment_failures set amount = 625")  # \u00f7 1.25: 500 EUR
    assert len(home.night(1).opened) == 1
    given = {key: (value, source) for key, value, source in stated(home.settings)}
    assert given["payments.revenue_impact"] == ("500", "company")
    assert given["payments.open_at_rate"] == ("0.10", "package")


def test_every_shipped_threshold_can_be_overridden(home: Home) -> None:
    shipped = {key: value for key, value, _ in stated(home.settings)}
    text = Path(module.__file__).with_name("thresholds.yaml").read_text()
    own(home, yaml.safe_dump(yaml.safe_load(text)))
    assert {key: value for key, value, _ in stated(home.settings)} == shipped
    assert {source for _, _, source in stated(home.settings)} == {"company"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("payments:\n  window_day: 3", "line 2: `payments.window_day`: is not known"),
        ("payments:\n  open_at_rate: 1.5", "line 2: `payments.open_at_rate`"),
        ("reminder_hours: 0", "line 1: `reminder_hours`"),
        ("reminder_hours: 3\nreminder_hours: 4", "line 2: `reminder_hours` stands twice"),
        ("payments:\n  revenue_impact_currency: USD", "line 2: `payments.revenue_impact_currency`"),
        ("disputes: 3", "line 1: `disputes`"),
        ("- payments", "is no mapping"),
        ("payments: [", "is no YAML"),
        ("a: &x {}\nb: *x", "refers to another part of itself"),
    ],
)
def test_a_wrong_one_is_refused_with_its_line_and_key(home: Home, text: str, said: str) -> None:
    own(home, text)
    with pytest.raises(SettingsError, match=r"thresholds\.yaml") as refused:
        thresholds(home.settings)
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_wrong_one_ends_a_run_before_anything_is_asked(home: Home) -> None:
    own(home, "reminder_hours: never")
    with pytest.raises(SettingsError, match="line 1: `reminder_hours`"):
        run_nightly(home.settings, None, full=False)
    assert not home.settings.dagster_home.exists()
