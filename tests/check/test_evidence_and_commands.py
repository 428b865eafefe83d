"""The evidence folder and the commands around controls, attestations and the audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_build import make_build

from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.commands import audit
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.check.commands import attest, controls
from heirpay_pipelines.check.evidence import EvidenceError, verify_evidence, write_evidence
from heirpay_pipelines.check.evidence.commands import evidence
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    loaded = Settings.load()
    loaded.warehouse_dir.mkdir(parents=True)
    make_build(loaded.warehouse)
    with open_state(loaded.state_file) as state:
        append(state, AT, "ana", "run", "run-1", {})
    return loaded


def written(settings: Settings) -> Path:
    with open_state(settings.state_file) as state:
        return write_evidence(
            settings, state, settings.home / "evidence" / "x", date(2026, 10, 1), date(2026, 11, 1),
            AT, "ana",
        )  # fmt: skip


def test_evidence_verifies_as_written(settings: Settings) -> None:
    folder = written(settings)
    key = (folder / "public_key.hex").read_text()
    assert verify_evidence(folder, key) == []
    assert "run-1" in (folder / "audit_log.csv").read_text()
    assert "finance.mrr_monthly" in (folder / "data_profile.json").read_text()
    assert all(not path.stat().st_mode & 0o077 for path in folder.iterdir())
    with pytest.raises(EvidenceError, match="not empty"):
        written(settings)


@pytest.mark.parametrize("name", ["control_results.csv", "manifest.json", "manifest.sig"])
def test_changed_evidence_is_seen(settings: Settings, name: str) -> None:
    folder = written(settings)
    path = folder / name
    path.write_bytes(path.read_bytes() + b"0")
    assert verify_evidence(folder)


def test_missing_added_and_foreign_evidence_is_seen(settings: Settings) -> None:
    folder = written(settings)
    assert verify_evidence(folder, "00" * 32) == ["the folder was signed with another key"]
    (folder / "more.txt").write_text("x")
    (folder / "runs.csv").unlink()
    assert verify_evidence(folder) == ["more.txt was added", "runs.csv is missing"]


def test_commands(settings: Settings) -> None:
    run = CliRunner()
    assert "physical_access" in run.invoke(controls, ["list", "--framework", "pci_dss"]).output
    shown = run.invoke(controls, ["show", "physical_access"])
    assert "PCI DSS 4.0.1 9.2.1" in shown.output
    assert run.invoke(controls, ["show", "nonsense"]).exit_code == 2
    assert run.invoke(attest, ["balance_identity", "--by", "Ana"]).exit_code == 2
    done = run.invoke(attest, ["physical_access", "--by", "Ana", "--reference", "SOC2-7"])
    assert done.exit_code == 0, done.output
    assert "attest physical_access" in run.invoke(audit, ["log"]).output
    assert run.invoke(evidence, ["--from", "2026-10-01"]).exit_code == 0
    folder = next((settings.home / "evidence").iterdir())
    assert run.invoke(evidence, ["verify", str(folder)]).exit_code == 0
    (folder / "versions.json").write_text("{}")
    assert run.invoke(evidence, ["verify", str(folder)]).exit_code == 1


def test_audit_verify_command(settings: Settings) -> None:
    run = CliRunner()
    good = run.invoke(audit, ["verify"])
    assert good.exit_code == 0
    kept = good.output.split("Head ")[1].strip()
    assert run.invoke(audit, ["verify", "--head", "x"]).exit_code == 2
    with open_state(settings.state_file) as state:
        for trigger in TRIGGERS:
            state.connection.execute(f"drop trigger {trigger}")
        state.connection.execute("delete from audit_log")
    assert run.invoke(audit, ["verify", "--head", kept]).exit_code == 1
