"""Each probe's control can pass and can fail."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from small_build import make_build
from test_card_numbers import numbers

from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.check import RunContext
from heirpay_pipelines.check.engine import open_build
from heirpay_pipelines.check.probes import PROBES, ProbeInput
from heirpay_pipelines.check.register import load_register
from heirpay_pipelines.check.results import Outcome
from heirpay_pipelines.pull.write_probe import key_id
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
NUMBER = numbers(1, seed=1)[0]


def probe(
    name: str, home: Path, *mutations: str, key: str | None = None, **settings: str
) -> Outcome:
    home.mkdir(mode=0o700, exist_ok=True)
    build = home.parent / f"{name}-{len(list(home.parent.glob('*.duckdb')))}.duckdb"
    make_build(build, *mutations)
    run = RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=home, **settings), AS_OF, key)
    with open_build(build, None) as connection:
        return PROBES[name](ProbeInput(connection, run))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def test_every_probe_of_the_register_exists_and_is_used() -> None:
    assert {item.probe for item in load_register() if item.probe} == set(PROBES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("card_numbers_in_payloads", f"my card {NUMBER}"),
        ("track_data_in_payloads", f"%B{NUMBER}^DOE/JANE^29121010000000000?"),
        ("verification_codes_in_payloads", "cvv 123"),
    ],
)
def test_payload_probes(home: Path, name: str, text: str) -> None:
    assert probe(name, home).status == "pass"
    payload = json.dumps({"id": "cus_2", "description": text})
    found = probe(name, home, f"insert into landing.customer values ('cus_2', '{payload}')")
    assert (found.status, found.violations) == ("fail", 1)
    assert found.evidence["ids"] == ["cus_2 (description)"]
    assert NUMBER not in str(found)


@pytest.mark.parametrize("hidden", [NUMBER, "\u200b".join(NUMBER), " ".join(NUMBER)])
def test_card_numbers_in_tables(home: Path, hidden: str) -> None:
    assert probe("card_numbers_in_tables", home).status == "pass"
    planted = f"update staging.customers set description = 'x {hidden}'"
    found = probe("card_numbers_in_tables", home, planted)
    assert found.evidence["ids"] == ["staging.customers.description"]


def test_card_numbers_in_files(home: Path) -> None:
    (home / "a.log").write_text("nothing here")
    assert probe("card_numbers_in_files", home).status == "pass"
    (home / "b.log").write_text(f"charging {NUMBER}\n")
    assert probe("card_numbers_in_files", home).evidence["ids"] == ["b.log"]


def test_secrets_in_files(home: Path) -> None:
    secret = "rk_live_" + "a1b2c3d4" * 3
    (home / "a.bin").write_bytes(b"x" * (2**20 - 10))
    assert probe("secrets_in_files", home, STRIPE_API_KEY=secret).status == "pass"
    (home / "a.bin").write_bytes(b"x" * (2**20 - 10) + secret.encode() + b"y")
    found = probe("secrets_in_files", home, STRIPE_API_KEY=secret)
    assert found.evidence["ids"] == ["a.bin: stripe_api_key"]
    assert secret not in str(found)


def test_file_modes(home: Path) -> None:
    file = home / "a"
    file.touch(mode=0o600)
    assert probe("file_modes", home).status == "pass"
    file.chmod(0o640)
    assert probe("file_modes", home).evidence["ids"] == ["a"]


def test_encrypted_at_rest(home: Path) -> None:
    from heirpay_pipelines.duck import connect

    assert probe("encrypted_at_rest", home).status == "fail"
    assert probe("encrypted_at_rest", home, key="k" * 20).status == "not_evaluated"
    folder = home / "warehouse"
    folder.mkdir()
    with connect(folder / "a.duckdb", "k" * 20, read_only=False) as connection:
        connection.execute("create table t as select 1 as a")
    assert probe("encrypted_at_rest", home, key="k" * 20).status == "pass"
    with duckdb.connect(str(folder / "b.duckdb")) as plain:
        plain.execute("create table t as select 1 as a; checkpoint")
        plain.execute(f"copy t to '{folder / 'c.parquet'}'")
    found = probe("encrypted_at_rest", home, key="k" * 20)
    assert found.evidence["ids"] == ["warehouse/b.duckdb", "warehouse/c.parquet"]


def test_audit_chain(home: Path) -> None:
    state_file = Settings(HEIRPAY_HOME=home).state_file
    assert probe("audit_chain", home).status == "not_evaluated"
    with open_state(state_file) as state:
        append(state, AS_OF, "ana", "run", "1", {})
    assert probe("audit_chain", home).status == "pass"
    with open_state(state_file) as state:
        for trigger in TRIGGERS:
            state.connection.execute(f"drop trigger {trigger}")
        state.connection.execute("update audit_log set actor = 'eve'")
    assert probe("audit_chain", home).status == "fail"


def test_runs_and_retention(home: Path) -> None:
    assert probe("run_recorded", home).status == "not_applicable"
    with open_state(Settings(HEIRPAY_HOME=home).state_file) as state:
        state.connection.execute(
            "insert into runs (run_id, as_of, started_at, outcome)"
            " values ('run-1', ?, ?, 'published')",
            (AS_OF.isoformat(), (AS_OF - timedelta(days=90)).isoformat()),
        )
        append(state, AS_OF, "ana", "run_checked", "run-0", {})
    assert probe("run_recorded", home).evidence["ids"] == ["run-1"]
    assert probe("log_retention", home).status == "fail"  # it begins 90 days after the first run
    with open_state(Settings(HEIRPAY_HOME=home).state_file) as state:
        append(state, AS_OF, "ana", "run_checked", "run-1", {})
        state.connection.execute("update runs set started_at = ?", (AS_OF.isoformat(),))
    assert probe("run_recorded", home).status == "pass"
    assert probe("log_retention", home).status == "pass"


def test_segregation_of_duties(home: Path) -> None:
    state_file = Settings(HEIRPAY_HOME=home).state_file
    assert probe("segregation_of_duties", home).status == "not_applicable"
    with open_state(state_file) as state:
        append(state, AS_OF, "ana", "settings_changed", "run", {})
        append(state, AS_OF, "ben", "incident_resolved", "i", {})
    assert probe("segregation_of_duties", home).status == "pass"
    with open_state(state_file) as state:
        append(state, AS_OF, "ana", "attest", "x", {})
    assert probe("segregation_of_duties", home).evidence["ids"] == ["ana"]


def test_closing_a_month_after_changing_settings_is_flagged(home: Path) -> None:
    with open_state(Settings(HEIRPAY_HOME=home).state_file) as state:
        append(state, AS_OF, "ana", "settings_changed", "run", {})
        append(state, AS_OF, "ana", "month_closed", "2026-10", {})
    assert probe("segregation_of_duties", home).evidence["ids"] == ["ana"]


def test_listeners_on_loopback(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert probe("listeners_on_loopback", home).status == "pass"
    with socket.create_server(("0.0.0.0", 0)) as exposed:
        found = probe("listeners_on_loopback", home)
        assert f"port {exposed.getsockname()[1]}" in found.evidence["ids"]


def test_keys_and_tls(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = "rk_live_" + "a" * 20
    assert probe("production_key", home, STRIPE_API_KEY=live).status == "pass"
    assert probe("production_key", home, STRIPE_API_KEY="rk_test_" + "a" * 9).status == "fail"
    assert probe("production_key", home).status == "fail"
    loopback = probe("production_key", home, STRIPE_API_BASE="http://127.0.0.1:9")
    assert loopback.status == "not_applicable"
    assert probe("tls_settings", home).status == "pass"
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    assert probe("tls_settings", home).status == "fail"


def test_least_privilege_key(home: Path) -> None:
    live = "rk_live_" + "a" * 20
    asked = f"update landing.write_permissions set key_id = '{key_id(live)}'"
    may = "insert into landing.write_permissions select * replace ('refunds' as resource, '{}' as"
    may += " answer) from landing.write_permissions"
    earlier = (
        "insert into landing.write_permissions select * replace ('2026-10-01' as probed_at,"
        " 'permitted' as answer) from landing.write_permissions"
    )

    def found(*mutations: str, key: str = live) -> Outcome:
        return probe("least_privilege_key", home, *mutations, STRIPE_API_KEY=key)

    assert found().status == "not_evaluated"  # it was another key that was asked of
    assert found(asked, earlier).status == "pass"
    assert found(asked, may.format("permitted")).evidence["ids"] == ["may write refunds"]
    assert found(asked, may.format("unclear")).status == "not_evaluated"
    assert found(key="sk_live_abc").status == "fail"
    assert live not in str(found(asked))


def test_webhook_secret(home: Path) -> None:
    started = "insert into state.webhook_endpoint values (1)"
    assert probe("webhook_secret", home).status == "not_applicable"
    assert probe("webhook_secret", home, started).status == "fail"
    good = probe("webhook_secret", home, started, STRIPE_WEBHOOK_SECRET="whsec_abc")
    assert good.status == "pass"


def test_telemetry_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_DISABLE_TELEMETRY", raising=False)
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    assert probe("telemetry_off", home).status == "fail"
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert probe("telemetry_off", home).status == "pass"


def test_known_vulnerabilities(home: Path) -> None:
    from importlib.metadata import distributions

    assert probe("known_vulnerabilities", home).status == "not_evaluated"
    path = home / "security" / "advisories.json"
    path.parent.mkdir()
    listed = [
        {"name": d.metadata["Name"], "version": d.version, "vulns": []} for d in distributions()
    ]
    path.write_text(json.dumps({"dependencies": listed[:3]}))
    os.utime(path, (AS_OF.timestamp(), AS_OF.timestamp()))
    assert probe("known_vulnerabilities", home).status == "not_evaluated"
    path.write_text(json.dumps({"dependencies": listed}))
    os.utime(path, (AS_OF.timestamp(), AS_OF.timestamp()))
    assert probe("known_vulnerabilities", home).status == "pass"
    listed[0]["vulns"] = [{"id": "PYSEC-1"}]
    path.write_text(json.dumps({"dependencies": listed}))
    os.utime(path, (AS_OF.timestamp(), AS_OF.timestamp()))
    assert probe("known_vulnerabilities", home).status == "fail"


def test_personal_data_map_and_retention(home: Path) -> None:
    assert probe("personal_data_map", home).status == "pass"
    added = "alter table staging.refunds add column customer_email varchar"
    assert (
        "staging.refunds.customer_email: not tagged"
        in (probe("personal_data_map", home, added).evidence["ids"])
    )
    assert probe("retention_enforced", home).status == "pass"
    old = "update staging.customers set created_at = timestamp '2010-01-01'"
    assert probe("retention_enforced", home, old).status == "fail"


def test_landing_unchanged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from heirpay_pipelines.land.landing import Landing, sha256_of
    from heirpay_pipelines.land.manifest import LandedFile

    settings = Settings(HEIRPAY_HOME=home)
    assert probe("landing_unchanged", home).status == "not_evaluated"
    settings.landing_dir.mkdir()
    file = settings.landing_dir / "a.parquet"
    file.write_bytes(b"one")
    landed = {"charge": [LandedFile("a.parquet", "charge", 1, sha256_of(file))]}
    monkeypatch.setattr(Landing, "files", lambda *_: landed)
    assert probe("landing_unchanged", home).status == "pass"
    file.write_bytes(b"two")
    assert probe("landing_unchanged", home).evidence["ids"] == ["a.parquet"]


def test_one_probe_that_raises_leaves_the_others(home: Path) -> None:
    from heirpay_pipelines.check import run_controls

    chosen = [c for c in load_register() if c.key in ("retention_enforced", "tls_outbound")]
    run = RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=home), AS_OF)
    build = make_build(home.parent / "b.duckdb", "drop table staging.customers")
    results = {r.key: r for r in run_controls(build, replace(run, run_id="r"), controls=chosen)}
    assert results["retention_enforced"].status == "not_evaluated"
    assert results["tls_outbound"].status == "pass"
