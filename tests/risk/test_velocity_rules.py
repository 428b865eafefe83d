"""Velocity rules: read as data, tested on history to the cent, wrong ones named."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from risk_history import NOON, publish, tries

from heirpay_pipelines.cli import cli
from heirpay_pipelines.risk.backtest import Money, backtest
from heirpay_pipelines.risk.rules import RiskError, find_rule, load_rules
from heirpay_pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
    return Settings(HEIRPAY_HOME=tmp_path)


def test_precision_recall_and_money_are_exact(settings: Settings) -> None:
    publish(settings)
    found = backtest(settings, find_rule(settings.folder, "card_attempts"))
    # Flagged: the fourth of four, the fourth and fifth of five, the one at exactly ten minutes.
    assert (found.flagged, found.bad, found.good, found.unknown) == (4, 2, 1, 1)
    assert found.all_bad == 4
    assert found.precision == Decimal("0.666667")
    assert found.recall == Decimal("0.500000")
    assert found.money == (Money("usd", Decimal("100.000"), Decimal("40.050")),)
    assert found.dispute_fees_saved == (("usd", Decimal("15.000")),)
    assert (found.since, found.until) == (date(2026, 10, 20), date(2026, 10, 20))


@pytest.mark.parametrize(("declines", "flagged"), [(2, 0), (3, 1), (4, 2)])
def test_only_failures_before_an_attempt_count(
    settings: Settings, declines: int, flagged: int
) -> None:
    seconds = tuple(range(0, 60 * (declines + 1), 60))
    publish(settings, tries("card", seconds, ("succeeded", "fraud", "5.00")))
    assert backtest(settings, find_rule(settings.folder, "card_failures")).flagged == flagged


@pytest.mark.parametrize(("cards", "flagged"), [(7, 0), (8, 1), (9, 2)])
def test_guests_with_many_cards(settings: Settings, cards: int, flagged: int) -> None:
    def guest(number: int, amount: str, customer: str | None) -> tuple[object, ...]:
        when = NOON + timedelta(seconds=number)
        name = f"{number}{customer}{amount}"
        return (f"ch_{name}", customer, f"print_{name}", when, "usd", amount, "0", "failed",
                "suspected")  # fmt: skip

    others = [guest(n, "5.01", None) for n in range(9)] + [guest(n, "1", "cus") for n in range(9)]
    publish(settings, [guest(n, "5.00", None) for n in range(cards)] + others)
    assert backtest(settings, find_rule(settings.folder, "guest_cards")).flagged == flagged


def test_days_limit_what_is_counted_and_nothing_flagged_has_no_precision(
    settings: Settings,
) -> None:
    publish(settings)
    day = date(2026, 10, 21)
    found = backtest(settings, find_rule(settings.folder, "card_attempts"), day, day)
    assert (found.flagged, found.precision, found.recall, found.money) == (0, None, None, ())


def test_own_rules_stand_in_and_are_added(settings: Settings) -> None:
    own = """rules:
  - {name: card_attempts, title: Sooner, group_by: payment_method_fingerprint, measure: attempts,
     window: 1h, threshold: 2, block: {value_list: mine, item: country}}
  - {name: mine, title: Mine, group_by: customer_id, measure: cards, window: 1d, threshold: 2,
     block: {value_list: mine, item: customer_id}}
"""
    (settings.folder / "velocity_rules.yaml").write_text(own)
    rules = load_rules(settings.folder)
    assert rules["card_attempts"].threshold == 2
    assert {"mine", "card_failures"} <= set(rules)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{name: odd, title: t, group_by: password}]", "rule odd: group_by"),
        ("rules: [{name: odd, title: t, group_by: issuer, measure: cards, window: ten}]",
         "rule odd: window"),
        ("nothing: []", "begins with `rules:`"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named(settings: Settings, text: str, said: str) -> None:
    (settings.folder / "velocity_rules.yaml").write_text(text)
    with pytest.raises(RiskError, match=said):
        load_rules(settings.folder)


def test_the_command_prints_what_it_found(settings: Settings) -> None:
    publish(settings)
    printed = CliRunner().invoke(cli, ["risk", "backtest", "card_attempts"])
    assert printed.exit_code == 0, printed.output
    assert "precision  66.67%" in printed.output
    assert "saved 100.000, lost 40.050 usd" in printed.output
    as_json = CliRunner().invoke(cli, ["risk", "backtest", "card_attempts", "--json"])
    assert json.loads(as_json.output)["recall"] == "0.500000"
    unknown = CliRunner().invoke(cli, ["risk", "backtest", "nonsense"])
    assert (unknown.exit_code, "known are card_attempts" in unknown.output) == (1, True)
    assert "guest_cards" in CliRunner().invoke(cli, ["risk", "rules"]).output
