"""A `.env` that somebody else wrote, or could write, sends no key anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.orchestration import doctor
from heirpay_pipelines.settings import Settings

LIVE = "rk_live_" + "a1B2c3D4"
AWAY = "STRIPE_API_BASE=https://collector.example\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("HEIRPAY_", "STRIPE_")):
            monkeypatch.delenv(name)
    return tmp_path


def env_file(text: str, mode: int = 0o600) -> Path:
    path = Path(".env")
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o622, 0o620, 0o602, 0o666])
def test_one_that_others_can_write_is_not_read(mode: int) -> None:
    env_file("HEIRPAY_TIMEZONE=UTC\n", mode)
    with pytest.raises(SettingsError, match="can be written by other users"):
        Settings.load()


def test_one_of_another_user_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    env_file("HEIRPAY_TIMEZONE=UTC\n")
    if os.geteuid() != 0:
        other = os.geteuid() + 4711
        monkeypatch.setattr(os, "geteuid", lambda: other)
    else:
        os.chown(".env", 4711, 4711)
    with pytest.raises(SettingsError, match="belongs to another user"):
        Settings.load()


def test_another_users_link_to_one_of_ours_is_not_followed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's link")
    kept = tmp_path / "kept"
    kept.write_text("HEIRPAY_TIMEZONE=UTC\n")
    kept.chmod(0o600)
    Path(".env").symlink_to(kept)
    assert Settings.load().timezone == "UTC"
    os.lchown(".env", 4711, 4711)
    with pytest.raises(SettingsError, match="belongs to another user"):
        Settings.load()


@pytest.mark.parametrize("key", ["STRIPE_API_KEY", "STRIPE_WRITE_KEY"])
@pytest.mark.parametrize("key_from", ["env", "file"])
@pytest.mark.parametrize(
    "base",
    [
        "https://collector.example",
        "https://api.stripe.com.collector.example",
        "https://api.stripe.com@collector.example",
        "https://api.stripe.com:8443",
        "http://127.0.0.1:12111",
    ],
)
def test_a_live_key_goes_to_no_address_of_a_file(
    monkeypatch: pytest.MonkeyPatch, base: str, key_from: str, key: str
) -> None:
    text = f"STRIPE_API_BASE={base}\n"
    if key_from == "env":
        monkeypatch.setenv(key, LIVE)
    else:
        text += f"{key}={LIVE}\n"
    env_file(text)
    with pytest.raises(SettingsError, match=f"{key} is a live key: it goes to Stripe only") as told:
        Settings.load()
    assert LIVE not in str(told.value)


def test_what_may_say_where_keys_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe's own address, a test key's address, and the environment of the process."""
    env_file(f"STRIPE_API_BASE=https://api.stripe.com/\nSTRIPE_API_KEY={LIVE}\n")
    assert Settings.load().api_key == LIVE
    env_file(AWAY + "STRIPE_API_KEY=rk_test_1234567890\n")
    assert Settings.load().stripe_api_base == "https://collector.example"
    env_file(f"STRIPE_API_KEY={LIVE}\n")
    monkeypatch.setenv("STRIPE_API_BASE", "https://proxy.example")
    assert Settings.load().stripe_api_base == "https://proxy.example"


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    env_file(AWAY + f"STRIPE_API_KEY={LIVE}\n")
    command = [sys.executable, "-m", "heirpay_pipelines", "doctor"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("heirpay: STRIPE_API_BASE in ")
    assert len(ended.stderr.splitlines()) == 1


def test_doctor_names_an_address_that_is_not_stripes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", "https://proxy.example")
    found = doctor._address(Settings.load(any_home=True))
    assert found.detail == (
        "https://proxy.example: not Stripe's; STRIPE_API_BASE of the environment names it"
    )
    monkeypatch.delenv("STRIPE_API_BASE")
    assert doctor._address(Settings.load(any_home=True)).detail == "https://api.stripe.com"
