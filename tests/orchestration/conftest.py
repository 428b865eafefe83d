"""What Dagster loads, loaded once; it needs no night."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from heirpay_pipelines.orchestration.job import definitions
from heirpay_pipelines.settings import Settings


@pytest.fixture(scope="session")
def loaded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loaded")


@pytest.fixture(scope="session")
def loaded(loaded_home: Path) -> dg.Definitions:
    return definitions(Settings(HEIRPAY_HOME=loaded_home))
