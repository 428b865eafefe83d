"""What every test may use: the embedded account, one published night, copies of it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from installed import Installation
from nights import (
    NOT_SERVED,
    account_at,
    copy_home,
    give_parsed_project,
    night_of_this_code,
    session_copy,
    session_folder,
)

from heirpay_pipelines.orchestration.embedded import EmbeddedAccount

pytest_plugins = ("timings", "deaths", "fast")

# A shell that starts the tests in its background lets them ignore Ctrl-C, and Dagster makes SIGTERM
# do what Ctrl-C does: children would inherit both, and never end when they are told to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes on a busy machine says nothing of the product.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")


@pytest.fixture(scope="session")
def account_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank statements of `account`."""
    return tmp_path_factory.mktemp("account") / "bank"


@pytest.fixture(scope="session")
def account(account_bank: Path) -> Iterator[EmbeddedAccount]:
    """The embedded account, served for the whole session: nothing that a test does changes it."""
    with account_at(account_bank) as served:
        yield served


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A night of the embedded account, run once for this version of the code, only read by tests.

    Its account is not served any more. Beside its home stands `contacted`: each address that the
    night asked.
    """
    copy = session_copy(night_of_this_code(), session_folder(tmp_path_factory))
    return Installation(copy / "home", NOT_SERVED)


@pytest.fixture
def published_copy(published: Installation, tmp_path: Path) -> Installation:
    """A copy of the published night that the test may change. Its account is not served: with
    `replace(published_copy, account=account)` it is."""
    home = tmp_path / "home"
    copy_home(published.home, home)
    return replace(published, home=home)


@pytest.fixture
def empty_home(account: EmbeddedAccount, account_bank: Path, tmp_path: Path) -> Installation:
    """An installation that has not pulled yet, with the shared account before it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copytree(account_bank, home / "bank")
    give_parsed_project(home)
    return Installation(home, account)
