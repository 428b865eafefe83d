"""Homes small enough to be copied in a test, and the commands on them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "at_rest"), str(TESTS / "errors")]

from command import Heirpay, heirpay_in  # noqa: E402
from rotation_home import OLD, make_home  # noqa: E402

from heirpay_pipelines.settings import Settings  # noqa: E402


@pytest.fixture
def heirpay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Heirpay:
    monkeypatch.chdir(tmp_path)
    return heirpay_in(monkeypatch, capsys)


@pytest.fixture(params=[None, OLD], ids=["plain", "encrypted"])
def home(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A home with something of everything; the environment names it."""
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    if request.param:
        monkeypatch.setenv("HEIRPAY_ENCRYPTION_KEY", request.param)
    return make_home(tmp_path / "home", request.param)
