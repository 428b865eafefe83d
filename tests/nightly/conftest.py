"""What Dagster loads, loaded once; it needs no night."""

from __future__ import annotations

import dagster as dg
import pytest

from heirpay_pipelines.nightly.job import definitions
from heirpay_pipelines.settings import Settings


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return definitions(Settings(HEIRPAY_HOME=tmp_path_factory.mktemp("loaded")))
