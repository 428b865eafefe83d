"""A fresh home for each test of this folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from escalate_night import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    os.umask(0o077)  # as the command line sets it
    return Home(tmp_path / "home")
