"""`heirpay doctor --data` names every damaged file of the home and the way back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.chain import head
from heirpay_pipelines.cli import cli
from heirpay_pipelines.controls.store import copy_results
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile, Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.orchestration import doctor, ui
from heirpay_pipelines.orchestration.dagster_files import set_damaged_aside
from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.home_files import landed, said_of_landing, verify_home
from heirpay_pipelines.receive.stored_bodies import digest
from heirpay_pipelines.report.write import _point_latest
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.warehouse.publication import publish

AT = datetime(2026, 11, 1, tzinfo=UTC)
KEY = "k" * 40
CHARGE = "objects/charge/p1-00001.parquet"
EVENT = '{"id":"evt_1","object":"event","type":"charge.updated","created":1,"data":{"object":{}}}'


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A pull, a published warehouse, a report, a stored body, Dagster's storage."""
    settings = Settings(HEIRPAY_HOME=tmp_path_factory.mktemp("whole") / "home")
    landing = Landing(settings.landing_dir)
    path = landing.root / CHARGE
    path.parent.mkdir(parents=True)
    duckdb.sql(f"copy (select 1 as amount) to '{path}' (format parquet)")
    commit(
        settings.state_file, landing,
        Manifest("p1", AT, "acct_1", False, "", "full", {"event": 1}, AT, AT, 1,
                 (LandedFile(CHARGE, "charge", 1, sha256_of(path)),)),
    )  # fmt: skip
    build = settings.warehouse_dir / "building" / "r1.duckdb"
    build.parent.mkdir(parents=True)
    with open_state(settings.state_file) as state:
        append(state, AT, "ana", Action.QUERY, "x", {})
        with connect(build, None, read_only=False) as connection:
            connection.execute("create schema operations; create schema compliance")
            copy_results(connection, state)
        kept = str(head(state))
    publish(build, settings.warehouse, None)
    night = settings.reports_dir / "2026-11-01"
    sealed_into(night, {"report.html": "x", "report.json": json.dumps({"audit_head": kept})})
    _point_latest(settings.reports_dir, night)
    runs = settings.dagster_home / "history" / "runs.db"
    runs.parent.mkdir(parents=True)
    with sqlite3.connect(runs) as connection:
        connection.executescript(
            "create table runs (body text);"
            "insert into runs select hex(randomblob(2000)) from (values (1),(2),(3),(4),(5))"
        )
    connection.close()
    return settings


def sealed_into(folder: Path, files: dict[str, str], key: str | None = None) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        sealed.write(folder / name, text.encode(), key)


@pytest.fixture
def home(whole: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(whole.folder, tmp_path / "home", symlinks=True)
    return Settings(HEIRPAY_HOME=tmp_path / "home")


def store_body(settings: Settings, body: str, sha256: str) -> None:
    with open_state(settings.state_file) as state:
        state.connection.execute("pragma foreign_keys=off")
        state.connection.execute(
            "insert into webhook_bodies (event_id, body, sha256) values ('evt_1', ?, ?)",
            (body, sha256),
        )


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def latest_as_folder(settings: Settings) -> None:
    (settings.reports_dir / "latest").unlink()
    (settings.reports_dir / "latest").mkdir()


def latest_dangling(settings: Settings) -> None:
    shutil.rmtree(settings.reports_dir / "2026-11-01")


DAMAGE: dict[str, tuple[Callable[[Settings], object], str, str]] = {
    "manifest": (
        lambda s: overwrite(s.landing_dir / "manifests/p1.json", b"{"),
        "landing/manifests/p1.json", "restores it from the copy",
    ),
    "landed file": (
        lambda s: overwrite(s.landing_dir / CHARGE, b"PAR1 PAR1"),
        f"landing/{CHARGE} does not match", "heirpay repair",
    ),
    "landed file gone": (
        lambda s: (s.landing_dir / CHARGE).unlink(), f"landing/{CHARGE} is missing", "backup",
    ),
    "state file": (
        lambda s: overwrite(
            s.state_file, s.state_file.read_bytes()[:100] + b"\xff" * 4000
            + s.state_file.read_bytes()[4100:],
        ),
        "state/heirpay.sqlite", "heirpay repair",
    ),
    "webhook": (
        lambda s: store_body(s, EVENT, digest(b"other")), "the stored body of evt_1", "asks Stripe",
    ),
    "published": (
        lambda s: overwrite(s.warehouse, s.warehouse.read_bytes()[:-1] + b"\x01"),
        "warehouse/heirpay.duckdb is not what was published", "publishes it anew",
    ),
    "report": (
        lambda s: overwrite(s.reports_dir / "2026-11-01/report.json", b"{"),
        "reports/2026-11-01/report.json", "backup",
    ),
    "latest a folder": (latest_as_folder, "reports/latest is no link", "heirpay run"),
    "latest dangling": (latest_dangling, "reports/latest points at 2026-11-01", "heirpay run"),
    "dagster": (
        lambda s: overwrite(s.dagster_home / "history/runs.db", b"x" * 5000),
        "dagster/history/runs.db is damaged", "makes it anew",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", [None, *DAMAGE])
def test_each_damaged_file_is_named_with_the_way_back(
    home: Settings, monkeypatch: pytest.MonkeyPatch, damage: str | None
) -> None:
    monkeypatch.setattr(doctor, "_account", lambda _: ())
    with open_state(home.state_file) as state:
        state.connection.execute("pragma wal_checkpoint(truncate)")
    if damage is None:
        assert [fault for part in verify_home(home) for fault in part.faults] == []
        return
    damaged, named, way_back = DAMAGE[damage]
    damaged(home)
    found = CliRunner(env={"HEIRPAY_HOME": str(home.folder)}).invoke(cli, ["doctor", "--data"])
    assert found.exit_code == 1, found.output
    lines = found.output.splitlines()
    place = next(number for number, line in enumerate(lines) if named in line)
    assert way_back in lines[place + 1]


def test_the_doctor_and_the_ui_say_one_line_without_reading_every_byte(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said_of_landing(home) is None
    overwrite(home.landing_dir / CHARGE, b"cut")
    said = said_of_landing(home)
    assert said is not None
    assert "\n" not in said
    assert CHARGE in said
    monkeypatch.setattr(doctor, "_account", lambda _: ())
    monkeypatch.setattr(ui, "_begin_with_a_free_queue", lambda _: None)
    monkeypatch.setattr(ui, "run_until_told", lambda command, settings: 0)
    monkeypatch.setenv("DAGSTER_HOME", "")
    env = {"HEIRPAY_HOME": str(home.folder)}
    assert CHARGE in CliRunner(env=env).invoke(cli, ["doctor"]).output
    shown = CliRunner(env=env).invoke(cli, ["ui", "--port", "0"])
    assert shown.exit_code == 0, shown.output
    assert CHARGE in shown.output


def test_with_a_key_a_landed_file_in_clear_and_an_unsealed_report_are_faults(
    home: Settings,
) -> None:
    keyed = Settings(HEIRPAY_HOME=home.folder, HEIRPAY_ENCRYPTION_KEY=KEY)
    (fault,) = landed(keyed, whole=True).faults
    assert "is not an encrypted Parquet file" in str(fault)
    sealed_into(keyed.reports_dir / "2026-11-02", {"report.html": "x"}, KEY)
    faults = [f.file for part in verify_home(keyed) for f in part.faults if "sealed" in f.what]
    assert "reports/2026-11-01/report.html" in faults
    assert "reports/2026-11-02/report.html" not in faults


@pytest.mark.parametrize("damage", ["latest a folder", "latest dangling"])
def test_the_report_command_names_it_and_the_next_night_puts_it_right(
    home: Settings, damage: str
) -> None:
    DAMAGE[damage][0](home)
    env = {"HEIRPAY_HOME": str(home.folder)}
    found = CliRunner(env=env).invoke(cli, ["report"])
    assert found.exit_code == 1
    assert DAMAGE[damage][1] in found.output
    night = home.reports_dir / "2026-11-02"
    sealed_into(night, {"report.html": "x"})
    _point_latest(home.reports_dir, night)
    assert CliRunner(env=env).invoke(cli, ["report"]).exit_code == 0
    aside = list(home.reports_dir.glob("set-aside-*"))
    assert len(aside) == (damage == "latest a folder"), "nothing is deleted"


@pytest.mark.parametrize("content", [b"x" * 5000, "cut"])
def test_damaged_storage_of_dagster_is_set_aside_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | str
) -> None:
    from dagster import DagsterInstance

    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
    settings = Settings(HEIRPAY_HOME=tmp_path / "home")
    prepare_dagster_home(settings)
    stores = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
    with DagsterInstance.get() as instance:
        instance.get_run_records()
        instance.event_log_storage.get_event_records  # noqa: B018
        instance.all_instigator_state()
    assert set_damaged_aside(settings) == []
    for name in stores:
        path = settings.dagster_home / name
        whole = path.read_bytes()
        path.with_name(path.name + "-wal").unlink(missing_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    said = set_damaged_aside(settings)
    assert [line.split(" ")[0] for line in said] == [f"dagster/{name}" for name in stores]
    assert len(list((settings.dagster_home / "damaged").iterdir())) >= len(stores)
    with DagsterInstance.get() as instance:
        assert list(instance.get_run_records()) == []
        assert instance.all_instigator_state() == []
    assert set_damaged_aside(settings) == []
