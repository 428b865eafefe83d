"""A copy of the home: verified by hashes, made while others work, private, without a secret."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from backup_files import files_of, newest_action
from command import Heirpay
from rotation_home import heirpay as process

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.backup import BackupPlaceError, copying, make_backup, read_backup
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.run_lock import hold_run_lock

NOW = datetime(2026, 11, 3, tzinfo=UTC)
STRIPES = "rk_test_4eC39HqLyjWDarjtT1zdp7dc"
DIES = """
import os
from heirpay_pipelines.backup import copying
copying.verify_backup = lambda *_: os._exit(137)
"""


def test_each_file_is_listed_with_its_hash_and_the_log_says_so(
    home: Settings, heirpay: Heirpay, tmp_path: Path
) -> None:
    ended = heirpay("backup", "copy")
    assert ended.code == 0, ended.said
    listed = {file.path: file.sha256 for file in read_backup(tmp_path / "copy").files}
    assert listed == files_of(tmp_path / "copy" / "home")
    assert {"state/heirpay.sqlite", "warehouse/heirpay.duckdb", "home.json"} <= listed.keys()
    assert newest_action(home) == "home_backed_up"


def test_nobody_else_reads_a_copy_and_no_secret_is_in_it(
    home: Settings, heirpay: Heirpay, tmp_path: Path
) -> None:
    home.ui_token.write_text("token-of-the-ui")
    (home.folder / ".env").write_text(f"STRIPE_API_KEY={STRIPES}")
    assert heirpay("backup", "copy", STRIPE_API_KEY=STRIPES).code == 0
    paths = [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    open_to_others = [p for p in paths if not p.is_symlink() and p.stat().st_mode & 0o077]
    assert open_to_others == []
    content = b"".join(p.read_bytes() for p in paths if p.is_file())
    for secret in (STRIPES, "token-of-the-ui", *((home.key, "jane.sentinel") if home.key else ())):
        assert secret.encode() not in content


def test_a_record_that_only_the_databases_log_holds_is_copied(
    home: Settings, tmp_path: Path
) -> None:
    with open_state(home.state_file) as state:
        state.connection.execute("pragma wal_autocheckpoint = 0")
        append(state, NOW, "ana", Action.QUERY, "in the log alone", {})
        make_backup(home.folder, home.state_file, tmp_path / "copy")
        append(state, NOW, "ana", Action.QUERY, "afterwards", {})
    copied = tmp_path / "copy" / "home"
    assert list(copied.rglob("*-wal")) == []
    key = {"HEIRPAY_ENCRYPTION_KEY": home.key} if home.key else {}
    with open_state(Settings(HEIRPAY_HOME=copied, **key).state_file) as state:
        found = {row["subject"] for row in state.rows("select subject from audit_log")}
    assert "in the log alone" in found
    assert "afterwards" not in found


def test_a_run_under_way_is_named_and_nothing_is_made(home: Settings, tmp_path: Path) -> None:
    make_backup(home.folder, home.state_file, tmp_path / "made")
    before = files_of(home.folder)
    with hold_run_lock(home.folder, "a night"):
        for arguments in (("backup", "copy"), ("restore", "made", "--force")):
            name, folder, *rest = arguments
            ended = process(home.folder, home.key, name, str(tmp_path / folder), *rest)
            assert ended.returncode == 1, ended.stderr
            assert "Another run is under way" in ended.stderr
            assert "a night by" in ended.stderr
    assert files_of(home.folder) == before
    assert not (tmp_path / "copy").exists()


def test_one_that_cannot_be_made_whole_leaves_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    for there in (False, True):
        if there:
            (tmp_path / "copy").mkdir(mode=0o700)
        with monkeypatch.context() as patch:
            patch.setattr(copying, "verify_backup", fails)
            with pytest.raises(KeyboardInterrupt):
                make_backup(home.folder, home.state_file, tmp_path / "copy")
        assert list((tmp_path / "copy").glob("*")) == []
        assert (tmp_path / "copy").exists() is there


def test_one_whose_process_was_killed_is_none_and_is_made_there_again(
    home: Settings, heirpay: Heirpay, tmp_path: Path
) -> None:
    killed = process(home.folder, home.key, "backup", str(tmp_path / "copy"), code=DIES)
    assert killed.returncode == 137, killed.stderr
    assert (tmp_path / "copy" / "home").is_dir()
    refused = heirpay("restore", "copy", "--force")
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "is no backup" in refused.lines[0]
    assert heirpay("backup", "copy").code == 0
    assert read_backup(tmp_path / "copy").files


def test_a_disk_without_room_is_said_before_anything_is_copied(
    home: Settings, heirpay: Heirpay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "SPARE_BYTES", 1 << 60)
    ended = heirpay("backup", "copy")
    assert (ended.code, len(ended.lines)) == (1, 1)
    assert "free some space" in ended.lines[0]
    assert not (tmp_path / "copy").exists()


def test_a_place_that_cannot_be_one_is_refused(
    home: Settings, heirpay: Heirpay, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("full")
    for place, said in (("full", "not empty"), ("home/copy", "lie in one another"),
                        ("link", "is a link")):  # fmt: skip
        ended = heirpay("backup", place)
        assert (ended.code, len(ended.lines)) == (2, 1), ended.said
        assert said in ended.lines[0]
    assert files_of(tmp_path / "full").keys() == {"mine"}
    assert not (home.folder / "copy").exists()


def test_an_empty_home_is_not_copied(
    heirpay: Heirpay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "none"))
    assert heirpay("backup", "copy").code == 2
    assert not (tmp_path / "copy").exists()


def test_files_that_never_change_may_share_their_room(home: Settings, tmp_path: Path) -> None:
    """The copy before an upgrade lies on the home's own disk."""
    made = make_backup(home.folder, home.state_file, home.folder / "backups" / "1", linked=True)
    content = home.folder / "backups" / "1" / "home"
    shared = {file.path for file in made.files if (content / file.path).stat().st_nlink > 1}
    landed = {f"landing/{name}" for name in files_of(home.landing_dir) if name.endswith(".parquet")}
    assert shared == landed | {"warehouse/heirpay.duckdb"}
    assert stat.S_IMODE((content / "state" / "heirpay.sqlite").stat().st_mode) == 0o600
    with pytest.raises(BackupPlaceError):
        make_backup(home.folder, home.state_file, home.folder / "backups" / "2")
