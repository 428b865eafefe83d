"""The number of a home's format: a later one is refused by every command before anything is
written, an earlier one is copied before anything changes."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "at_rest"), str(TESTS / "errors"), str(TESTS / "backup")]

from backup_files import files_of  # noqa: E402
from command import Heirpay, heirpay_in  # noqa: E402
from rotation_home import OLD, make_home, picture  # noqa: E402

from heirpay_pipelines.backup import listing, make_backup, read_backup  # noqa: E402
from heirpay_pipelines.cli import COMMANDS  # noqa: E402
from heirpay_pipelines.home import SettingsError  # noqa: E402
from heirpay_pipelines.host import home_format  # noqa: E402
from heirpay_pipelines.host.home_folder import HomeError  # noqa: E402
from heirpay_pipelines.host.home_format import FORMAT, NOTE, format_of, note_of  # noqa: E402
from heirpay_pipelines.settings import Settings  # noqa: E402
from heirpay_pipelines.state import open_state, upgrade  # noqa: E402
from heirpay_pipelines.state.run_lock import AnotherRunError, hold_run_lock  # noqa: E402

MIGRATIONS = {1: "45e59f8c8234ccea", 2: "996ccb6e18f00d88"}
"""What the state file is made by, by the format that it makes: a new migration raises FORMAT and
adds an entry. Only the entry of a format that no release has yet may change."""
CALLS = {
    "demo": (), "run": (), "ui": (), "schedule": (), "doctor": (), "backup": ("copy",),
    "repair": (), "receive": (), "controls": ("list",), "attest": ("penetration_test", "--by", "A"),
    "waive": ("invoice_totals", "--approve"), "audit": ("verify",), "evidence": (),
    "breaks": ("list",), "close": ("2026-10", "--check"), "gdpr": ("map",),
    "incidents": ("list",), "risk": ("rules",), "mcp": (), "quarantine": ("list",), "home": (),
    "key": ("rotate", "--to-plain"), "query": ("select 1",),
    "explain": ("mrr", "--month", "2026-10"),
    "report": (), "requirements": ("check",),
}  # fmt: skip
NEED_NO_HOME = {"sandbox", "bank", "restore"}
LATER = "create table later (id integer);\n"


@pytest.fixture
def heirpay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Heirpay:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_4eC39HqLyjWDarjtT1zdp7dc")
    return heirpay_in(monkeypatch, capsys)


@pytest.fixture(params=[None, OLD], ids=["plain", "encrypted"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return make_home(tmp_path / "home", request.param)


def later_code(monkeypatch: pytest.MonkeyPatch, statements: str = LATER) -> None:
    """The next release: one more migration, and its format."""
    known = upgrade.migrations()
    monkeypatch.setattr(upgrade, "migrations", lambda: known | {"999_later.sql": statements})
    for module in (upgrade, home_format, listing):
        monkeypatch.setattr(module, "FORMAT", FORMAT + 1)


def tables(given: Settings) -> set[str]:
    with open_state(given.state_file) as state:
        return {str(row["name"]) for row in state.rows("select name from sqlite_master")}


def test_each_change_of_the_state_file_raises_the_number() -> None:
    folder = files("heirpay_pipelines.state") / "migrations"
    digest = sha256()
    for script in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if script.name.endswith(".sql"):
            digest.update(script.name.encode() + script.read_bytes())
    assert max(MIGRATIONS) == FORMAT
    assert digest.hexdigest()[:16] == MIGRATIONS[FORMAT]


def test_every_command_is_called() -> None:
    assert CALLS.keys() | NEED_NO_HOME == COMMANDS.keys()


@pytest.mark.parametrize("command", CALLS)
def test_a_home_of_a_later_release_is_refused_in_one_line_and_left_as_it_is(
    heirpay: Heirpay, tmp_path: Path, command: str
) -> None:
    home = tmp_path / "home"
    (home / "state").mkdir(parents=True)
    (home / NOTE).write_bytes(note_of(FORMAT + 1))
    (home / "state" / "heirpay.sqlite").write_bytes(b"of a release that nobody knows")
    before = files_of(tmp_path)
    ended = heirpay(command, *CALLS[command])
    assert (ended.code, len(ended.lines), ended.out) == (2, 1, ""), ended.said
    assert f"written by a later release (format {FORMAT + 1}" in ended.lines[0]
    assert files_of(tmp_path) == before
    assert {p.name for p in home.rglob("*")} == {NOTE, "state", "heirpay.sqlite"}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "2"}', b'{"format": true}', b"[1]"])
def test_a_note_that_cannot_be_read_is_said(
    heirpay: Heirpay, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / NOTE).write_bytes(content)
    ended = heirpay("incidents", "list")
    assert (ended.code, len(ended.lines)) == (2, 1)
    assert f"{NOTE} is damaged" in ended.lines[0]


def test_a_program_that_has_the_file_open_later_is_refused_too(home: Settings) -> None:
    """`heirpay receive` and the UI read the settings once, and live on while a release comes."""
    (home.folder / NOTE).write_bytes(note_of(FORMAT + 1))
    with pytest.raises(HomeError, match="later release"), open_state(home.state_file):
        pass


def test_a_state_file_with_a_migration_that_is_not_known_is_refused(home: Settings) -> None:
    with open_state(home.state_file) as state:
        state.connection.execute("insert into migrations values ('999_later.sql')")
    with pytest.raises(HomeError, match=r"999_later\.sql"), open_state(home.state_file):
        pass


def test_a_new_home_carries_the_number_and_is_not_copied(home: Settings) -> None:
    assert format_of(home.folder) == FORMAT
    assert not (home.folder / "backups").exists()


def test_a_home_from_before_the_number_gets_it(home: Settings) -> None:
    (home.folder / NOTE).unlink()
    held = picture(home)
    assert format_of(home.folder) == FORMAT
    assert picture(home) == held


@pytest.mark.parametrize("numbered", [True, False])
def test_an_earlier_home_is_copied_before_its_first_migration_and_can_go_back(
    home: Settings, heirpay: Heirpay, monkeypatch: pytest.MonkeyPatch, numbered: bool
) -> None:
    landed, held = files_of(home.landing_dir), picture_of_data(home)
    if not numbered:
        (home.folder / NOTE).unlink()
    if home.key:
        monkeypatch.setenv("HEIRPAY_ENCRYPTION_KEY", home.key)
    with monkeypatch.context() as patch:
        later_code(patch)
        assert "later" in tables(home)
        assert format_of(home.folder) == FORMAT + 1
        tables(home)  # once, not at each opening
        (copy,) = (home.folder / "backups").iterdir()
        assert copy.name.endswith(f"-before-format-{FORMAT + 1}")
    assert read_backup(copy).home_format == (FORMAT if numbered else 1)
    assert files_of(home.landing_dir) == landed
    with pytest.raises(SettingsError, match="later release"):
        Settings.load()
    # The earlier release goes back.
    ended = heirpay("restore", str(copy), "--force")
    assert ended.code == 0, ended.said
    assert "later" not in tables(home)
    assert picture_of_data(home) == held
    assert files_of(home.landing_dir) == landed


def picture_of_data(home: Settings) -> dict[str, object]:
    """What the home holds, but for the log, which says that it was restored."""
    return {name: found for name, found in picture(home).items() if name != "log"}


def test_a_migration_that_fails_leaves_the_copy_and_can_be_tried_again(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        later_code(patch, "create table later (id integer);\nselect no_such_function();\n")
        with pytest.raises(Exception, match="no_such_function"):
            tables(home)
        (copy,) = (home.folder / "backups").iterdir()
        assert read_backup(copy).home_format == FORMAT
    with monkeypatch.context() as patch:
        later_code(patch)
        assert "later" in tables(home)
        assert list((home.folder / "backups").iterdir()) == [copy]


def test_no_copy_means_no_migration(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        later_code(patch)
        patch.setattr(upgrade, "make_backup", full)
        with pytest.raises(OSError, match="No space"):
            tables(home)
    assert format_of(home.folder) == FORMAT
    assert "later" not in tables(home)


def test_what_a_killed_upgrade_left_goes(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    left = home.folder / "backups" / f"20261101T000000-before-format-{FORMAT + 1}"
    (left / "home").mkdir(parents=True)
    (left / "unfinished").touch()
    with monkeypatch.context() as patch:
        later_code(patch)
        tables(home)
    assert not left.exists()
    assert len(list((home.folder / "backups").iterdir())) == 1


def test_nobody_upgrades_under_a_run(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread's run, as another process's: the lock is the operating system's."""
    with monkeypatch.context() as patch:
        later_code(patch)
        patch.setattr(upgrade, "is_held_here", lambda _: False)
        patch.setattr("heirpay_pipelines.state.run_lock.PATIENCE_SECONDS", 0)
        with hold_run_lock(home.folder, "a night"):
            patch.setattr("heirpay_pipelines.state.run_lock._held", set())
            with pytest.raises(AnotherRunError, match="a night"):
                tables(home)
    assert format_of(home.folder) == FORMAT


def test_a_copy_is_erased_with_a_person_and_goes_with_the_old_key(
    home: Settings, tmp_path: Path
) -> None:
    from heirpay_pipelines.rotate import rotate

    make_backup(home.folder, home.state_file, home.folder / "backups" / "1", linked=True)
    rotate(home, "the new key, it's longer than the old one was", "ana")
    assert not (home.folder / "backups").exists()
    assert json.loads((home.folder / NOTE).read_text()) == {"format": FORMAT}
