"""A whole night with a key that is killed again and again, with bank files that must be refused: it
ends as a night ends that was left alone. No customer's e-mail or name can be read in any file, not
even in what a killed build leaves; and everything that reads the night reads it with the key."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from installed import NOW, Installation
from mcp import Client, StdioServerParameters
from night_figures import fingerprint, last_run
from nights import give_parsed_project
from receive_endpoint import event, running
from working_on import wait_for_none

from heirpay_pipelines.controls.probes.encryption import account_data, is_plain
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # its runs stand in the first test
KEY = "correct horse battery staple, and more"
CASES = Path(__file__).parents[1] / "bank" / "bank_cases"
REFUSED = {
    "bai2_cut_after_detail.bai2": "the file's trailer (99) is missing",
    "bai2_group_status_test.bai2": "the file is a test",
    "camt_closing_other_ccy.xml": "opening balances are in eur",
    "01_decimal_comma_default/x.csv": "line 2: column Amount",
    "25_unclosed_quote/x.csv": "line 2, column 2: a quote is not closed",
    "28_amount_and_none_mapping/x.csv": "the mapping names no amount",
    "35_balance_each_day/x.csv": "line 5: the balance says 99900",
    "endless.ofx": "the file holds no statement",
    "picture.png": "no statement in a known format",
}
"""Each refused bank file, and what is said of it."""
EMAILS = r"""
select distinct unnest(regexp_extract_all(payload, '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+[.][a-z.]+'))
from {files}
"""
NAMES = "select distinct payload ->> '$.name' from {files} where payload ->> '$.name' is not null"


@dataclass(frozen=True)
class EncryptedNight:
    night: Installation
    folders: tuple[Path, ...]
    while_built: list[str]

    @property
    def settings(self) -> Settings:
        return self.night.settings


@pytest.fixture(scope="module")
def encrypted(
    account: EmbeddedAccount, account_bank: Path, tmp_path_factory: pytest.TempPathFactory
) -> EncryptedNight:
    """A night with a key that was killed before, in and after its build, looked at when it was
    killed in it, and run again to its end."""
    home = tmp_path_factory.mktemp("encrypted") / "home"
    temporary = home.with_name("tmp")
    temporary.mkdir()
    home.mkdir(mode=0o700)
    shutil.copytree(account_bank, home / "bank")
    plant_refused(home / "bank" / "refused")
    give_parsed_project(home)
    extra = {"HEIRPAY_ENCRYPTION_KEY": KEY, "TMPDIR": str(temporary)}
    night = Installation(home, account, tuple(sorted(extra.items())))
    _run_and_kill_at(night, "pulled")
    _run_and_kill_in_the_build(night)
    found = readable(night.settings, home, temporary)
    assert list((home / "warehouse" / "building").glob("*.duckdb"))
    _run_and_kill_at(night, "publish")
    ended = night.heirpay("run", "--as-of", NOW, timeout=1200)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert KEY not in ended.stdout + ended.stderr
    return EncryptedNight(night, (home, temporary), found)


def plant_refused(folder: Path) -> None:
    folder.mkdir()
    for name in REFUSED:
        if "/" in name:
            shutil.copytree(CASES / "csv" / Path(name).parent, folder / Path(name).parent)
        elif (CASES / "bank" / name).is_file():
            shutil.copy(CASES / "bank" / name, folder / name)
    (folder / "endless.ofx").write_bytes(b"<OFX>" + b" " * 60_000 + b"</OFX>")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n" + bytes(range(1, 100)))


def _run_and_kill_at(night: Installation, step: str) -> None:
    """Run until it says that it has come to the step."""
    process = subprocess.Popen(
        [sys.executable, "-m", "heirpay_pipelines", "run", "--as-of", NOW],
        env=night.environment, cwd=night.home, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    reached = any(line.startswith(step) for line in process.stderr)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for_none(night.home)
    assert reached, f"the run ended before it came to {step!r}"


def _run_and_kill_in_the_build(night: Installation) -> None:
    log = night.home.with_name("killed.log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "heirpay_pipelines", "run", "--as-of", NOW],
            env=night.environment, cwd=night.home, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    building = night.settings.warehouse_dir / "building"
    deadline = time.monotonic() + 900
    while not any(file.stat().st_size > 2 * 2**20 for file in building.glob("*.duckdb")):
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for_none(night.home)  # dbt, a process of its own, neither


def identifiers(settings: Settings) -> set[str]:
    """Every e-mail address that Stripe told, and every customer's name."""
    landing = Landing.of(settings)
    files = landing.files()
    every = [file for found in files.values() for file in found]
    with open_files(landing) as connection:
        rows = connection.execute(EMAILS.format(files=relation(landing, every))).fetchall()
        people = relation(landing, files["customer"])
        rows += connection.execute(NAMES.format(files=people)).fetchall()
    found = {str(row[0]) for row in rows}
    assert len(found) > 200
    return found


def readable(settings: Settings, *folders: Path) -> list[str]:
    """The files whose bytes show an identifier of a customer's. By grep, which looks for all of
    them in one pass over each file."""
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings", "--file=-",
         *map(str, folders)],
        input="\n".join(sorted(identifiers(settings))).encode(), capture_output=True, check=False,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert found.returncode in (0, 1), found.stderr
    return found.stdout.decode().splitlines()


def test_the_search_finds_what_is_there(encrypted: EncryptedNight, tmp_path: Path) -> None:
    """First: it needs no published night, which another test process makes meanwhile."""
    somebody = sorted(identifiers(encrypted.settings))[0]
    (tmp_path / "a.bin").write_bytes(b"\0\xff" * 1000 + somebody.encode() + b"\0")
    (tmp_path / "b.bin").write_bytes(b"\0\xff" * 1000)
    assert readable(encrypted.settings, tmp_path) == [str(tmp_path / "a.bin")]


def test_killed_anywhere_and_run_again_ends_the_same_and_asks_little(
    encrypted: EncryptedNight, published: Installation
) -> None:
    """The last of these runs is a second run right after a published one, too."""
    night = encrypted.night
    refused = {"staging.stg_landing__quarantined_objects"}
    left_alone = fingerprint(published, refused)
    assert fingerprint(night, refused) == left_alone
    spent, full = last_run(night)["requests"], last_run(published)["requests"]
    assert int(str(spent)) * 5 < int(str(full))
    # As a night that nobody killed: the same strikes, nothing half made, a queue that goes on.
    strikes = "select strike, count(*) from operations.incidents group by strike order by strike"
    assert {strike for strike, _ in night.rows(strikes)} == {
        strike for strike, _ in published.rows(strikes)
    }
    reports = night.settings.reports_dir
    assert {path.name for path in reports.iterdir()} == {"2026-11-01", "latest"}
    assert list((night.settings.warehouse_dir / "building").glob("*.duckdb")) == []
    with closing(sqlite3.connect(night.settings.dagster_home / "history" / "runs.db")) as runs:
        statuses = [status for (status,) in runs.execute("select status from runs order by id")]
    assert statuses[-1] == "SUCCESS"
    assert set(statuses[:-1]) <= {"FAILURE", "SUCCESS"}  # none is left as if it went on


def test_a_killed_build_leaves_nothing_readable(encrypted: EncryptedNight) -> None:
    assert encrypted.while_built == []


def test_no_file_of_the_night_shows_a_customers_email_or_name(encrypted: EncryptedNight) -> None:
    assert readable(encrypted.settings, *encrypted.folders) == []
    data = list(account_data(encrypted.settings))
    assert {path.suffix for path in data} >= {".parquet", ".duckdb", ".sqlite", ".html", ".xlsx"}
    assert [path.name for path in data if is_plain(path, encrypted.settings)] == []


def test_no_file_shows_the_key_and_all_are_private(encrypted: EncryptedNight) -> None:
    for path in encrypted.night.home.rglob("*"):
        if path.is_symlink():
            continue
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_its_controls_of_encryption_pass(encrypted: EncryptedNight) -> None:
    with connect(encrypted.settings.warehouse, KEY, read_only=True) as warehouse:
        rows = warehouse.execute(
            "select title, status, evidence::varchar from compliance.control_results"
            " where (title ilike '%encrypted at rest%' or title ilike '%e-mail address%')"
            " and run_id = (select max_by(run_id, as_of) from operations.run_history"
            " where is_published)"
        ).fetchall()
    assert [row[1:] for row in rows if row[1] != "pass"] == []
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "select count(*) as n from finance.mrr_monthly", "--format", "csv"), "n"),
        (("audit", "verify"), "unbroken"),
        (("breaks", "list"), "brk_"),
        (("incidents", "list"), "strike"),
        (("controls", "list"), "encrypted"),
        (("explain", "mrr", "--month", "2026-10"), "MRR"),
        (("gdpr", "map"), "staging.stg_stripe__customers.email"),
        (("gdpr", "retention"), "past their period, as of 2026-11-01"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_commands_read_it_with_the_key(
    encrypted: EncryptedNight, arguments: tuple[str, ...], said: str
) -> None:
    ended = encrypted.night.heirpay(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert said in ended.stdout


def test_the_report_written_out_is_whole_lists_each_refused_file_and_names_nobody(
    encrypted: EncryptedNight, tmp_path: Path
) -> None:
    ended = encrypted.night.heirpay("report", "--to", str(tmp_path / "report"))
    assert ended.returncode == 0, ended.stderr
    folder = tmp_path / "report"
    report = (folder / "report.json").read_text()
    assert json.loads(report)["project_status"]["verdict"]
    listed = encrypted.night.heirpay("quarantine", "list").stdout
    for name, reason in REFUSED.items():
        assert f"bank statement refused/{name}: " in listed
        assert reason in listed
        assert f"bank statement refused/{name}" in report
    assert (folder / "data_docs" / "index.html").read_text().lstrip().startswith("<!")
    with zipfile.ZipFile(folder / "finance.xlsx") as workbook:
        workbook.extractall(tmp_path / "report" / "workbook")
    assert readable(encrypted.settings, folder) == []


def test_evidence_is_written_and_verified(encrypted: EncryptedNight, tmp_path: Path) -> None:
    folder = str(tmp_path / "evidence")
    ended = encrypted.night.heirpay("evidence", "--from", "2026-01-01", "--to-folder", folder)
    assert ended.returncode == 0, ended.stderr
    assert encrypted.night.heirpay("evidence", "verify", folder).returncode == 0


def test_an_mcp_client_reads_it(encrypted: EncryptedNight) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "heirpay_pipelines", "mcp"],
        env=encrypted.night.environment, cwd=str(encrypted.night.home),
    )  # fmt: skip

    async def ask() -> tuple[Any, Any]:
        async with Client(command) as client:
            report = await client.call_tool("report", {"section": "project_status"})
            sql = "select count(*) as n from finance.mrr_monthly"
            return report, await client.call_tool("query", {"sql": sql})

    report, rows = asyncio.run(ask())
    assert report.structured_content["project_status"]["verdict"]
    assert rows.structured_content["rows"][0][0] > 12


def test_dagster_loads_its_definitions(encrypted: EncryptedNight) -> None:
    code = "from heirpay_pipelines.definitions import defs; print(len(defs.jobs or []))"
    for key, said in ((KEY, ""), ("not the key", "HEIRPAY_ENCRYPTION_KEY does not fit")):
        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=encrypted.night.home, capture_output=True, text=True,
            env=encrypted.night.environment | {"HEIRPAY_ENCRYPTION_KEY": key}, check=False,
        )  # fmt: skip
        assert (ended.returncode == 0) == (not said), ended.stderr
        assert said in ended.stderr
        assert "not the key" not in ended.stderr


def test_a_webhook_is_kept_unreadable(encrypted: EncryptedNight) -> None:
    somebody = sorted(identifiers(encrypted.settings))[0]
    body = event(1)
    body["data"]["object"]["receipt_email"] = somebody
    home = encrypted.night.home
    with running(home, HEIRPAY_ENCRYPTION_KEY=KEY) as endpoint:
        assert endpoint.post(body).status_code == 200
        assert readable(encrypted.settings, *encrypted.folders) == []
    with open_state(encrypted.settings.state_file) as state:
        (row,) = state.rows("select body from webhook_bodies where event_id = 'evt_1'")
    assert somebody in row["body"]


def test_after_a_rotation_the_next_key_reads_the_night(encrypted: EncryptedNight) -> None:
    """Last: it changes the night's key."""
    key_file = encrypted.night.home.with_name("new.key")
    key_file.write_text("another key, quite as long as the first\n")
    ended = encrypted.night.heirpay("key", "rotate", "--new-key-file", str(key_file))
    assert ended.returncode == 0, ended.stderr
    asked = ("query", "select count(*) as n from finance.mrr_monthly", "--format", "json")
    assert encrypted.night.heirpay(*asked).returncode == 2
    extra = dict(encrypted.night.extra) | {"HEIRPAY_ENCRYPTION_KEY": key_file.read_text().strip()}
    night = replace(encrypted.night, extra=tuple(sorted(extra.items())))
    assert json.loads(night.heirpay(*asked).stdout)[0]["n"] > 12
    assert night.heirpay("audit", "verify").returncode == 0
    assert readable(night.settings, *encrypted.folders) == []
