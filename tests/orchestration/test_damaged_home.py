"""A state file that is gone, emptied or damaged: one line, and a way back with the audit log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from heirpay_pipelines.at_rest.signing import SigningKeyError
from heirpay_pipelines.audit import Action, append, verify
from heirpay_pipelines.cli import cli
from heirpay_pipelines.console.errors import known
from heirpay_pipelines.controls.evidence.signing import signing_key
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
    shutil.copytree(whole.folder, tmp_path / "home")
    return Settings(HEIRPAY_HOME=tmp_path / "home")


def heirpay(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env={"HEIRPAY_HOME": str(settings.folder)}).invoke(cli, arguments)


def said(found: Result, home: Settings) -> str:
    """The one line that ends the command."""
    assert found.exception is not None
    if isinstance(found.exception, SystemExit):
        return found.output
    line = known(found.exception, home.folder)
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


KEY_DAMAGE: dict[str, bytes] = {"emptied": b"", "cut": b"ab12", "no key": b"x" * 64}


@pytest.mark.parametrize("damage", KEY_DAMAGE)
def test_a_damaged_signing_key_is_named_and_repair_makes_a_new_one(
    home: Settings, damage: str
) -> None:
    assert heirpay(home, "evidence").exit_code == 0
    before = home.evidence_key.read_bytes()
    with open_state(home.state_file) as state:  # the clock goes back: a signed record
        ahead = datetime.now(UTC) + timedelta(days=2)
        append(state, ahead, "nightly", Action.QUERY, "q", {})
        append(state, datetime.now(UTC), "nightly", Action.QUERY, "q", {})
    assert heirpay(home, "audit", "verify").exit_code == 0
    home.evidence_key.write_bytes(KEY_DAMAGE[damage])
    for command in (("evidence", "--to-folder", str(home.folder / "new")), ("audit", "verify")):
        line = said(heirpay(home, *command), home)
        assert "state/evidence.key, the key that evidence is signed with, is damaged" in line
        assert "heirpay repair" in line
    assert "state/evidence.key is damaged" in heirpay(home, "doctor").output
    repaired = heirpay(home, "repair")
    assert repaired.exit_code == 0, repaired.output
    with open_state(home.state_file) as state:
        (row,) = state.rows("select detail from audit_log where action = 'signing_key_replaced'")
    public = json.loads(row["detail"])["public_key"]
    assert public in repaired.output
    assert home.evidence_key.read_bytes() != before
    assert [p.name[16:] for p in (home.folder / "state" / "damaged").iterdir()] == ["evidence.key"]
    verified = heirpay(home, "audit", "verify")
    assert verified.exit_code == 0, verified.output
    written = home.folder / "after"
    assert heirpay(home, "evidence", "--to-folder", str(written)).exit_code == 0
    checked = heirpay(home, "evidence", "verify", str(written), "--public-key", public)
    assert checked.exit_code == 0, checked.output
    (old,) = (home.folder / "evidence").iterdir()
    assert heirpay(home, "evidence", "verify", str(old)).exit_code == 0
    assert "Nothing is lost" in heirpay(home, "repair").output


def test_a_forged_plain_signing_key_is_none(tmp_path: Path) -> None:
    """Second form: in an encrypted home another's whole key, put there in plain."""
    key = "k" * 44
    mine = Settings(HEIRPAY_HOME=tmp_path / "home", HEIRPAY_ENCRYPTION_KEY=key)
    other = Settings(HEIRPAY_HOME=tmp_path / "other")
    for settings in (mine, other):
        signing_key(settings)
    mine.evidence_key.write_bytes(other.evidence_key.read_bytes())
    with pytest.raises(SigningKeyError, match=r"state/evidence\.key"):
        signing_key(mine)


def test_a_wrong_key_is_no_damage(home: Settings) -> None:
    wrong = {"HEIRPAY_HOME": str(home.folder), "HEIRPAY_ENCRYPTION_KEY": "k" * 40}
    before = home.state_file.read_bytes()
    assert CliRunner(env=wrong).invoke(cli, ["repair"]).exit_code != 0
    assert home.state_file.read_bytes() == before
