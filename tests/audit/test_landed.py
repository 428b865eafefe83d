"""The audit log holds every landed pull: an amount changed with every hash of it is found."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.landed import verify_landed
from heirpay_pipelines.cli import cli
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile, Manifest, read_manifest, write_manifest
from heirpay_pipelines.landing.pull_sequence import commit, lose, whole
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AT = datetime(2026, 11, 1, tzinfo=UTC)
CHARGE = "objects/charge/{}-00001.parquet"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Two pulls of one charge each; a file's bytes stand for its Parquet."""
    settings = Settings(HEIRPAY_HOME=tmp_path / "home")
    for pull_id in ("p1", "p2"):
        landing = Landing(settings.landing_dir)
        commit(settings.state_file, landing, pulled(landing, pull_id))
    return settings


def pulled(landing: Landing, pull_id: str) -> Manifest:
    path = landing.root / CHARGE.format(pull_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"amount 100")
    file = LandedFile(CHARGE.format(pull_id), "charge", 1, sha256_of(path))
    return Manifest(pull_id, AT, "acct_1", False, "", "full", {"event": 1}, AT, AT, 1, (file,))


def manifest(settings: Settings, pull_id: str) -> Path:
    return settings.landing_dir / "manifests" / f"{pull_id}.json"


def verified(settings: Settings) -> Result:
    return CliRunner(env={"HEIRPAY_HOME": str(settings.folder)}).invoke(cli, ["audit", "verify"])


def edit_all(settings: Settings) -> None:
    """The amount, its file's hash, the manifest; the row and the copy in the state file, too."""
    file = settings.landing_dir / CHARGE.format("p1")
    before, path = sha256_of(file), manifest(settings, "p1")
    file.write_bytes(b"amount 999")
    path.write_text(path.read_text().replace(before, sha256_of(file)))


def edit_with_state(settings: Settings) -> None:
    edit_all(settings)
    content = manifest(settings, "p1").read_bytes()
    with open_state(settings.state_file) as state, state.transaction() as connection:
        connection.execute(
            "update pulls set digest = ?, manifest = ? where pull_id = 'p1'",
            (hashlib.sha256(content).hexdigest(), zlib.compress(content)),
        )


def add(settings: Settings) -> None:
    landing = Landing(settings.landing_dir)
    write_manifest(landing.manifests_dir, pulled(landing, "p9"))


ATTACKS: dict[str, tuple[Callable[[Settings], object], str]] = {
    "an amount and every hash": (edit_all, "p1.json is not what record 1 says"),
    "the state file's copy as well": (edit_with_state, "p1.json is not what record 1 says"),
    "an amount alone": (
        lambda s: (s.landing_dir / CHARGE.format("p2")).write_bytes(b"amount 999"),
        "p2-00001.parquet is not the file that record 2 covers",
    ),
    "a file removed": (
        lambda s: (s.landing_dir / CHARGE.format("p2")).unlink(),
        "p2-00001.parquet, of record 2, is missing",
    ),
    "a pull removed": (lambda s: manifest(s, "p2").unlink(), "p2.json, of record 2, is missing"),
    "a pull emptied": (lambda s: manifest(s, "p2").write_bytes(b""), "p2.json is not what"),
    "a pull under another's name": (
        lambda s: shutil.copy(manifest(s, "p1"), manifest(s, "p2")),
        "p2.json is not what record 2",
    ),
    "a pull added": (add, "the log knows no pull p9"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_landed_pull_that_was_changed_is_named(home: Settings, attack: str) -> None:
    before = verified(home)
    assert before.exit_code == 0, before.output
    assert "2 landed pulls with 2 files are as the log says" in before.output
    change, said = ATTACKS[attack]
    change(home)
    after = verified(home)
    assert after.exit_code == 1
    assert said in after.output
    assert "landed data is not what was pulled" in after.output


def test_an_edit_is_no_rewriting_to_the_next_night(home: Settings) -> None:
    before = manifest(home, "p1").read_bytes()
    edit_all(home)
    assert whole(home.state_file, Landing(home.landing_dir))
    assert manifest(home, "p1").read_bytes() == before
    assert "p1-00001.parquet is not the file" in verified(home).output


def test_pulls_of_earlier_releases_are_counted_and_no_error(tmp_path: Path) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path / "home")
    landing = Landing(settings.landing_dir)
    write_manifest(landing.manifests_dir, pulled(landing, "p0"))
    with open_state(settings.state_file) as state:
        append(state, AT, "ana", Action.QUERY, "x", {})
    found = verified(settings)
    assert found.exit_code == 0, found.output
    assert "1 pulls of an earlier release are not recorded" in found.output
    commit(settings.state_file, landing, pulled(landing, "p1"))
    assert "2 landed pulls with 2 files" in verified(settings).output


def test_a_pull_that_was_given_up_and_an_erasure_on_its_way_are_no_finding(home: Settings) -> None:
    landing = Landing(home.landing_dir)
    old = read_manifest(manifest(home, "p1"))
    after = LandedFile(CHARGE.format("p1").replace("00001", "10001"), "charge", 1, "")
    (landing.root / after.path).write_bytes(b"amount 100, no name")
    after = LandedFile(after.path, "charge", 1, sha256_of(landing.root / after.path))
    files = {old.files[0].path: [old.files[0].sha256, after.path, after.sha256]}
    with open_state(home.state_file) as state:
        lose(state, landing, "p2", "damaged")
        append(state, AT, "ana", Action.LANDING_REWRITTEN, "p1", {"files": files})
        assert not verify_landed(home, state, files=True).findings
        record = json.loads(manifest(home, "p1").read_text())
        record["files"][0] |= {"path": after.path, "sha256": after.sha256}
        manifest(home, "p1").write_text(json.dumps(record, indent=1, sort_keys=True))
        assert not verify_landed(home, state, files=True).findings
        record["files"][0]["rows"] = 0
        manifest(home, "p1").write_text(json.dumps(record, indent=1, sort_keys=True))
        assert verify_landed(home, state, files=True).findings


def test_a_pull_that_only_the_log_knows_is_read_again(home: Settings) -> None:
    """The state file is a new one and the newest manifest is gone: no later one names it."""
    landing = Landing(home.landing_dir)
    manifest(home, "p2").unlink()
    with open_state(home.state_file) as state, state.transaction() as connection:
        connection.execute("delete from pulls")
    assert "p2.json is gone" in " ".join(whole(home.state_file, landing))
    assert whole(home.state_file, landing) == []
    assert verified(home).exit_code == 0


def test_a_pull_that_nobody_recorded_is_set_aside_by_the_next_night(home: Settings) -> None:
    add(home)
    landing = Landing(home.landing_dir)
    (said,) = whole(home.state_file, landing)
    assert "p9.json: no pull of this home wrote it" in said
    assert [m.pull_id for m in landing.manifests()] == ["p1", "p2"]
    assert not (home.landing_dir / CHARGE.format("p9")).exists()
    aside = {path.name.partition("-")[2] for path in (landing.root / "damaged").iterdir()}
    assert aside == {"p9.json", "p9-00001.parquet"}
    with open_state(home.state_file) as state:
        (row,) = state.rows("select subject from audit_log where action = 'pull_refused'")
    assert row["subject"] == "p9"
    assert verified(home).exit_code == 0, "found, recorded and out of the way"


def test_no_other_command_takes_an_added_pull_up(home: Settings) -> None:
    """Second form: a bank file or a webhook lands before the next night."""
    add(home)
    landing = Landing(home.landing_dir)
    commit(home.state_file, landing, pulled(landing, "p3"))
    assert [m.pull_id for m in landing.manifests()] == ["p1", "p2", "p3"]


def test_a_new_state_file_takes_up_only_what_the_log_holds(home: Settings) -> None:
    """Third form: the sequence is gone, and the log came back from the published warehouse."""
    edit_all(home)
    with open_state(home.state_file) as state, state.transaction() as connection:
        connection.execute("delete from pulls")
    landing = Landing(home.landing_dir)
    said = " ".join(whole(home.state_file, landing))
    assert "p1.json: no pull of this home wrote it" in said
    assert "p1.json is gone: the pull is lost, its span is read again" in said
    assert [m.pull_id for m in landing.manifests()] == ["p2"]
    assert verified(home).exit_code == 0


def test_a_lost_pull_that_comes_back_changed_is_refused(home: Settings) -> None:
    """Fourth form: a manifest in the place of one that was given up."""
    landing = Landing(home.landing_dir)
    path = manifest(home, "p2")
    before = path.read_bytes()
    with open_state(home.state_file) as state:
        lose(state, landing, "p2", "damaged")
    path.write_bytes(before.replace(b'"requests": 1', b'"requests": 2'))
    assert "not what had been written" in " ".join(whole(home.state_file, landing))
    assert [m.pull_id for m in landing.manifests()] == ["p1"]
    assert verified(home).exit_code == 0
    path.write_bytes(before)
    shutil.copy(home.landing_dir / CHARGE.format("p1"), home.landing_dir / CHARGE.format("p2"))
    assert "is there again" in " ".join(whole(home.state_file, landing))


def test_a_lost_pull_of_before_an_erasure_does_not_come_back(home: Settings) -> None:
    """It may hold the person."""
    landing = Landing(home.landing_dir)
    path = manifest(home, "p2")
    before = path.read_bytes()
    with open_state(home.state_file) as state:
        lose(state, landing, "p2", "damaged")
        later = datetime.now(UTC).isoformat()
        with state.transaction() as connection:
            connection.execute(
                "insert into erasures values ('cus_erased1', '', ?, 'dana', 'r', ?, null)",
                (later, later),
            )
    path.write_bytes(before)
    assert "people were erased since" in " ".join(whole(home.state_file, landing))
    assert [m.pull_id for m in landing.manifests()] == ["p1"]


def test_a_pull_that_was_killed_before_its_manifest_is_whole_again(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = Landing(home.landing_dir)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr("heirpay_pipelines.landing.pull_sequence.write_manifest", die)
        commit(home.state_file, landing, pulled(landing, "p3"))
    assert not manifest(home, "p3").exists()
    assert "p3.json was gone: restored" in " ".join(whole(home.state_file, landing))
    assert [m.pull_id for m in landing.manifests()] == ["p1", "p2", "p3"]
    assert verified(home).exit_code == 0


def keep_head(settings: Settings, place: str) -> Path:
    """A file that holds a head, as the night and `heirpay evidence` write them."""
    path = settings.folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_state(settings.state_file) as state:
        row = state.rows("select sequence, hash from audit_log order by sequence desc limit 1")[0]
    if path.suffix == ".duckdb":
        with connect(path, None, read_only=False) as connection:
            connection.execute("create schema operations")
            connection.execute(
                "create table operations.audit_log as select ? as sequence, ? as hash",
                [row["sequence"], row["hash"]],
            )
    else:
        (path.parent / "report.html").write_text("x")
        path.write_text(json.dumps({"audit_head": f"{row['sequence']}:{row['hash']}"}))
    return path


HOLDERS = (
    "warehouse/heirpay.duckdb",
    "reports/2026-11-01/report.json",
    "evidence/q4/manifest.json",
)
LOSSES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "without its head": lambda path: path.write_text("{}"),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_head_that_is_missing_or_unreadable_fails(home: Settings, holder: str) -> None:
    path = keep_head(home, holder)
    whole_file = path.read_bytes()
    good = verified(home)
    assert good.exit_code == 0, good.output
    assert "1 heads kept elsewhere are in the log" in good.output
    for name, loss in LOSSES.items():
        if holder.startswith("warehouse") and name == "gone":
            continue  # another night publishes it; nothing says that one was
        loss(path)
        found = verified(home)
        assert found.exit_code == 1, name
        assert holder in found.output, name
        path.write_bytes(whole_file)
    assert verified(home).exit_code == 0
