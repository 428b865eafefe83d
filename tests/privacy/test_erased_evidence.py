"""Evidence folders after an erasure: never silently broken, never silently rewritten."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

import planted
import pytest
from click.testing import CliRunner
from planted import AT, CUSTOMER

from heirpay_pipelines.controls.evidence import rewritings, verify_evidence, write_evidence
from heirpay_pipelines.controls.evidence.commands import evidence
from heirpay_pipelines.privacy.erase import GdprError, erase
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

NIGHT = date(2026, 11, 1)


def written(settings: Settings, name: str, day: date = NIGHT) -> Path:
    with open_state(settings.state_file) as state:
        target = settings.folder / "evidence" / name
        return write_evidence(settings, state, target, day, day, AT, "ana")


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def test_a_folder_that_named_the_person_is_signed_again_and_says_so(tmp_path: Path) -> None:
    settings = planted.plant(tmp_path / "home", None)
    folder = written(settings, "november")
    other = written(settings, "may", date(2026, 5, 1))  # of a day without results
    handed_over, before, untouched = tmp_path / "auditor", digest(folder), digest(other)
    shutil.copytree(folder, handed_over)
    key = (folder / "public_key.hex").read_text()
    assert CUSTOMER in (folder / "control_results.csv").read_text()

    erase(settings, CUSTOMER, "r", "Dana", AT)
    assert planted.traces(settings) == []
    assert verify_evidence(folder, key) == []
    (entry,) = rewritings(folder)
    assert (entry["instead_of"], entry["at"]) == (before, AT.isoformat())
    said = CliRunner().invoke(evidence, ["verify", str(folder), "--public-key", key]).output
    assert "Signed again on 2026-11-01" in said
    assert before in said
    with open_state(settings.state_file) as state:
        (row,) = state.rows("select * from audit_log where action = 'evidence_rewritten'")
    assert (row["subject"], row["actor"]) == ("november", "Dana")
    assert json.loads(row["detail"]) == {"files": 1, "before": before, "after": digest(folder)}

    assert (digest(other), rewritings(other)) == (untouched, [])
    assert verify_evidence(handed_over, key) == []  # out of reach, and still what was signed
    assert digest(handed_over) == before


def test_a_folder_that_was_changed_is_not_signed_again(tmp_path: Path) -> None:
    settings = planted.plant(tmp_path / "home", None)
    folder = written(settings, "november")
    with (folder / "control_results.csv").open("a") as file:
        file.write("forged\n")
    with pytest.raises(GdprError, match=r"evidence/november/control_results\.csv"):
        erase(settings, CUSTOMER, "r", "Dana", AT)
    assert verify_evidence(folder) == ["control_results.csv was changed"]
