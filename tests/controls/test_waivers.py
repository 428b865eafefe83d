"""Accepting a failure: asked for by one, approved by another, shown as waived, over at its date."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_build import MUTATIONS, make_build

from heirpay_pipelines.audit import verify
from heirpay_pipelines.audit.chain import detail_of
from heirpay_pipelines.cli import cli
from heirpay_pipelines.controls import (
    ControlResult,
    RunContext,
    load_register,
    run_controls,
    verdict,
)
from heirpay_pipelines.controls.register import Control
from heirpay_pipelines.controls.register import Waiver as RegisterWaiver
from heirpay_pipelines.controls.waivers import (
    WaiverError,
    approve_waiver,
    end_waiver,
    request_waiver,
    standing_waivers,
)
from heirpay_pipelines.host import person
from heirpay_pipelines.incidents.observe.controls import CALM
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
KEY = "currencies_known"
LAST = date(2026, 11, 30)


class Case:
    """A blocking control that fails on its build, and the state around it."""

    def __init__(self, folder: Path) -> None:
        self.run = RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=folder / "home"), AS_OF)
        self.bad = make_build(folder / "bad.duckdb", MUTATIONS[KEY])
        self.good = make_build(folder / "good.duckdb")

    def result(
        self, build: Path, at: datetime = AS_OF, register: Control | None = None
    ) -> ControlResult:
        chosen = register or next(item for item in load_register() if item.key == KEY)
        run = replace(self.run, as_of=at, checked_at=at)
        (found,) = run_controls(build, run, controls=[chosen])
        return found

    def state(self) -> object:
        return open_state(self.run.settings.state_file)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def waived(state: State, until: date = LAST) -> None:
    request_waiver(state, KEY, "the currency is agreed with Stripe", "ana", until, AS_OF)
    approve_waiver(state, KEY, "ben", AS_OF)


def test_a_waived_failure_is_shown_as_such_and_stops_nothing(case: Case) -> None:
    before = case.result(case.bad)
    assert (before.status, verdict([before]).publish) == ("fail", False)
    with case.state() as state:
        waived(state)
    found, whole = case.result(case.bad), case.result(case.good)
    assert (found.status, whole.status) == ("waived", "pass")
    assert found.evidence["ids"] == before.evidence["ids"]
    assert found.evidence["approver"] == "ben"
    assert found.status in CALM
    judged = verdict([found])
    assert (judged.publish, str(judged)) == (True, "0 of 1 controls evidenced")
    assert not found.passed


def test_after_its_date_it_fails_even_where_nothing_is_wrong(case: Case) -> None:
    with case.state() as state:
        waived(state)
    assert case.result(case.bad, datetime(2026, 11, 30, 23, tzinfo=UTC)).status == "waived"
    late = case.result(case.good, datetime(2026, 12, 1, tzinfo=UTC))
    assert late.status == "fail"
    assert "expired on 2026-11-30" in late.evidence["reason"]
    with case.state() as state:
        end_waiver(state, KEY, "ana", datetime(2026, 12, 1, tzinfo=UTC))
    assert case.result(case.good, datetime(2026, 12, 1, 1, tzinfo=UTC)).status == "pass"


def test_it_counts_only_once_another_person_approved_it(case: Case) -> None:
    with case.state() as state:
        request_waiver(state, KEY, "agreed", "ana", LAST, AS_OF)
    assert case.result(case.bad).status == "fail"
    with case.state() as state:
        with pytest.raises(WaiverError, match="another person"):
            approve_waiver(state, KEY, "ana", AS_OF)
        approve_waiver(state, KEY, "ben", AS_OF)
        with pytest.raises(WaiverError, match="waits for approval"):
            approve_waiver(state, KEY, "eve", AS_OF)
    assert case.result(case.bad).status == "waived"


def test_missing_evidence_is_not_waived(case: Case) -> None:
    with case.state() as state:
        waived(state)
    gone = make_build(case.bad.with_name("gone.duckdb"), "drop table intermediate.currencies")
    assert case.result(gone).status == "not_evaluated"


@pytest.mark.parametrize(
    ("reason", "until", "fault"),
    [
        (" ", LAST, "reason"),
        ("agreed", date(2026, 10, 31), "ends between"),
        ("agreed", date(2027, 11, 3), "ends between"),
    ],
)
def test_no_reason_the_past_and_more_than_a_year_are_refused(
    case: Case, reason: str, until: date, fault: str
) -> None:
    with case.state() as state, pytest.raises(WaiverError, match=fault):
        request_waiver(state, KEY, reason, "ana", until, AS_OF)


@pytest.mark.parametrize(
    "sql",
    [
        "update waivers set expires = '2099-01-01'",
        "update waivers set control_key = 'balance_identity'",
        "insert into waivers select 9, control_key, 'because', 'eve', requested_at, '2099-01-01',"
        " 'mallory', approved_at from waivers",
    ],
)
def test_a_waiver_that_was_edited_or_put_in_past_the_command_counts_nothing(
    case: Case, sql: str
) -> None:
    with case.state() as state:
        waived(state)
        state.connection.execute(sql)
        found = standing_waivers(state, AS_OF)
        assert all(waiver.expires == LAST for waiver in found.values())
        assert "balance_identity" not in found
        with pytest.raises(sqlite3.IntegrityError):
            state.connection.execute("update waivers set approved_by = requested_by")


def test_the_audit_log_holds_reason_approver_and_expiry(case: Case) -> None:
    with case.state() as state:
        waived(state)
        end_waiver(state, KEY, "ben", AS_OF)
        rows = state.rows("select * from audit_log order by sequence")
        assert verify(state).ok
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("ana", "waiver_requested"),
        ("ben", "waiver_approved"),
        ("ben", "waiver_ended"),
    ]
    assert {detail_of(row)["expires"] for row in rows} == {"2026-11-30"}
    assert detail_of(rows[1])["requested_by"] == "ana"


def test_a_waiver_in_the_register_holds_too(case: Case) -> None:
    item = next(item for item in load_register() if item.key == KEY)
    given = {"reason": "credited by hand", "approver": "the controller"}
    running = item.model_copy(update={"waiver": RegisterWaiver(**given, expires=LAST)})
    expired = item.model_copy(update={"waiver": RegisterWaiver(**given, expires=date(2026, 10, 1))})
    assert case.result(case.bad, register=running).status == "waived"
    assert case.result(case.good, register=expired).status == "fail"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run, soon = CliRunner(), datetime.now(UTC).date().isoformat()

    def waive(*arguments: str, login: str = "ben") -> tuple[int, str]:
        monkeypatch.setattr(person, "login", lambda: login)
        result = run.invoke(cli, ["waive", KEY, *arguments])
        return result.exit_code, result.output

    assert waive()[0] == 2
    assert waive("--reason", "x")[0] == 2
    assert run.invoke(cli, ["waive", "nonsense", "--end"]).exit_code == 2
    assert waive("--approve", "--by", "ben")[0] == 1
    assert waive("--reason", "agreed", "--until", soon, login="ana")[0] == 0
    for login, name in (("ana", "ana"), ("ana", "Ben"), ("ben", "ANA")):
        assert waive("--approve", "--by", name, login=login)[0] == 1
    assert "is waived until" in waive("--approve")[1]
    shown = run.invoke(cli, ["controls", "show", KEY]).output
    assert "agreed, until" in shown
    assert "approved by ben" in shown
    assert waive("--end")[0] == 0
    assert waive("--end")[0] == 1
