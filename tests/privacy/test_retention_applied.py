"""Retention applied: exactly what is due goes, in stages, and what was begun is ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import planted
import pytest
from click.testing import CliRunner
from planted import AT, CUSTOMER, EMAIL, FINGERPRINT, NAME, OTHER, PHONE, VAT_ID

from heirpay_pipelines.audit.verify import verify
from heirpay_pipelines.cli import cli
from heirpay_pipelines.personal.paths import CLASSES
from heirpay_pipelines.privacy import erase as erasing
from heirpay_pipelines.privacy.erase import GdprError, erase
from heirpay_pipelines.privacy.retention import apply, overdue
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

CONTACT, LAW = (EMAIL, PHONE), (NAME, VAT_ID, planted.STREET, "sentinel-order")
LATER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return planted.plant(tmp_path / "home", None, last_active="2022-06-01")


def rest(settings: Settings, texts: tuple[str, ...]) -> set[str]:
    landed = planted.landed(settings)
    return {text for text in texts if json.dumps(text, ensure_ascii=False)[1:-1] in landed}


def due_of(settings: Settings, customer: str = CUSTOMER) -> set[str]:
    return {item.data_class for item in overdue(settings)[1] if item.subject == customer}


def test_exactly_what_is_due_goes_and_the_rest_when_the_law_lets_it(settings: Settings) -> None:
    before = planted.totals(settings)
    assert due_of(settings) == {"contact", "payment_instrument"}
    (done,) = apply(settings, "Dana", AT)
    # both customers, and the payment without one, in one pass
    assert {name.partition("_")[0] for name in done.pseudonyms} == {"cus", "ch"}
    assert len(done.pseudonyms) == 3
    assert rest(settings, (*CONTACT, planted.OLD_EMAIL, FINGERPRINT)) == set()
    assert rest(settings, LAW) == set(LAW)
    assert CUSTOMER in planted.landed(settings)
    assert due_of(settings) == due_of(settings, "ch_guest") == set()
    assert apply(settings, "Dana", AT) == []
    planted.set_night(settings, LATER)
    assert due_of(settings) == {"identity", "location", "free_text"}
    apply(settings, "Dana", LATER)
    assert planted.traces(settings) == []
    assert planted.totals(settings) == before
    with open_state(settings.state_file) as state:
        assert verify(state, []).ok
        assert {row["classes"] for row in state.rows("select classes from erasures")} == {
            " ".join(CLASSES)
        }
        (first, _) = state.rows("select detail from audit_log where action = 'retention_applied'")
    detail = json.loads(first["detail"])
    assert (detail["subjects"], len(detail["rules"])) == (3, 2)


@pytest.mark.parametrize(
    "stages",
    [
        [("contact",), CLASSES],
        [CLASSES, ("contact",)],
        [("contact", "payment_instrument"), ("identity", "location", "free_text")],
        [("identity",), ("contact",), ("location", "free_text", "payment_instrument")],
    ],
)
def test_stages_in_any_order_end_like_one_erasure(
    settings: Settings, stages: list[tuple[str, ...]]
) -> None:
    before = planted.totals(settings)
    for classes in stages:
        erase(settings, CUSTOMER, "r", "Dana", AT, classes)
    assert planted.traces(settings) == []  # the payment without a customer, too
    assert planted.totals(settings) == before
    with open_state(settings.state_file) as state:
        assert state.rows("select classes, plan from erasures") == [
            {"classes": " ".join(CLASSES), "plan": None}
        ]
    planted.land(settings, 3, planted.objects())  # Stripe tells it all again
    assert planted.traces(settings) == []


def test_a_wider_erasure_asked_while_a_narrow_one_waits_is_done_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(erasing, "erase_from_state", dies)
        erase(settings, CUSTOMER, "r", "Dana", AT, ("contact",))
    erase(settings, CUSTOMER, "r", "Dana", AT)
    assert planted.traces(settings) == []


def test_killed_in_between_and_applied_again_ends_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = erasing.erase_from_warehouse

    def dies(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(erasing, "erase_from_warehouse", dies)
        apply(settings, "Dana", AT)
    apply(settings, "Dana", AT)
    assert due_of(settings) == due_of(settings, OTHER) == set()
    assert rest(settings, CONTACT) == set()
    with open_state(settings.state_file) as state:
        assert state.rows("select 1 from erasures where plan is not null") == []


def test_from_a_stale_night_nothing_is_erased(settings: Settings) -> None:
    with pytest.raises(GdprError, match="came back since"):
        apply(settings, "Dana", LATER)
    assert rest(settings, CONTACT) == set(CONTACT)


def test_who_is_active_keeps_everything(settings: Settings) -> None:
    with planted.republished(settings) as warehouse:
        warehouse.execute("update staging.stg_stripe__subscriptions set status = 'active'")
    apply(settings, "Dana", AT)
    assert due_of(settings, CUSTOMER) == set()
    assert rest(settings, CONTACT) == set(CONTACT)


def test_the_command_lists_by_which_rule_and_wants_a_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEIRPAY_HOME", str(settings.folder))
    run: Callable[..., Any] = CliRunner().invoke
    listed = run(cli, ["gdpr", "retention"])
    assert listed.exit_code == 0, listed.output
    line = next(line for line in listed.output.splitlines() if "contact" in line)
    assert "last active 2022-06-01, due since 2025-06-01: 3 years after" in line
    assert "6 classes of 3 people are past their period, as of 2026-11-01" in listed.output
    many = run(cli, ["gdpr", "retention", "--as-of", "2040-01-01", "--json"])
    assert {item["data_class"] for item in json.loads(many.output)} == set(CLASSES)
    assert run(cli, ["gdpr", "retention", "--apply"]).exit_code == 2
    stale = run(cli, ["gdpr", "retention", "--apply", "--by", "Dana"])
    assert (stale.exit_code, "came back since" in stale.output) == (1, True)
    planted.set_night(settings, datetime.now(UTC))
    done = run(cli, ["gdpr", "retention", "--apply", "--by", "Dana"])
    assert "Erased what was due of 3 people" in done.output, done.output
    (settings.folder / "retention.yaml").write_text("company: {contact: {months: x, reason: r}}")
    wrong = run(cli, ["gdpr", "retention"])
    assert (wrong.exit_code, "company.contact.months" in wrong.output) == (1, True)
