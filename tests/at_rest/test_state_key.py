"""The state file is encrypted with the key; a wrong or missing one is one clear error, exit 2."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.cli import main
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.rotate import RotationError, rotate
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.database import hold_key

KEY = "correct horse battery staple, and more"
SENTINEL = "jane.sentinel@example.com"
OPENING = (
    ("audit", "verify"),
    ("query", "select 1"),
    ("run",),
    ("report",),
    ("incidents", "list"),
    ("controls", "list"),
    ("close", "2026-10"),
    ("evidence",),
    ("receive",),
)


def settings(home: Path, key: str | None) -> Settings:
    return Settings(HEIRPAY_HOME=home, **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {}))


def write(home: Path, key: str | None) -> Settings:
    given = settings(home, key)
    with open_state(given.state_file) as state:
        append(state, datetime(2026, 11, 1, tzinfo=UTC), "ana", Action.QUERY, SENTINEL, {})
        # Still in the write-ahead log, too: it must not be readable there either.
        files = [path for path in home.rglob("*") if path.is_file()]
        assert any(path.name.endswith("-wal") and path.stat().st_size for path in files)
        plain = [path.name for path in files if SENTINEL.encode() in path.read_bytes()]
        assert bool(plain) == (key is None)
    return given


def heirpay(home: Path, key: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    given = {"HEIRPAY_HOME": str(home), **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {})}
    return subprocess.run(
        [sys.executable, "-m", "heirpay_pipelines", *arguments],
        env=kept | given, cwd=home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
def test_what_was_written_is_read_again_with_the_same_key(tmp_path: Path, key: str | None) -> None:
    given = write(tmp_path, key)
    with open_state(given.state_file) as state:
        assert [row["subject"] for row in state.rows("select subject from audit_log")] == [SENTINEL]
        assert state.rows("pragma journal_mode") == [{"journal_mode": "wal"}]
        assert state.rows("pragma synchronous") == [{"synchronous": 2}]
    content = given.state_file.read_bytes()
    assert content.startswith(b"SQLite format 3\0") == (key is None)
    assert (SENTINEL.encode() in content) == (key is None)


@pytest.mark.parametrize(
    ("written", "given", "said"),
    [
        (KEY, None, "HEIRPAY_ENCRYPTION_KEY is not set"),
        (KEY, "another key altogether", "HEIRPAY_ENCRYPTION_KEY does not fit"),
        (None, KEY, "was written without a key"),
    ],
    ids=["missing", "wrong", "written plain"],
)
def test_another_key_is_one_clear_error(
    tmp_path: Path,
    written: str | None,
    given: str | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, written)
    before = (tmp_path / "state" / "heirpay.sqlite").read_bytes()
    with (
        pytest.raises(EncryptionKeyError, match=said) as raised,
        open_state(settings(tmp_path, given).state_file),
    ):
        pass
    assert KEY not in str(raised.value)
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
    if given:
        monkeypatch.setenv("HEIRPAY_ENCRYPTION_KEY", given)
    else:
        monkeypatch.delenv("HEIRPAY_ENCRYPTION_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=said):
        Settings.load()
    assert Settings.load(any_key=True).key == given
    assert (tmp_path / "state" / "heirpay.sqlite").read_bytes() == before
    assert capfd.readouterr().err == ""  # SQLCipher writes no log of its own


def test_every_command_that_opens_anything_ends_with_2(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from heirpay_pipelines.cli import cli

    write(tmp_path, KEY)
    ended = heirpay(tmp_path, "another key", "query", "select 1")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("heirpay: HEIRPAY_ENCRYPTION_KEY does not fit")
    for arguments in OPENING:
        result = CliRunner(env={"HEIRPAY_HOME": str(tmp_path)}).invoke(cli, arguments)
        assert isinstance(result.exception, SettingsError), arguments


@pytest.mark.parametrize("other", ["the key of an old backup", None], ids=["another", "none"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "select 1"),
        ("explain", "mrr", "--month", "2026-10"),
        ("breaks", "list"),
        ("gdpr", "map"),
        ("gdpr", "retention"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_warehouse_of_another_key_is_one_line_and_ends_with_2(
    tmp_path: Path,
    arguments: tuple[str, ...],
    other: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = write(tmp_path, KEY)
    given.warehouse_dir.mkdir()
    with connect(given.warehouse, other, read_only=False) as warehouse:
        warehouse.execute("create table t as select 1 as a")
    for name, value in {"HEIRPAY_HOME": str(tmp_path), "HEIRPAY_ENCRYPTION_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["heirpay", *arguments])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    assert "another key" in said if other else "without a key" in said
    assert KEY not in said


def test_the_doctor_says_how_to_fix_a_wrong_key(tmp_path: Path) -> None:
    write(tmp_path, KEY)
    ended = heirpay(tmp_path, "another key", "doctor")
    assert ended.returncode == 1
    (line,) = [line for line in ended.stdout.splitlines() if "encryption key" in line.lower()]
    assert line.startswith("FIX ")
    assert "another key" not in ended.stdout


def test_while_the_key_is_rotated_nobody_opens_the_state_and_the_reverse(tmp_path: Path) -> None:
    path = settings(tmp_path, KEY).state_file
    with open_state(path):
        pass
    with (
        hold_key(path, alone=True),
        pytest.raises(EncryptionKeyError, match="is being rotated"),
        open_state(path),
    ):
        pass
    with (
        open_state(path),
        open_state(path),  # others that only open it are not in the way
        pytest.raises(EncryptionKeyError, match="in use"),
        hold_key(path, alone=True),
    ):
        pass


SHORT = "a key of thirty-one characters!"


def test_a_new_home_takes_no_key_that_can_be_guessed(tmp_path: Path) -> None:
    for key, code in (("1", 2), (SHORT, 2), (SHORT + "!", 0)):
        ended = heirpay(tmp_path, key, "audit", "log")
        assert ended.returncode == code, (key, ended.stderr)
        assert ended.stderr.count("\n") == (1 if code else 0)
        assert ("openssl rand -base64 32" in ended.stderr) == bool(code)
        assert (tmp_path / "state").is_dir() == (not code), "nothing is written"


def test_a_home_with_a_short_key_opens_and_says_how_to_change_it(tmp_path: Path) -> None:
    write(tmp_path, SHORT)
    ended = heirpay(tmp_path, SHORT, "audit", "log")
    assert ended.returncode == 0
    assert "heirpay key rotate" in ended.stderr
    assert SHORT not in ended.stderr
    assert "HEIRPAY_ENCRYPTION_KEY" not in heirpay(tmp_path, SHORT, "--version").stderr


@pytest.mark.parametrize("before", [KEY, None], ids=["from a key", "from plain"])
def test_a_rotation_takes_no_short_key(tmp_path: Path, before: str | None) -> None:
    given = write(tmp_path, before)
    with pytest.raises(RotationError, match="31 characters"):
        rotate(given, SHORT, "ana")
    with open_state(given.state_file) as state:
        assert state.rows("select subject from audit_log") == [{"subject": SENTINEL}]
