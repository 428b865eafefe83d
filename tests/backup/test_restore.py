"""A copy goes back: every hash is verified first, nothing is lost, and a kill can be made good."""

from __future__ import annotations

import json
import shutil
import socket
from contextlib import closing
from pathlib import Path

import pytest
from backup_files import files_of, newest_action
from command import Heirpay
from rotation_home import NEW, picture
from rotation_home import heirpay as process

from heirpay_pipelines.backup import LIST, listing, make_backup, read_backup
from heirpay_pipelines.host.home_format import FORMAT
from heirpay_pipelines.settings import Settings

DIES_AT_THE_RENAME = """
import os
from pathlib import Path
rename, done = Path.rename, []
def dies(path, target):
    if len(done) == {at}:
        os._exit(137)
    done.append(path)
    return rename(path, target)
Path.rename = dies
plain, moved = os.rename, []
def dies_aside(path, target):
    if len(moved) == {aside}:
        os._exit(137)
    moved.append(path)
    return plain(path, target)
os.rename = dies_aside
"""


@pytest.fixture
def copy(home: Settings, tmp_path: Path) -> Path:
    make_backup(home.folder, home.state_file, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_home_that_is_gone_is_as_it_was(
    home: Settings, copy: Path, heirpay: Heirpay, tmp_path: Path
) -> None:
    held, landed = picture(home), files_of(home.landing_dir)
    shutil.rmtree(home.folder)
    ended = heirpay("restore", "copy")
    assert ended.code == 0, ended.said
    assert newest_action(home) == "home_restored"
    assert files_of(home.landing_dir) == landed
    assert picture(home) == held | {"log": [*_log(held), {"subject": "home"}]}
    assert (home.reports_dir / "latest").readlink() == Path("2026-11-01")
    assert {p.name for p in home.folder.iterdir()} & {
        "replaced",
        ".restored",
        "restore.json",
    } == set()
    assert [
        p for p in home.folder.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o077
    ] == []


def _log(held: dict[str, object]) -> list[dict[str, object]]:
    found = held["log"]
    assert isinstance(found, list)
    return found


def test_a_home_is_replaced_only_when_it_is_meant_and_never_deleted(
    home: Settings, copy: Path, heirpay: Heirpay
) -> None:
    (home.reports_dir / "since").write_text("since")
    before = files_of(home.folder)
    refused = heirpay("restore", "copy")
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "--force" in refused.lines[0]
    assert files_of(home.folder) == before
    ended = heirpay("restore", "copy", "--force")
    assert ended.code == 0, ended.said
    (aside,) = (home.folder / "replaced").iterdir()
    assert str(aside) in ended.out
    assert files_of(aside) == before
    assert not (home.reports_dir / "since").exists()


def test_a_copy_that_is_damaged_is_not_put_back(
    home: Settings, copy: Path, heirpay: Heirpay
) -> None:
    before = files_of(home.folder)
    warehouse = copy / "home" / "warehouse" / "heirpay.duckdb"
    whole, listed = warehouse.read_bytes(), (copy / LIST).read_bytes()

    def refused(said: str, code: int = 1) -> None:
        ended = heirpay("restore", "copy", "--force")
        assert (ended.code, len(ended.lines)) == (code, 1), ended.said
        assert said in ended.lines[0]
        assert files_of(home.folder) == before

    warehouse.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("warehouse/heirpay.duckdb is not what was copied")
    warehouse.unlink()
    refused("warehouse/heirpay.duckdb is missing")
    warehouse.write_bytes(whole)
    (copy / LIST).write_bytes(listed.replace(b'"bytes": ', b'"bytes": 1', 1))
    refused("is damaged")
    (copy / LIST).write_bytes(listed[:-20])
    refused("is damaged")
    (copy / LIST).unlink()
    refused("is no backup", 2)
    (copy / LIST).write_bytes(listed)
    assert heirpay("restore", "copy", "--force").code == 0


@pytest.mark.parametrize("place", ["../outside", "/tmp/outside"])
def test_a_list_that_leads_outside_of_the_home_is_refused(
    home: Settings, copy: Path, heirpay: Heirpay, place: str
) -> None:
    record = json.loads((copy / LIST).read_text())
    record["links"] = {place: "x"}
    del record["sha256"]
    record["sha256"] = listing._digest(record)
    (copy / LIST).write_text(json.dumps(record))
    assert "is damaged" in heirpay("restore", "copy", "--force").lines[0]


def test_a_copy_of_a_later_release_is_refused(home: Settings, copy: Path, heirpay: Heirpay) -> None:
    found = read_backup(copy)
    later = listing.Backup(**(vars(found) | {"home_format": FORMAT + 1}))
    listing.write_list(copy, later)
    ended = heirpay("restore", "copy", "--force")
    assert (ended.code, len(ended.lines)) == (2, 1)
    assert f"format {FORMAT + 1}, this one knows {FORMAT}" in ended.lines[0]


def test_a_copy_under_another_key_is_refused(home: Settings, copy: Path, heirpay: Heirpay) -> None:
    before = files_of(home.folder)
    ended = heirpay("restore", "copy", "--force", HEIRPAY_ENCRYPTION_KEY=NEW)
    assert (ended.code, len(ended.lines)) == (2, 1)
    assert files_of(home.folder) == before


@pytest.mark.parametrize(("aside", "at"), [(0, 99), (2, 99), (99, 0), (99, 2)])
def test_a_kill_while_things_move_is_made_good_by_the_same_command(
    home: Settings, copy: Path, heirpay: Heirpay, tmp_path: Path, aside: int, at: int
) -> None:
    (home.reports_dir / "since").write_text("since")
    held, before = picture(home), files_of(home.folder)
    code = DIES_AT_THE_RENAME.format(aside=aside, at=at)
    killed = process(home.folder, home.key, "restore", str(copy), "--force", code=code)
    assert killed.returncode == 137, killed.stderr
    for other in (("incidents", "list"), ("backup", "other")):
        ended = heirpay(*other)
        assert (ended.code, len(ended.lines)) == (2, 1), ended.said
        assert "was interrupted" in ended.lines[0]
    assert heirpay("restore", "copy", "--force").code == 0
    assert picture(home)["mrr"] == held["mrr"]
    assert not (home.reports_dir / "since").exists()
    replaced = {}
    for folder in sorted((home.folder / "replaced").iterdir(), reverse=True):
        replaced |= files_of(folder)
    assert before.items() <= replaced.items()


def test_the_ui_has_to_be_stopped_first(home: Settings, copy: Path, heirpay: Heirpay) -> None:
    before = files_of(home.folder)
    home.dagster_home.mkdir()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        home.ui_file.write_text(f"http://127.0.0.1:{server.getsockname()[1]}")
        ended = heirpay("restore", "copy", "--force")
    assert (ended.code, "heirpay ui" in ended.said) == (1, True)
    home.ui_file.write_text("http://127.0.0.1:9")  # it was killed: nobody answers
    assert before.items() <= files_of(home.folder).items()
    assert heirpay("restore", "copy", "--force").code == 0
