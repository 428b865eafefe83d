"""Reports, evidence and exports go where they were sent: through no link, into nobody else's
folder, over no other file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import PlaceError, own_folder, write_whole
from heirpay_pipelines.audit import append
from heirpay_pipelines.controls.evidence import write_evidence
from heirpay_pipelines.report.command import report
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

FILES = ("report.html", "frameworks/pci.html", "exports/journal.csv")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    home = tmp_path / "home"
    monkeypatch.setenv("HEIRPAY_HOME", str(home))
    settings = Settings(HEIRPAY_HOME=home)
    for name in FILES:
        path = settings.reports_dir / "2026-11-01" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("figures")
    (settings.reports_dir / "latest").symlink_to("2026-11-01")
    return settings


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("mine")
    return path


def taken_out(target: Path) -> bool:
    """Whether `heirpay report --to` wrote everything."""
    run = CliRunner().invoke(report, ["--to", str(target)])
    return run.exception is None


def as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there already then belongs to somebody else, as the kernel would say."""
    other = os.geteuid() + 4711
    monkeypatch.setattr(os, "geteuid", lambda: other)


def test_a_report_is_written_out_and_again(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    assert taken_out(target)
    assert taken_out(target)
    assert {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()} == set(FILES)
    for path in target.rglob("*"):
        assert not path.stat().st_mode & 0o077, path


@pytest.mark.parametrize("planted", [*FILES, "frameworks", ""])
def test_a_link_in_the_place_of_a_file_or_folder_is_not_followed(
    settings: Settings, tmp_path: Path, victim: Path, planted: str
) -> None:
    target, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = target / planted if planted else target
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(victim if planted in FILES else elsewhere)
    assert not taken_out(target)
    assert victim.read_text() == "mine"
    assert list(elsewhere.iterdir()) == []


def test_a_second_name_of_another_file_and_a_pipe_are_not_written(
    settings: Settings, tmp_path: Path, victim: Path
) -> None:
    linked, piped = tmp_path / "linked", tmp_path / "piped"
    linked.mkdir()
    piped.mkdir()
    (linked / "report.html").hardlink_to(victim)
    os.mkfifo(piped / "report.html")
    assert not taken_out(linked)
    assert not taken_out(piped)
    assert victim.read_text() == "mine"


def test_nothing_is_written_into_another_users_folder_or_file(
    settings: Settings, tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o777)
    as_another_user(monkeypatch)
    with pytest.raises(PlaceError, match="belongs to another user"):
        own_folder(theirs)
    with pytest.raises(PlaceError, match="not a file of this user's alone"):
        sealed.write(victim, b"figures", None)
    assert victim.read_text() == "mine"
    assert list(theirs.iterdir()) == []


def test_a_link_that_another_user_put_on_the_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "real")
    assert own_folder(tmp_path / "way" / "mine").is_dir()  # our own link
    if os.geteuid() == 0:
        os.lchown(tmp_path / "way", 4711, 4711)
        with pytest.raises(PlaceError, match="is a link"):
            own_folder(tmp_path / "way" / "mine")


def test_evidence_is_written_into_a_folder_of_ours_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "evidence").symlink_to(elsewhere)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with open_state(settings.state_file) as state:
        span = (date(2026, 10, 1), date(2026, 11, 1))
        with pytest.raises(PlaceError):
            write_evidence(settings, state, tmp_path / "evidence", *span, now, "ana")
        assert list(elsewhere.iterdir()) == []
        append(state, now, "ana", "attest", '=cmd|"/C calc"!A0', {})
        folder = write_evidence(settings, state, tmp_path / "own", *span, now, "ana")
        as_another_user(monkeypatch)
        with pytest.raises(PlaceError):
            write_evidence(settings, state, elsewhere, *span, now, "ana")
    assert list(elsewhere.iterdir()) == []
    log = (folder / "audit_log.csv").read_text()
    assert ",\"'=cmd|" in log  # no spreadsheet runs it


def test_a_file_is_replaced_whole_and_on_its_own_disk(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_says_it_in_one_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path)
    command = [sys.executable, "-m", "heirpay_pipelines", "report", "--to", str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"heirpay: {tmp_path / 'out'} is a link: name the folder that it leads to.\n"
    )
