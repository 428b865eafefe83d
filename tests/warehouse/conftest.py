"""The worked examples, landed by hand and modelled once for all tests that read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_harness import Warehouse, model
from mrr_examples import EXAMPLES_AS_OF, SUBSCRIPTION_MARTS, examples


@pytest.fixture(scope="session")
def worked_examples(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder: Path = tmp_path_factory.mktemp("examples")
    return model(examples(), folder, EXAMPLES_AS_OF, SUBSCRIPTION_MARTS)
