"""A state file that is gone, emptied or damaged: one line, and a way back with the audit log."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from heirpay_pipelines.audit import Action, append, verify
from heirpay_pipelines.cli import cli
from heirpay_pipelines.console.errors import known
from heirpay_pipelines.controls.store import copy_results
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.warehouse.publication import publish

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a pull, an audit log, and a published warehouse that holds a copy of it."""
    settings = Settings(HEIRPAY_HOME=tmp_path_factory.mktemp("whole") / "home")
    commit(
        settings.state_file, Landing(settings.landing_dir),
        Manifest("p1", AT, "acct_1", False, "", "full", {"event": 1}, AT, AT, 1, ()),
    )  # fmt: skip
    build = settings.warehouse_dir / "building" / "r1.duckdb"
    build.parent.mkdir(parents=True)
    with open_state(settings.state_file) as state:
        append(state, datetime.now(UTC), "nightly", Action.QUERY, "it's", {"rows": [1, None]})
        with connect(build, None, read_only=False) as connection:
            connection.execute("create schema operations; create schema compliance")
            copy_results(connection, state)
    publish(build, settings.warehouse, None)
    return settings


@pytest.fixture
def home(whole: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(whole.home, tmp_path / "home")
    return Settings(HEIRPAY_HOME=tmp_path / "home")


def heirpay(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env={"HEIRPAY_HOME": str(settings.home)}).invoke(cli, arguments)


def said(found: Result, home: Settings) -> str:
    """The one line that ends the command."""
    assert found.exception is not None
    if isinstance(found.exception, SystemExit):
        return found.output
    line = known(found.exception, home.home)
    assert line is not None, repr(found.exception)
    return line.line


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "overwritten": lambda path: path.write_bytes(
        path.read_bytes()[:100] + b"\xff" * 4000 + path.read_bytes()[4100:]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_command_names_it_and_repair_begins_anew(home: Settings, damage: str) -> None:
    with open_state(home.state_file) as state:
        state.connection.execute("pragma wal_checkpoint(truncate)")
    DAMAGE[damage](home.state_file)
    for command in (("query", "select 1"), ("audit", "verify"), ("run",), ("ui",)):
        line = said(heirpay(home, *command), home)
        assert "heirpay.sqlite" in line
        assert "heirpay repair" in line
    repaired = heirpay(home, "repair")
    assert repaired.exit_code == 0, repaired.output
    with open_state(home.state_file) as state:
        assert verify(state).ok
        actions = [
            r["action"] for r in state.rows("select action from audit_log order by sequence")
        ]
        pulls = state.rows("select pull_id, sequence from pulls")
    assert actions == ["pull_landed", "query", "state_lost", "pull_landed"]
    assert pulls == [{"pull_id": "p1", "sequence": 1}]
    assert heirpay(home, "audit", "verify").exit_code == 0
    assert "Nothing is lost" in heirpay(home, "repair").output


def test_a_wrong_key_is_no_damage(home: Settings) -> None:
    wrong = {"HEIRPAY_HOME": str(home.home), "HEIRPAY_ENCRYPTION_KEY": "k" * 40}
    before = home.state_file.read_bytes()
    assert CliRunner(env=wrong).invoke(cli, ["repair"]).exit_code != 0
    assert home.state_file.read_bytes() == before
