from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import Heirpay, heirpay_in


@pytest.fixture
def heirpay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Heirpay:
    """The command line in an empty folder, with nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("HEIRPAY_", "STRIPE_")):
            monkeypatch.delenv(name)
    return heirpay_in(monkeypatch, capsys)
