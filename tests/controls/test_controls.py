"""The runner, attestations, the verdict, storing, Great Expectations' own pages."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from small_build import MUTATIONS, make_build

from heirpay_pipelines.controls import (
    Control,
    ControlResult,
    RunContext,
    load_register,
    run_controls,
    store_results,
    verdict,
)
from heirpay_pipelines.controls.attestations import attest
from heirpay_pipelines.controls.register import RegisterError, parse_controls
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


def context(home: Path, **settings: str) -> RunContext:
    return RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=home, **settings), AS_OF)


def one(build: Path, run: RunContext, control: Control) -> ControlResult:
    (result,) = run_controls(build, run, controls=[control])
    return result


def control(key: str) -> Control:
    return next(item for item in load_register() if item.key == key)


def test_a_missing_table_makes_one_control_not_evaluated_and_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = make_build(tmp_path / "b.duckdb", "drop table finance.churn_monthly")
    chosen = [control("churn_adds_up"), control("balance_identity")]
    docs = tmp_path / "docs"
    missing, whole = run_controls(build, context(tmp_path), controls=chosen, data_docs=docs)
    assert (missing.status, whole.status) == ("not_evaluated", "pass")
    assert (docs / "index.html").is_file()
    assert "churn_monthly" in missing.evidence["reason"]
    assert not verdict([missing, whole]).publish
    assert verdict([whole]).publish
    assert not verdict([]).publish
    assert str(verdict([missing, whole])) == "1 of 2 controls evidenced"
    assert capsys.readouterr().out == ""  # Great Expectations likes to talk


def test_nothing_is_written_outside_the_pages_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Great Expectations by itself builds a second site, in clear, in a temporary folder that it
    removed before: whoever makes it anew, with a link in it, has files of their choice written
    over."""
    temporary, victim = tmp_path / "tmp", tmp_path / "victim"
    temporary.mkdir()
    victim.write_text("mine")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    cleanup = tempfile.TemporaryDirectory.cleanup

    def cleanup_and_another_user(folder: tempfile.TemporaryDirectory[str]) -> None:
        cleanup(folder)
        Path(folder.name).mkdir()
        (Path(folder.name) / "index.html").symlink_to(victim)

    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", cleanup_and_another_user)
    monkeypatch.setattr(tempfile.TemporaryDirectory, "__exit__", lambda self, *_: self.cleanup())
    build = make_build(tmp_path / "b.duckdb")
    docs = tmp_path / "docs"
    run_controls(build, context(tmp_path), controls=[control("invoice_totals")], data_docs=docs)
    assert victim.read_text() == "mine"
    assert [f for f in temporary.rglob("*") if f.is_file() and not f.is_symlink()] == []
    assert (docs / "index.html").is_file()


def test_a_warning_does_not_stop_publication(tmp_path: Path) -> None:
    build = make_build(tmp_path / "b.duckdb", MUTATIONS["invoice_totals"])
    result = one(build, context(tmp_path), control("invoice_totals"))
    assert result.evidence == {"ids": ["in_1"]}
    assert verdict([result]).publish
    assert verdict([result]).warnings == (result,)


@pytest.mark.parametrize("key", ["coverage_complete", "charge_balance_transaction_exists"])
def test_a_refusal_names_what_is_behind_each_blocking_control(tmp_path: Path, key: str) -> None:
    build = make_build(tmp_path / "b.duckdb", MUTATIONS[key])
    result = one(build, context(tmp_path), control(key))
    reason = str(verdict([result]).reason)
    assert reason.startswith("1 blocking control did not pass: ")
    assert result.title in reason
    assert result.evidence["ids"][0] in reason


def test_a_refusal_says_why_in_words_and_not_for_ever(tmp_path: Path) -> None:
    build = make_build(tmp_path / "b.duckdb")
    passed = one(build, context(tmp_path), control("coverage_complete"))
    files = [f"objects/charge/{n}.parquet" for n in range(9)]
    failed = replace(passed, status="fail", checked=1234, violations=9, evidence={"ids": files})
    unknown = replace(passed, status="not_evaluated", evidence={"reason": "the disk\nis gone"})
    reason = str(verdict([failed, unknown, *[failed] * 8]).reason)
    assert reason.startswith("10 blocking controls did not pass: ")
    assert f"9 of 1,234 at fault, {', '.join(files[:5])} and 4 more" in reason
    assert "could not be evaluated: the disk is gone" in reason
    assert reason.endswith("and 5 more, in the report")
    assert verdict([]).reason == "no control was evaluated"


def test_an_attestation_expires_and_cannot_be_edited(tmp_path: Path) -> None:
    build, item = make_build(tmp_path / "b.duckdb"), control("physical_access")
    run = context(tmp_path)
    assert one(build, run, item).status == "not_evaluated"
    with open_state(run.settings.state_file) as state:
        attest(state, item.key, "Ana", "ana", "seen on site", None, AS_OF, 365)
    assert one(build, run, item).status == "attested"
    assert verdict([one(build, run, item)]).evidenced == 1
    later = replace(run, checked_at=datetime(2027, 11, 2, tzinfo=UTC))
    assert one(build, later, item).status == "not_evaluated"
    with open_state(run.settings.state_file) as state:
        state.connection.execute("update attestations set expires_at = '2099-01-01T00:00:00+00:00'")
    assert one(build, later, item).status == "not_evaluated"


def test_results_are_stored_with_comments_and_history(tmp_path: Path) -> None:
    build = make_build(tmp_path / "b.duckdb")
    run = context(tmp_path)
    chosen = [control("balance_identity"), control("invoice_totals")]
    with open_state(run.settings.state_file) as state:
        for name in ("run-1", "run-2", "run-2"):
            results = run_controls(build, replace(run, run_id=name), controls=chosen)
            store_results(state, build, None, results)
        assert state.rows("select count(*) as n from control_results")[0]["n"] == 4
    with duckdb.connect(str(build), read_only=True) as connection:
        stored = connection.execute(
            "select run_id, status, evidence, checked_at from compliance.control_results"
        ).fetchall()
        assert len(stored) == 4
        assert all(
            json.loads(row[2]) == {} and row[3] == AS_OF.replace(tzinfo=None) for row in stored
        )
        uncommented = connection.execute(
            "select column_name from duckdb_columns() where table_name in"
            " ('control_results', 'audit_log') and schema_name <> 'state' and comment is null"
        ).fetchall()
        assert uncommented == []
        logged = connection.execute("select count(*) from operations.audit_log").fetchone()
        assert logged == (3,)


def test_a_wrong_register_names_control_and_field() -> None:
    text = "framework: finance\ncontrols: [{key: abc, step: 1, severity: fatal}]"
    with pytest.raises(RegisterError, match=r"f\.yaml, control abc: .*severity"):
        parse_controls(text, "f.yaml")
