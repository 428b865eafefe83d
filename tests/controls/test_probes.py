"""Each probe's control can pass and can fail."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from small_build import make_build, since
from test_card_numbers import numbers

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.controls import RunContext
from heirpay_pipelines.controls.engine import open_build
from heirpay_pipelines.controls.probes import PROBES, ProbeInput
from heirpay_pipelines.controls.probes.files import TEST_VIRUS
from heirpay_pipelines.controls.probes.listeners import Listener, look, processes
from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.controls.results import Outcome
from heirpay_pipelines.gateways.stripe.write_probe import key_id
from heirpay_pipelines.receive.signature import Verifier
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
    planted = f"insert into landing.customer values ('cus_2', '{payload}', 'pull-2')"
    found = probe(name, home, planted)
    assert (found.status, found.violations) == ("fail", 1)
    assert (found.checked, found.evidence["read_now"]) == (2, 1)  # pull-1 was clean
    assert probe(name, home, planted).status == "fail"  # again, until it is gone
    assert found.evidence["ids"] == ["cus_2 (description)"]
    assert NUMBER not in str(found)


@pytest.mark.parametrize("hidden", [NUMBER, "\u200b".join(NUMBER), " ".join(NUMBER)])
def test_card_numbers_in_tables(home: Path, hidden: str) -> None:
    assert probe("card_numbers_in_tables", home).status == "pass"
    planted = f"update staging.stg_stripe__customers set description = 'x {hidden}'"
    found = probe("card_numbers_in_tables", home, planted)
    assert found.evidence["ids"] == ["staging.stg_stripe__customers.description"]


def test_card_numbers_in_files(home: Path) -> None:
    (home / "a.log").write_text("nothing here")
    assert probe("card_numbers_in_files", home).status == "pass"
    (home / "b.log").write_text(f"charging {NUMBER}\n")
    assert probe("card_numbers_in_files", home).evidence["ids"] == ["b.log"]


SECRET = "rk_live_" + "a1B2c3D4" * 6
BODY = SECRET.removeprefix("rk_live_")
LEAKS = {
    "plain": SECRET,
    "in a URL": f"?key={quote(SECRET.replace('_', '%5F'))}",
    "hexadecimal": SECRET.encode().hex(),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 inside other text": base64.b64encode(f"Bearer {SECRET}:".encode()).decode(),
    "URL-safe base64, shifted": base64.urlsafe_b64encode(f"ab{SECRET}".encode()).decode(),
    "the first half": SECRET[: len(SECRET) // 2],
    "the last half": SECRET[len(SECRET) // 2 :],
}


@pytest.mark.parametrize("form", LEAKS)
def test_our_own_secret_is_found_in_any_form(home: Path, form: str) -> None:
    log = home / "dagster" / "storage" / "run.db"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\0" * (2**20 - 10) + LEAKS[form].encode() + b"\0")
    found = probe("secrets_in_files", home, STRIPE_API_KEY=SECRET)
    assert "dagster/storage/run.db: stripe_api_key" in found.evidence["ids"]
    assert BODY[:8] not in str(found)


@pytest.mark.parametrize(
    ("setting", "value", "leaked"),
    [
        ("STRIPE_WEBHOOK_SECRET", "whsec_" + "q" * 30 + ",whsec_" + "r" * 30, "whsec_" + "r" * 30),
        ("HEIRPAY_ENCRYPTION_KEY", "a long pass phrase", "a long pass phrase"),
        ("HEIRPAY_NOTIFY", "mailtos://ops:pa55w0rd-of-mail@mail.test", "pa55w0rd-of-mail"),
    ],
)
def test_each_configured_secret_is_looked_for(
    home: Path, setting: str, value: str, leaked: str
) -> None:
    (home / "a.log").write_text("nothing")
    assert probe("secrets_in_files", home, **{setting: value}).status == "pass"
    (home / "a.log").write_text(f"connecting with {leaked} now")
    name = setting.split("_", 1)[1].lower() if setting.startswith("HEIRPAY") else setting.lower()
    assert f"a.log: {name}" in probe("secrets_in_files", home, **{setting: value}).evidence["ids"]


@pytest.mark.parametrize(
    "text",
    [f"{kind}_{'Ab3' * 8}" for kind in ("sk_live", "rk_live", "sk_test", "rk_test", "whsec")]
    + [f"sk_org_live_{'Ab3' * 8}", f"sk_org_{'Ab3' * 8}", "AKIA" + "Q7" * 8]
    + ["https://hooks.slack.com/services/T0AAAA/B0BBBB/cccc", "-----BEGIN PRIVATE KEY-----"]
    + ["postgresql://heirpay:opensesame@db.test/x"],
)
def test_anybodys_secret_is_found(home: Path, text: str) -> None:
    (home / "a.json").write_text(json.dumps({"note": text}))
    found = probe("secrets_in_files", home)
    assert (found.status, found.violations) == ("fail", len(found.evidence["ids"]))
    assert text not in str(found)


def test_what_only_looks_like_a_secret_raises_no_alarm(home: Path) -> None:
    (home / "a.log").write_text(
        "risk_test_scores task_live_updates rk_live_**** sk_test_… whsec_… https://a.test:80/@x"
        " pi_3NX_secret_2 cus_Ab3Ab3Ab3Ab3Ab3Ab3Ab3Ab3"
    )
    found = probe("secrets_in_files", home, STRIPE_API_KEY=SECRET)
    assert found.status == "pass", found


def test_encrypted_at_rest(home: Path) -> None:
    from heirpay_pipelines.duck import connect

    key = "k" * 40
    assert probe("encrypted_at_rest", home).status == "fail"
    assert probe("encrypted_at_rest", home, key=key).status == "not_evaluated"
    given = Settings(HEIRPAY_HOME=home, HEIRPAY_ENCRYPTION_KEY=key)
    folder = home / "warehouse"
    folder.mkdir()
    with connect(folder / "a.duckdb", key, read_only=False) as connection:
        connection.execute("create table t as select range as a, 'text' as b from range(100000)")
    (home / "bank").mkdir()
    (home / "bank" / "october.csv").write_text("2026-10-01;119.00;Jane Doe, who paid an invoice")
    (home / "reports").mkdir()
    sealed.write(home / "reports" / "report.html", b"<p>Revenue: 12.00 USD</p>" * 9, key)
    with open_state(given.state_file) as state:
        append(state, AS_OF, "ana", Action.QUERY, "something that is text for long enough", {})
        found = probe("encrypted_at_rest", home, key=key)  # with its write-ahead log
    assert (found.status, found.checked) == ("pass", 4)
    assert found.evidence["bank_statements_left_plain"] == 1

    with duckdb.connect(str(folder / "b.duckdb")) as plain:
        plain.execute("create table t as select 1 as a; checkpoint")
        plain.execute(f"copy t to '{folder / 'c.parquet'}'")
    (folder / "d.tmp").write_text("spilled: " + "jane@example.com," * 9)
    (home / "reports" / "exports.csv").write_text("a,b\n")
    given.state_file.unlink()
    with open_state(Settings(HEIRPAY_HOME=home).state_file):
        pass
    found = probe("encrypted_at_rest", home, key=key)
    assert found.evidence["ids"] == [
        "warehouse/b.duckdb", "warehouse/c.parquet", "warehouse/d.tmp", "reports/exports.csv",
        "state/heirpay.sqlite",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["logs/a.log", "reports/2026-11-01/report.html"])
def test_personal_data_in_files_is_found_also_where_it_is_sealed(home: Path, name: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True)
    sealed.write(path, b"x" * (2**20 - 3) + b" a@b.test ", "k" * 40)
    found = probe("personal_data_in_files", home, key="k" * 40)
    assert (found.status, found.evidence["ids"]) == ("fail", [name])
    assert "a@b.test" not in str(found)
    # What is made to hold account data has a control of its own.
    path.unlink()
    (home / "warehouse").mkdir()
    (home / "warehouse" / "a.duckdb").write_bytes(b"a@b.test")
    assert probe("personal_data_in_files", home).status == "pass"


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


def test_listeners_on_loopback(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert probe("listeners_on_loopback", home).status == "pass"
    with socket.create_server(("0.0.0.0", 0)) as exposed:
        found = probe("listeners_on_loopback", home)
        port = exposed.getsockname()[1]
        assert any(id.endswith(f"on 0.0.0.0 port {port}") for id in found.evidence["ids"])


def test_keys_and_tls(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = "rk_live_" + "a" * 20
    assert probe("production_key", home, STRIPE_API_KEY=live).status == "pass"
    assert probe("production_key", home, STRIPE_API_KEY="rk_test_" + "a" * 9).status == "fail"
    assert probe("production_key", home).status == "fail"
    loopback = probe("production_key", home, STRIPE_API_BASE="http://127.0.0.1:9")
    assert loopback.status == "not_applicable"
    assert probe("tls_settings", home).status == "pass"
    for address, fault in {
        "jsons://hooks.test/x": None,
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ": None,
        "json://127.0.0.1:9/x": None,
        "json://hooks.test/x": "has no TLS",
        "jsons://hooks.test/x?verify=no": "verifies no certificate",
    }.items():
        found = probe("tls_settings", home, HEIRPAY_NOTIFY=address)
        assert found.status == ("fail" if fault else "pass"), found
        assert (fault or "") in str(found.evidence.get("ids", ""))
        assert "hooks.test" not in str(found)
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


def test_hostile_bodies_are_refused_with_the_secret_that_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = "insert into state.webhook_endpoint values (1)"
    assert probe("webhook_signatures", home).status == "not_applicable"
    assert probe("webhook_signatures", home, started).status == "fail"
    good = probe("webhook_signatures", home, STRIPE_WEBHOOK_SECRET="whsec_abc")
    assert good.status == "pass"
    assert (good.evidence["hostile"], good.evidence["refused"]) == (12, 12)
    monkeypatch.setattr(Verifier, "verify", lambda *_: None)  # a verifier that believes everything
    gullible = probe("webhook_signatures", home, STRIPE_WEBHOOK_SECRET="whsec_abc")
    assert (gullible.status, gullible.evidence["refused"]) == ("fail", 0)


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


def test_personal_data_map(home: Path) -> None:
    assert probe("personal_data_map", home).status == "pass"
    added = "alter table staging.stg_stripe__refunds add column customer_email varchar"
    assert (
        "staging.stg_stripe__refunds.customer_email: not tagged"
        in (probe("personal_data_map", home, added).evidence["ids"])
    )


def test_retention_counts_from_the_last_activity_not_from_the_first(home: Path) -> None:
    assert probe("retention_enforced", home).status == "pass"
    old = "update staging.stg_stripe__customers set created_at = timestamp '2010-01-01'"
    assert probe("retention_enforced", home, old).status == "pass"
    found = probe("retention_enforced", home, *since("2022-06-01"))
    assert (found.status, found.evidence["ids"]) == (
        "fail",
        ["payment_instrument of cus_1", "contact of cus_1"],
    )


def test_one_probe_that_raises_leaves_the_others(home: Path) -> None:
    from heirpay_pipelines.controls import run_controls

    chosen = [c for c in load_register() if c.key in ("retention_enforced", "tls_outbound")]
    run = RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=home), AS_OF)
    build = make_build(home.parent / "b.duckdb", "drop table staging.stg_stripe__customers")
    results = {r.key: r for r in run_controls(build, replace(run, run_id="r"), controls=chosen)}
    assert results["retention_enforced"].status == "not_evaluated"
    assert results["tls_outbound"].status == "pass"


def test_what_listens_in_another_process_of_heirpay_is_seen(home: Path) -> None:
    """A `heirpay receive`, started by hand. On loopback: other tests' nights look at it, too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY", "STRIPE"))}
    environment |= {"HEIRPAY_HOME": str(home), "STRIPE_WEBHOOK_SECRET": "whsec_" + "t" * 32}
    command = [sys.executable, "-m", "heirpay_pipelines", "receive", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd=home) as process:
        try:
            deadline, seen = time.monotonic() + 60, set[int]()
            while time.monotonic() < deadline and port not in seen:
                time.sleep(0.2)
                seen = {item.port for item in look(processes()).listeners}
            assert port in seen
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.9.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.4", False), ("::ffff:10.0.0.4", False)],
)  # fmt: skip
def test_which_addresses_are_loopback(address: str, loopback: bool) -> None:
    assert Listener(address, 1, "x").is_loopback is loopback


def test_a_program_a_script_and_the_test_virus_are_found_among_the_data(home: Path) -> None:
    (home / "bank").mkdir()
    for name, content in {"a.csv": b"#!/bin/sh\n", "b.xml": b"MZ\x90", "c.txt": TEST_VIRUS}.items():
        (home / "bank" / name).write_bytes(content)
    (home / "run.sql").write_text("select 1")
    (home / "run.sql").chmod(0o700)
    assert probe("no_programs", home).evidence["ids"] == [
        "a.csv: a script",
        "b.xml: a program of Windows",
        "c.txt: the EICAR test virus",
        "run.sql: may be executed",
    ]


@pytest.mark.parametrize(("found", "status"), [([], "pass"), ([{"id": "PYSEC-1"}], "fail")])
def test_advisories_are_asked_at_the_address_given_and_nowhere_else(
    home: Path, monkeypatch: pytest.MonkeyPatch, found: list[object], status: str
) -> None:
    from importlib.metadata import distributions

    listed = [{"name": d.metadata["Name"], "version": d.version, "vulns": found}
              for d in distributions()]  # fmt: skip
    folder = home / "bin"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps({"dependencies": listed}))
    program = folder / "pip-audit"
    program.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\ncat {folder}/report.json\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    address = "https://advisories.example/v1/query"
    assert probe("known_vulnerabilities", home, HEIRPAY_ADVISORIES=address).status == status
    asked = (folder / "asked").read_text().split()
    assert [word for word in asked if "://" in word] == [address]
    program.write_text("#!/bin/sh\nexit 2\n")
    silent = probe("known_vulnerabilities", home, HEIRPAY_ADVISORIES=address)
    assert silent.status == "not_evaluated"
