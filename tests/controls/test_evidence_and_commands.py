"""The evidence folder and the commands around controls, attestations and the audit log."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from small_build import make_build

from heirpay_pipelines.audit import append, verify
from heirpay_pipelines.audit.commands import audit
from heirpay_pipelines.audit.heads import known_heads
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.controls.commands import attest, controls
from heirpay_pipelines.controls.evidence import EvidenceError, verify_evidence, write_evidence
from heirpay_pipelines.controls.evidence.commands import evidence
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
            settings, state, settings.folder / "evidence" / "x", date(2026, 10, 1),
            date(2026, 11, 1), AT, "ana",
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


def test_any_change_of_any_byte_of_any_file_is_seen(settings: Settings) -> None:
    folder = written(settings)
    names = sorted(path.name for path in folder.iterdir())
    assert {"control_results.csv", "audit_log.csv", "attestations.csv", "waivers.csv", "runs.csv",
            "controls.json", "data_profile.json", "audit_chain.json", "versions.json",
            "manifest.json", "manifest.sig", "public_key.hex"} == set(names)  # fmt: skip
    for name in names:
        path = folder / name
        content = path.read_bytes()
        for changed in (content + b"0", content[:-1], bytes([*content[:1]]) + b"~" + content[2:]):
            if changed != content:
                path.write_bytes(changed)
                assert verify_evidence(folder), f"{name}: {len(changed)} bytes"
        path.write_bytes(content)
    assert verify_evidence(folder) == []


def test_the_profile_tells_of_each_column_and_nothing_personal(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        warehouse.execute(
            "insert into staging.stg_stripe__customers by name"
            " select 'cus_2' as id, true as is_deleted, '' as description"
        )
    (customers,) = [
        table
        for table in json.loads((written(settings) / "data_profile.json").read_text())
        if table["table"] == "staging.stg_stripe__customers"
    ]
    assert customers["rows"] == 2
    by_name = {column.pop("column"): column for column in customers["columns"]}
    assert by_name["created_at"] == {
        "type": "TIMESTAMP", "nulls": 1, "distinct": 1,
        "min": "2026-10-01 00:00:00", "max": "2026-10-01 00:00:00",
    }  # fmt: skip
    assert by_name["is_deleted"] == {
        "type": "BOOLEAN",
        "nulls": 0,
        "distinct": 2,
        "min": "false",
        "max": "true",
    }
    assert by_name["email"] == {"type": "VARCHAR", "nulls": 1, "distinct": 1, "personal_data": True}
    assert by_name["id"] == {"type": "VARCHAR", "nulls": 0, "distinct": 2}


def test_the_head_in_an_evidence_folder_shows_a_log_that_was_cut(
    settings: Settings,
) -> None:
    written(settings)
    with open_state(settings.state_file) as state:
        append(state, AT, "ana", "run", "run-2", {})
        assert verify(state, known_heads(settings)).ok
        for trigger in TRIGGERS:
            state.connection.execute(f"drop trigger {trigger}")
        state.connection.execute("delete from audit_log where sequence > 1")
        kinds = {finding.kind for finding in verify(state, known_heads(settings)).findings}
    assert "truncated" in kinds


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
    folder = next((settings.folder / "evidence").iterdir())
    assert run.invoke(evidence, ["verify", str(folder)]).exit_code == 0
    (folder / "versions.json").write_text("{}")
    assert run.invoke(evidence, ["verify", str(folder)]).exit_code == 1


def test_audit_verify_command(settings: Settings) -> None:
    run = CliRunner()
    settings.warehouse.unlink()  # it is a build, with no head in it
    good = run.invoke(audit, ["verify"])
    assert good.exit_code == 0
    kept = good.output.split("Head ")[1].split()[0]
    assert run.invoke(audit, ["verify", "--head", "x"]).exit_code == 2
    with open_state(settings.state_file) as state:
        for trigger in TRIGGERS:
            state.connection.execute(f"drop trigger {trigger}")
        state.connection.execute("delete from audit_log")
    assert run.invoke(audit, ["verify", "--head", kept]).exit_code == 1
