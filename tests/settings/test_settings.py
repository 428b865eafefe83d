"""Settings are validated once, and an error names the variable and never shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.settings import Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEIRPAY_TIMEZNE", "UTC"),
        ("HEIRPAY_TIMEZONE", "Mars/Olympus"),
        ("HEIRPAY_REPORTING_CURRENCY", "euro"),
        ("HEIRPAY_PROJECT", "No Spaces"),
        ("HEIRPAY_MEMORY_LIMIT", "lots"),
        ("STRIPE_API_BASE", "http://example.com"),
        ("STRIPE_API_BASE", "ftp://127.0.0.1"),
        ("HEIRPAY_PUBLIC_URL", "finance.example"),
        ("HEIRPAY_PUBLIC_URL", "https://user:word@finance.example"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


def test_a_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_hushhush")
    monkeypatch.setenv("HEIRPAY_ENCRYPTION_KEY", "hushhush2 and as long as a new key has to be")
    settings = Settings.load()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hushhush" not in text
    monkeypatch.setenv("HEIRPAY_TIMEZONE", "nonsense")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert "hushhush" not in str(caught.value)


def test_dotenv_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text("HEIRPAY_TIMEZONE=Europe/Berlin\nHEIRPAY_REPORTING_CURRENCY=EUR\n")
    monkeypatch.setenv("HEIRPAY_TIMEZONE", "Asia/Tokyo")
    settings = Settings.load()
    assert (settings.timezone, settings.reporting_currency) == ("Asia/Tokyo", "eur")
    assert settings.folder == tmp_path / "var"


def test_plain_http_is_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for base in ("http://127.0.0.1:12111", "http://localhost:1", "https://api.stripe.com/"):
        monkeypatch.setenv("STRIPE_API_BASE", base)
        assert Settings.load().stripe_api_base == base.rstrip("/")


def test_links_lead_where_colleagues_reach_the_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().ui_url.startswith("http://127.0.0.1")
    monkeypatch.setenv("HEIRPAY_PUBLIC_URL", "https://finance.example/dagster/")
    assert Settings.load().ui_url == "https://finance.example/dagster"
