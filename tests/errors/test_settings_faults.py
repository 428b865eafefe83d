"""A wrong setting ends every command with one line: which, why, and what to do; exit code 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import Heirpay

LIVE = "rk_live_" + "a1B2c3D4e5F6"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEIRPAY_REPORTING_CURRENCY", "zzz", "no currency of ISO 4217"),
        ("HEIRPAY_REPORTING_CURRENCY", "ERU", "Did you mean eur?"),
        ("HEIRPAY_TIMEZONE", "Europe/Berln", "Did you mean Europe/Berlin?"),
        ("HEIRPAY_TIMEZNE", "UTC", "Did you mean HEIRPAY_TIMEZONE?"),
        ("HEIRPAY_NOTIFY", "slak://token-a/token-b", "Did you mean slack?"),
        ("HEIRPAY_NOTIFY", "json://localhost/x quux://token-a", "address 2 (quux://…)"),
        ("HEIRPAY_NOTIFY", "slack://token-a", "not complete"),
        ("HEIRPAY_NOTIFY", "finance@token-a.test", "such as slack:// or mailto://"),
        ("HEIRPAY_HOME", "/dev/null/token-a", "cannot be used"),
        ("HEIRPAY_HOME", "/etc/hosts", "is a file"),
    ],
)
def test_one_line_names_the_setting(heirpay: Heirpay, name: str, value: str, said: str) -> None:
    ended = heirpay("incidents", "list", **{name: value})
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert name in ended.lines[0]
    assert said in ended.lines[0]
    if name == "HEIRPAY_NOTIFY":  # all but the scheme may be secret
        assert "token" not in ended.said


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("HEIRPAY_TIMEZONE=UTC\n\n# key\nSTRIPE_API_KEY rk_test_1\n", 4),
        ("STRIPE_API_KEY\n", 1),
        ("export STRIPE_API_KEY\n", 1),
        ("HEIRPAY_TIMEZONE=UTC\nSTRIPE_API_KEY: rk_test_1\n", 2),
        ("HEIRPAY_TIMEZONE=UTC\r\n\r\nHEIRPAY_PROJECT='open\r\n", 3),
    ],
)
def test_a_line_that_is_no_assignment_is_named(heirpay: Heirpay, content: str, line: int) -> None:
    Path(".env").write_bytes(content.encode())
    ended = heirpay("query", "select 1")
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert f".env, line {line}, is no assignment" in ended.said
    assert "rk_test_1" not in ended.said


def test_a_file_of_another_encoding_is_said_and_a_mark_at_its_beginning_is_not_read(
    heirpay: Heirpay,
) -> None:
    Path(".env").write_text("HEIRPAY_TIMEZONE=UTC\n", encoding="utf-16")
    assert "save it as UTF-8" in heirpay("query", "select 1").lines[0]
    Path(".env").write_text("HEIRPAY_TIMEZONE=Mars/Olympus\n", encoding="utf-8-sig")
    assert "HEIRPAY_TIMEZONE" in heirpay("query", "select 1").lines[0]


@pytest.mark.parametrize("content", [f"STRIPE_API_KEY={LIVE}\n", f"# STRIPE_API_KEY='{LIVE}'\n"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_live_key_that_others_can_read_is_refused(
    heirpay: Heirpay, content: str, mode: int
) -> None:
    env = Path(".env")
    env.write_text(content)
    env.chmod(mode)
    ended = heirpay("incidents", "list")
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert f"chmod 600 {env.absolute()}" in ended.said
    assert LIVE not in ended.said
    env.chmod(0o600)
    assert heirpay("incidents", "list").code == 0


def test_a_test_key_may_be_read(heirpay: Heirpay) -> None:
    Path(".env").write_text("STRIPE_API_KEY=rk_test_a1B2c3D4e5F6\n")
    assert heirpay("incidents", "list").code == 0


def test_a_key_that_is_missing_is_said_before_anything_starts(heirpay: Heirpay) -> None:
    ended = heirpay("run")
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert "STRIPE_API_KEY is not set" in ended.said
    assert not Path("var").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only the administrator may change an owner")
def test_a_home_of_another_user_is_not_touched(heirpay: Heirpay, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    for command in (("incidents", "list"), ("demo",), ("run",)):
        ended = heirpay(*command, HEIRPAY_HOME=str(home), STRIPE_API_KEY="rk_test_x")
        assert (ended.code, len(ended.lines)) == (2, 1), ended.said
        assert f"{home} belongs to the user" in ended.said
    assert list(home.iterdir()) == []
    ended = heirpay("doctor", HEIRPAY_HOME=str(home), STRIPE_API_BASE="http://127.0.0.1:9")
    assert f"{home} belongs to the user" in ended.out


def test_a_home_that_cannot_be_made_or_written_is_one_line(
    heirpay: Heirpay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    ended = heirpay("incidents", "list", HEIRPAY_HOME=str(tmp_path / "new" / "home"))
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert f"{tmp_path} is not writable" in ended.said


def test_a_home_below_what_takes_no_folder_is_one_line(heirpay: Heirpay) -> None:
    ended = heirpay("incidents", "list", HEIRPAY_HOME="/proc/heirpay")
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert "/proc/heirpay" in ended.said
