"""A report that is killed while it takes the place of an earlier one: the old or the new one is
there, whole, and the next run writes it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dying import die_at

from heirpay_pipelines.report import drafts, write
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = {
    "before a file is written": ("heirpay_pipelines.at_rest.sealed:write", 1, "run-1"),
    "before the second file": ("heirpay_pipelines.at_rest.sealed:write", 2, "run-1"),
    "before it takes the old one's place": (f"{drafts.__name__}:_replace", 1, "run-1"),
    "before `latest` points at it": (f"{write.__name__}:_point_latest", 1, "run-2"),
    "before the link is replaced": ("os:replace", 1, "run-2"),
}


def report(settings: Settings, run_id: str) -> None:
    facts = RunFacts(run_id, AS_OF, "refused", "a blocking control failed")
    write.write_report(settings, facts, [])


def reported(settings: Settings) -> str:
    """The run whose report `latest` shows."""
    text = (settings.reports_dir / "latest" / "report.json").read_text()
    return str(json.loads(text)["project_status"]["run_id"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = Settings(HEIRPAY_HOME=tmp_path)
    with open_state(given.state_file):
        pass
    report(given, "run-1")
    return given


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_report_is_the_old_or_the_new_one(
    settings: Settings, step: str
) -> None:
    place, turn, left = STEPS[step]
    die_at(place, turn, report, settings, "run-2")
    assert reported(settings) == left
    report(settings, "run-3")
    assert reported(settings) == "run-3"
    # What was half made waits for the next run, which clears it before it begins.
    drafts.discard_drafts(settings.reports_dir)
    assert {path.name for path in settings.reports_dir.iterdir()} == {"2026-11-01", "latest"}
    assert reported(settings) == "run-3"


def test_killed_between_the_two_moves_the_next_run_has_all_files_again(settings: Settings) -> None:
    (settings.reports_dir / "latest" / "data_docs").mkdir()  # of another step: kept
    die_at("pathlib:Path.rename", 2, report, settings, "run-2")
    drafts.discard_drafts(settings.reports_dir)  # puts the old one back: nothing took its place
    assert reported(settings) == "run-1"
    report(settings, "run-3")
    assert reported(settings) == "run-3"
    assert (settings.reports_dir / "latest" / "data_docs").is_dir()
