"""What every test may use: one published night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from filelock import FileLock
from guard import socket_guard
from installed import NOW, Installation, installation


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A night of the embedded account, run once for the whole session and only read by tests."""
    shared = tmp_path_factory.getbasetemp().parent  # the same for every test process
    home = shared / "published-night"
    with FileLock(shared / "published-night.lock"), installation(home) as night:
        if not night.settings.warehouse.is_file():
            guard = socket_guard(shared / "contacted", night.account.base_url)
            result = night.heirpay("run", "--as-of", NOW, **guard)
            assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    yield night
