"""The regulator's packet: drafted when a breach is seen, with a clock; a person sends it."""

from __future__ import annotations

from datetime import timedelta

from click.testing import CliRunner
from escalate_night import FIRST, Home, control

from heirpay_pipelines.cli import cli
from heirpay_pipelines.incidents.notice import clock


def test_a_breach_has_its_draft_the_same_night(home: Home) -> None:
    leak = control(
        "card_numbers_in_payloads", evidence={"ids": ["pi_1 (description)"]}, violations=7
    )
    (name,) = home.night(0, [leak]).escalated
    assert home.attempts(name)["regulator_form"] == ("done", None)
    path = home.path / "notices" / f"{name}.md"
    text = path.read_text()
    for part in (
        "Personal data breach notification",
        "the supervisory authority",
        "GDPR Art. 33(1)",
        "Became aware: 2026-11-01T00:00:00+00:00",
        "Due: 2026-11-04T00:00:00+00:00",
        "Records that the check names: 7",
        "`pi_1 (description)`",
        "name_consultant (done)",
        "To be completed",
    ):
        assert part in text, part
    assert path.stat().st_mode & 0o077 == 0

    path.write_text("edited by the officer")
    home.night(1, [leak])
    assert path.read_text() == "edited by the officer"
    environment = {"HEIRPAY_HOME": str(home.path)}
    shown = CliRunner().invoke(cli, ["incidents", "notice", name], env=environment)
    assert "edited by the officer" in shown.output


def test_the_clock_counts_72_hours_from_the_opening(home: Home) -> None:
    home.night(0, [control("card_numbers_in_payloads")])
    incident = home.incident(symptom="data_exposure")
    assert clock(incident, FIRST) == "72 hours left"
    assert clock(incident, FIRST + timedelta(hours=71, minutes=59)) == "0 hours left"
    assert clock(incident, FIRST + timedelta(hours=80)) == "8 hours late"


def test_a_warning_without_a_regulator_has_no_draft(home: Home) -> None:
    control_of_ours = control("invoice_totals", requirement="METRICS 7")
    for night in range(2):
        home.night(night, [control_of_ours])
    name = home.incident(symptom="failed_control")["incident_id"]
    assert home.attempts(name)["regulator_form"][0] == "not_applicable"
    assert not (home.path / "notices").exists()
