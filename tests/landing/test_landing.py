"""The landing: all of a pull or nothing, checked when read, private, and encrypted when asked."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from heirpay_pipelines.landing import writer as writer_module
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError, Manifest, write_manifest
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.settings import Settings

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)
LATER = datetime(2026, 10, 2, tzinfo=UTC)
SENTINEL = "jane.sentinel@example.com"


def land(settings: Settings, as_of: datetime, ids: list[str], commit: bool = True) -> Manifest:
    landing = Landing.of(settings)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-1"

    async def write() -> Manifest:
        writer = Writer(landing, pull_id, "acct_1", "2026-10-28.endive", as_of, suppressed=None)
        for id in ids:
            obj = {"id": id, "object": "customer", "created": 1_700_000_000, "email": SENTINEL}
            await writer.add(obj, "list")
        return Manifest(
            pull_id, as_of, "acct_1", False, "2026-10-28.endive", "full", {"event": 1}, as_of,
            as_of, 1, await writer.finish(),
        )  # fmt: skip

    manifest = asyncio.run(write())
    if commit:
        write_manifest(landing.manifests_dir, manifest)
    return manifest


def ids(settings: Settings, as_of: datetime) -> set[str]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, settings, as_of.replace(tzinfo=None))
        return {row[0] for row in connection.execute("select id from landing.customer").fetchall()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(HEIRPAY_HOME=tmp_path)


def test_what_has_no_manifest_is_invisible_and_is_removed(settings: Settings) -> None:
    land(settings, AS_OF, ["cus_1"])
    land(settings, LATER, ["cus_2"], commit=False)
    assert ids(settings, LATER) == {"cus_1"}
    landing = Landing(settings.landing_dir)
    assert landing.discard_uncommitted() == 1
    assert landing.discard_uncommitted() == 0
    assert ids(settings, LATER) == {"cus_1"}


def test_a_night_sees_the_pulls_made_by_then(settings: Settings) -> None:
    land(settings, AS_OF, ["cus_1"])
    land(settings, LATER, ["cus_2"])
    assert ids(settings, AS_OF) == {"cus_1"}
    assert ids(settings, LATER) == {"cus_1", "cus_2"}


@pytest.fixture(params=["flipped", "cut", "gone"])
def damaged(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    path = settings.landing_dir / land(settings, AS_OF, ["cus_1"]).files[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if request.param == "flipped" else data[:-1])
    if request.param == "gone":
        path.unlink()
    yield settings


def test_a_damaged_file_is_named(damaged: Settings) -> None:
    with pytest.raises(LandingError, match=r"landing/objects/customer/.*parquet .*heirpay repair"):
        ids(damaged, AS_OF)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pull_id": 1}'])
def test_a_damaged_manifest_is_named(settings: Settings, text: str) -> None:
    manifest = land(settings, AS_OF, ["cus_1"])
    (settings.landing_dir / "manifests" / f"{manifest.pull_id}.json").write_text(text)
    with pytest.raises(LandingError, match=rf"{manifest.pull_id}.json is damaged .*heirpay repair"):
        Landing(settings.landing_dir).newest()


def test_files_are_for_their_owner_only(settings: Settings) -> None:
    before = os.umask(0o022)
    try:
        land(settings, AS_OF, ["cus_1"])
    finally:
        os.umask(before)
    modes = {
        path.stat().st_mode & 0o777 for path in settings.landing_dir.rglob("*") if path.is_file()
    }
    assert modes == {0o600}


def test_encrypted_files_hold_no_plain_text(tmp_path: Path) -> None:
    plain, secret = (
        Settings(HEIRPAY_HOME=tmp_path / "plain"),
        Settings(HEIRPAY_HOME=tmp_path / "secret", HEIRPAY_ENCRYPTION_KEY="correct horse"),
    )
    for home in (plain, secret):
        land(home, AS_OF, ["cus_1"])
        assert ids(home, AS_OF) == {"cus_1"}
    assert found(plain, b"sentinel")  # what the search would find
    assert not found(secret, b"sentinel")
    wrong = Settings(HEIRPAY_HOME=tmp_path / "secret", HEIRPAY_ENCRYPTION_KEY="wrong")
    for refused in (wrong, Settings(HEIRPAY_HOME=tmp_path / "secret")):
        with pytest.raises(duckdb.Error):
            ids(refused, AS_OF)


def found(settings: Settings, text: bytes) -> bool:
    return any(
        text in path.read_bytes() for path in settings.landing_dir.rglob("*") if path.is_file()
    )


def test_memory_is_bounded_by_writing_early(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BATCH_BYTES", 1_000)
    manifest = land(settings, AS_OF, [f"cus_{n}" for n in range(100)])
    assert len(manifest.files) > 5
    assert sum(file.rows for file in manifest.files) == 100
    assert len(ids(settings, AS_OF)) == 100


def test_a_folder_that_cannot_be_written_is_one_clear_error(settings: Settings) -> None:
    settings.landing_dir.mkdir(parents=True)
    (settings.landing_dir / "objects").write_text("in the way")
    with pytest.raises(LandingError, match=r"cannot be written .*run again"):
        land(settings, AS_OF, ["cus_1"])


def test_a_full_disk_is_one_clear_error_and_nothing_is_visible(settings: Settings) -> None:
    land(settings, AS_OF, ["cus_0"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(LandingError, match=r"cannot be written .*run again"):
            land(settings, LATER, [f"cus_{n}" for n in range(5_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ids(settings, LATER) == {"cus_0"}
    Landing(settings.landing_dir).discard_uncommitted()
    land(settings, LATER, ["cus_1"])
    assert ids(settings, LATER) == {"cus_0", "cus_1"}


STEPS = (
    "before the file",
    "after the file",
    "before the manifest",
    "within the manifest",
    "after the manifest",
)
LANDER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import test_landing as t
from heirpay_pipelines.landing import manifest, writer

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def land_and_die(step, home):
    settings = t.Settings(HEIRPAY_HOME=home)
    t.land(settings, t.AS_OF, ["cus_0"])
    if step == "within the manifest":  # the first thing that a manifest syncs is its own file
        t.write_manifest = lambda folder, made: (
            setattr(manifest.os, "fsync", die), manifest.write_manifest(folder, made))
    else:
        setattr(*{{
            "before the file": (writer, "write_parquet", die),
            "after the file": (writer, "sha256_of", die),
            "before the manifest": (t, "write_manifest", die),
            "after the manifest": (manifest, "sync_folder", die),
        }}[step])
    t.land(settings, t.LATER, ["cus_1", "cus_2"])

for number, step in enumerate(t.STEPS):
    child = os.fork()
    if child == 0:
        land_and_die(step, Path(sys.argv[1]) / str(number))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, step
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for each step, in which a landing was killed at that step."""
    homes = tmp_path_factory.mktemp("killed")
    script = LANDER.format(here=str(Path(__file__).parent))
    subprocess.run([sys.executable, "-c", script, str(homes)], check=True)
    return homes


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_landing_is_whole_or_not_there(killed: Path, step: str) -> None:
    settings = Settings(HEIRPAY_HOME=killed / str(STEPS.index(step)))
    visible = {"cus_0", "cus_1", "cus_2"} if step == "after the manifest" else {"cus_0"}
    assert ids(settings, LATER) == visible
    landing = Landing(settings.landing_dir)
    landing.discard_uncommitted()
    assert not list(settings.landing_dir.rglob("*.partial"))
    land(settings, LATER, ["cus_1", "cus_2"])
    assert ids(settings, LATER) == {"cus_0", "cus_1", "cus_2"}
