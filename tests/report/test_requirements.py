"""requirements.yaml: read strictly, each demand met or not by the data, and what it drives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from installed import Installation

from heirpay_pipelines.cli import cli
from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.report.requirements import read_requirements
from heirpay_pipelines.settings import Settings


def demanded(facts: Any, tmp_path: Path, text: str, sql: str = "") -> dict[str, Any]:
    (tmp_path / "requirements.yaml").write_text(text)
    facts.settings = facts.settings.model_copy(update={"folder": tmp_path})
    document: dict[str, Any] = facts.document(sql)
    return document


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {f"{r['requirement']} {r['wanted']}": r["status"] for r in document["requirements"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gateways: [stripe]\npayment_kinds: [one_time]\n", "line 2: `payment_kinds`"),
        ("\n\ncompliance_level: best\n", "line 3: `compliance_level`"),
        ("currencies: [usd]\ncurrencies: [eur]\n", "line 2"),
        ("currencies: [zzz]\n", "line 1: `currencies`"),
        ("- gateways\n", "is no mapping"),
    ],
)
def test_a_wrong_file_names_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "requirements.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"requirements\.yaml") as error:
        read_requirements(Settings(HEIRPAY_HOME=tmp_path))
    assert said in str(error.value)
    ran = CliRunner().invoke(cli, ["requirements", "check"], env={"HEIRPAY_HOME": str(tmp_path)})
    assert isinstance(ran.exception, SettingsError)  # `heirpay` ends with 2: tests/errors


@pytest.mark.parametrize(
    ("gateway", "verdict", "code"), [("stripe", "met", 0), ("paypal", "unmet", 1)]
)
def test_the_command_ends_by_what_is_unmet(
    published_copy: Installation, gateway: str, verdict: str, code: int
) -> None:
    (published_copy.home / "requirements.yaml").write_text(f"gateways: [{gateway}]\n")
    runner = CliRunner(env={"HEIRPAY_HOME": str(published_copy.home)})
    told = runner.invoke(cli, ["requirements", "check", "--format", "json"])
    shown = runner.invoke(cli, ["requirements", "check"])
    assert (told.exit_code, shown.exit_code) == (code, code), told.output
    (row,) = json.loads(told.stdout)
    assert (row["requirement"], row["wanted"], row["status"]) == ("gateways", gateway, verdict)
    assert row["evidence"]
    assert verdict in shown.output


def test_no_file_demands_nothing(facts: Any, tmp_path: Path) -> None:
    assert read_requirements(Settings(HEIRPAY_HOME=tmp_path)) is None
    assert facts.document()["requirements"] == []


def test_each_demand_follows_the_data(facts: Any, tmp_path: Path) -> None:
    text = (
        "gateways: [stripe, paypal]\npayment_types: [one_time, recurring]\n"
        "currencies: [usd, chf]\njurisdictions: [DE, US-OR, BR]\napi: 2026-10-28.endive\n"
        "subscription_complexity: tiered\nwebhook_needs: [charge.succeeded]\n"
        "integrations: [notifications]\nsecurity_level: high\n"
    )
    assert verdicts(demanded(facts, tmp_path, text)) == {
        "gateways stripe": "met",
        "gateways paypal": "unmet",
        "payment_types one_time": "met",
        "payment_types recurring": "met",
        "subscription_complexity tiered": "met",
        "currencies usd": "met",
        "currencies chf": "unmet",
        "jurisdictions DE": "met",
        "jurisdictions US-OR": "unmet",
        "jurisdictions BR": "not_evaluated",
        "api 2026-10-28.endive": "met",
        "security_level high": "unmet",
        "integrations notifications": "unmet",
        "webhook_needs charge.succeeded": "unmet",
    }
    sql = (
        "delete from finance.daily_revenue_by_flow where payment_flow = 'recurring';"
        "update staging.stg_stripe__prices set billing_scheme = 'per_unit';"
        "update operations.coverage set api_version = '2020-01-01';"
        "insert into operations.webhook_deliveries (event_id, event_type, created_at, received_at)"
        " values ('e', 'charge.succeeded', timestamp '2026-10-31', timestamp '2026-10-31')"
    )
    changed = verdicts(demanded(facts, tmp_path, text, sql))
    assert changed["payment_types recurring"] == "unmet"
    assert changed["subscription_complexity tiered"] == "unmet"
    assert changed["api 2026-10-28.endive"] == "unmet"
    assert changed["webhook_needs charge.succeeded"] == "met"


@pytest.mark.parametrize(
    ("level", "status"), [("saq_a", "met"), ("saq_a_ep", "unmet"), ("roc", "unmet")]
)
def test_the_level_of_compliance_says_which_controls_are_required(
    facts: Any, tmp_path: Path, level: str, status: str
) -> None:
    def control(clause: str, verdict: str) -> dict[str, Any]:
        return {
            **facts.controls[0], "key": "tls_outbound", "framework": "pci_dss", "checked": 1,
            "requirement": f"PCI DSS 4.0.1 {clause}", "status": verdict,
        }  # fmt: skip

    facts.controls = [control("3.5.1", "pass"), control("10.5.1", "fail")]
    document = demanded(facts, tmp_path, f"compliance_level: {level}\n")
    assert verdicts(document) == {f"compliance_level {level}": status}


def test_what_is_unmet_is_an_assignment(facts: Any, tmp_path: Path) -> None:
    document = demanded(facts, tmp_path, "currencies: [usd, chf]\n")
    (payment,) = [r for r in document["specialist_assignments"] if r["role"] == "payment"]
    found = [t for t in payment["assignments"] if t["context"].startswith("Requirement")]
    assert [task["deliverables"] for task in found] == [["currencies chf"]]
    assert "heirpay requirements check says met for currencies chf" in payment["success_criteria"]


@pytest.mark.parametrize(
    ("text", "phase", "required"),
    [
        ("webhook_needs: []\n", "webhook_infrastructure", False),
        ("webhook_needs: [charge.succeeded]\n", "webhook_infrastructure", True),
        ("payment_types: [one_time]\n", "subscription_billing", False),
        ("payment_types: [one_time, subscription]\n", "subscription_billing", True),
        ("subscription_complexity: none\n", "subscription_billing", False),
    ],
)
def test_a_phase_that_nobody_demands_holds_nothing_up(
    facts: Any, tmp_path: Path, text: str, phase: str, required: bool
) -> None:
    phases = demanded(facts, tmp_path, text)["orbt_status"]["setup_phases"]
    (found,) = [each for each in phases if each["phase"] == phase]
    assert found["required"] is required
    assert found["criteria_counted"] == 0 if not required else found["criteria_counted"] > 0
