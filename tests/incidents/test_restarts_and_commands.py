"""A killed evaluation ends where it would have; a past night changes nothing; people can act."""

from __future__ import annotations

import importlib
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from escalate_night import FIRST, Home, control

from heirpay_pipelines.cli import cli
from heirpay_pipelines.incidents import RunFacts, process
from heirpay_pipelines.orchestration.dead_runs import close_interrupted
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.runs import close_run, open_run

STEPS = ("run_planned", "learn_from_resolved", "tell", "deliver")
TABLES = ("incidents", "incident_attempts", "escalations", "outbox_messages")


def facts(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Everything but the clock's readings."""
    return {
        table: [
            {k: v for k, v in row.items() if k not in ("ended_at", "created_at", "body")}
            for row in home.state(f"select * from {table} order by 1, 2, 3")
        ]
        for table in TABLES
    }


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step_it_is_taken_up_again(
    home: Home, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    module = importlib.import_module("heirpay_pipelines.incidents.process")
    failing = [control("one"), control("card_numbers_in_payloads")]
    whole = Home(tmp_path / "whole")
    for night in range(3):
        whole.night(night, failing)

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(module, step, killed)
            with pytest.raises(KeyboardInterrupt):
                home.night(night, failing)
        home.night(night, failing)
    assert facts(home) == facts(whole)


@pytest.mark.parametrize("published", [False, True])
def test_a_run_that_was_killed_and_run_again_later_strikes_once(
    home: Home, tmp_path: Any, published: bool
) -> None:
    """Killed before its verdict or after it, twice in a night, each try as of its own instant."""
    failing = [control("one"), control("card_numbers_in_payloads")]
    whole = Home(tmp_path / "whole")
    for night in range(3):
        evaluated_run(whole, night, failing, "published")
        for tries in range(2):
            cut = evaluated_run(
                home, night + tries / 100, failing, "published" if published else None
            )
            with open_state(home.settings.state_file) as state:
                close_interrupted(state, cut)
        evaluated_run(home, night + 0.3, failing, "published")
    columns = (
        "incident_key, occurrence, strike, status, urgency, failures, opened_at, last_seen_at,"
        " resolved_at"
    )
    for sql in (
        f"select {columns} from incidents order by 1, 2",
        "select * from incident_attempts order by 1, 2, 3",
        "select incident_id, count(*) as told from escalations group by incident_id order by 1",
    ):
        ended = [
            [{k: v for k, v in row.items() if k != "ended_at"} for row in one.state(sql)]
            for one in (home, whole)
        ]
        assert ended[0] == ended[1]
    assert home.state("select max(strike) as most from incidents") == [{"most": 3}]


def evaluated_run(home: Home, night: float, failing: Any, outcome: str | None) -> str:
    """A run that is evaluated, and ends with the outcome if it has one."""
    run_id = f"run_{night}"
    with open_state(home.settings.state_file) as state:
        open_run(state, run_id, FIRST + timedelta(days=night))
    home.night(night, failing)
    with open_state(home.settings.state_file) as state:
        if outcome:
            close_run(state, run_id, outcome, None)
    return run_id


def test_a_night_that_was_looked_at_is_not_looked_at_again(home: Home) -> None:
    """A solution fixes what it can at once: looked at again, it was never there."""
    home.night(0)
    (home.path / "open.txt").touch(mode=0o644)
    (home.path / "open.txt").chmod(0o644)
    home.night(1)
    assert (home.path / "open.txt").stat().st_mode & 0o077 == 0
    before = facts(home)
    second = RunFacts("run_1", FIRST + timedelta(days=1), "published")
    process(home.settings, second, [], home.warehouse, is_evaluated=True)
    assert facts(home) == before
    assert home.incident(symptom="unauthorised_access")["status"] == "open"


def test_a_past_night_computed_again_changes_nothing(home: Home) -> None:
    home.night(0, [control("one")])
    home.night(1, [control("one")])
    before = facts(home)
    outcome = home.night(0, [control("one", "pass"), control("two")])
    assert (outcome.opened, outcome.resolved) == ((), ())
    assert facts(home) == before


def test_what_comes_back_is_the_next_occurrence(home: Home) -> None:
    (first,) = home.night(0, [control("one")]).opened
    home.night(1, [control("one", "pass")])
    (second,) = home.night(2, [control("one")]).opened
    assert (first[:-2], first[-2:], second[-2:]) == (second[:-2], "_1", "_2")


def test_a_control_without_a_verdict_neither_strikes_nor_resolves(home: Home) -> None:
    home.night(0, [control("one")])
    outcome = home.night(1, [control("one", "not_evaluated")])
    assert (outcome.struck, outcome.resolved, outcome.unresolved) == ((), (), 1)


def test_a_failed_run_is_an_incident_until_one_succeeds(home: Home) -> None:
    (incident,) = home.night(0, outcome="failed").opened
    assert home.night(1).resolved == (incident,)


@pytest.fixture
def heirpay(home: Home, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HEIRPAY_HOME", str(home.path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["incidents", *arguments])

    return run


def test_list_show_ack_and_resolve(home: Home, heirpay: Any) -> None:
    assert heirpay("list").output == "No incident is open.\n"
    home.attempts_made(100)
    home.failures("insufficient_funds", 12, "19.99")
    (name,) = home.night(0).opened
    listed = heirpay("list").output
    assert name in listed
    assert "239.88 USD" in listed
    assert json.loads(heirpay("list", "--json").output)[0]["incident_id"] == name
    shown = heirpay("show", name).output
    for text in ("12 of 100 attempts", "retryable_and_when", "Runbook insufficient-funds"):
        assert text in shown
    assert len(json.loads(heirpay("show", name, "--json").output)["worklists"]) == 3

    assert heirpay("ack", name, "--note", "on it").exit_code == 0
    assert home.incident(incident_id=name)["status"] == "acknowledged"
    done = heirpay("resolve", name, "--note", "paid", "--worked", "Called the three customers")
    assert done.exit_code == 0
    assert home.incident(incident_id=name)["status"] == "resolved"
    (book,) = (home.path / "runbooks").iterdir()
    assert "Called the three customers" in book.read_text()
    again = heirpay("resolve", name, "--note", "x")
    assert (again.exit_code, "is resolved already" in again.output) == (1, True)
    assert heirpay("show", "inc_none_1").exit_code == 1
    actions = [r["action"] for r in home.state("select action from audit_log order by sequence")]
    assert actions == ["incident_opened", "incident_acknowledged", "incident_resolved"]


def test_inquiry_release_restore_and_deliver(home: Home, heirpay: Any) -> None:
    assert heirpay("inquiry", "BaFin", "A-1").exit_code == 0
    assert heirpay("inquiry", "BaFin", "A-1", "--close").exit_code == 0
    assert heirpay("inquiry", "BaFin", "A-1", "--close").exit_code == 1

    assert heirpay("release", "--note", "x").exit_code == 1
    assert heirpay("isolate", "--note", "a doubt").exit_code == 0
    assert home.state("select name from switches") == [{"name": "isolation"}]
    assert heirpay("release", "--note", "checked").exit_code == 0

    leak = home.path / "reports" / "leak.csv"
    leak.parent.mkdir()
    leak.write_bytes(b"4242424242424242")
    home.night(0, [control("card_numbers_in_files", evidence={"ids": ["reports/leak.csv"]})])
    assert not leak.exists()
    (stored,) = home.state("select stored_as from quarantined_files")
    assert heirpay("restore", stored["stored_as"]).exit_code == 0
    assert leak.read_bytes() == b"4242424242424242"
    assert heirpay("restore", stored["stored_as"]).exit_code == 1
    assert heirpay("deliver").output == "0 sent, 0 failed, 1 waiting.\n"


def test_names_outside_the_home_are_never_moved(home: Home) -> None:
    outside = home.path.parent / "outside.txt"
    outside.write_text("mine")
    names = ["../outside.txt", str(outside), "state/heirpay.sqlite", "warehouse/heirpay.duckdb"]
    home.night(0, [control("card_numbers_in_files", evidence={"ids": names})])
    assert outside.read_text() == "mine"
    assert home.warehouse.is_file()
    assert home.state("select * from quarantined_files") == []
