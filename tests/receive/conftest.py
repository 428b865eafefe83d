"""A running endpoint for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from receive_endpoint import OLD_SECRET, SECRET, Endpoint, running


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    home = tmp_path_factory.mktemp("receive")
    with running(home, secrets=f"{SECRET}, {OLD_SECRET}") as started:
        yield started
