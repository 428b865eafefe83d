"""`heirpay key rotate`: the old key opens nothing afterwards, and a kill at any instant ends well
by starting it again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from rotation_home import (
    NEW,
    OLD,
    SENTINEL,
    files_with,
    heirpay,
    make_home,
    opens,
    picture,
    rotated,
    settings,
)

from heirpay_pipelines.at_rest import EncryptionKeyError, require_key
from heirpay_pipelines.rotate import RotationError, rotate
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.run_lock import run_lock

FROM_STDIN = ("key", "rotate", "--new-key-file", "-")


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("rotation") / "home"
    make_home(home, OLD)
    return home


@pytest.fixture
def home(old_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(old_home, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def test_everything_opens_with_the_new_key_and_nothing_with_the_old(home: Path) -> None:
    before = picture(settings(home, OLD))
    old_files = [path for path in home.rglob("*") if path.is_file()]
    ended = heirpay(home, OLD, *FROM_STDIN, new=NEW + "\n")
    assert ended.returncode == 0, ended.stderr
    given = settings(home, NEW)
    assert picture(given) == before
    assert files_with(SENTINEL, home) == []
    with pytest.raises(EncryptionKeyError, match="does not fit"):
        require_key(given.state_file, OLD)
    assert not opens(given.warehouse, OLD)
    # Not one old Parquet file is left, and no note of the rotation.
    assert not [p for p in old_files if p.suffix == ".parquet" and p.exists()]
    assert not list(home.rglob("*rotat*"))
    (record,) = rotated(given)
    published = hashlib.sha256(given.warehouse.read_bytes()).hexdigest()
    assert json.loads(record["detail"]) == {
        "from": "encrypted", "to": "encrypted", "sha256": {"heirpay.duckdb": published},
    }  # fmt: skip
    told = ended.stdout + ended.stderr + str(record)
    for key in (OLD, NEW):
        assert key not in told
        assert files_with(key, home) == []
    assert all(path.stat().st_mode & 0o077 == 0 for path in home.rglob("*"))


def test_a_plain_home_is_encrypted_and_an_encrypted_one_decrypted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    given = make_home(home, None)
    before = picture(given)
    assert files_with(SENTINEL, home)
    # The key is set, as the error of every other command says: no file is needed.
    rotate(settings(home, NEW), NEW, "ana")
    assert files_with(SENTINEL, home) == []
    assert picture(settings(home, NEW)) == before
    ended = heirpay(home, NEW, "key", "rotate", "--to-plain")
    assert ended.returncode == 0, ended.stderr
    assert picture(settings(home, None)) == before
    said = [json.loads(record["detail"]) for record in rotated(settings(home, None))]
    assert [(record["from"], record["to"]) for record in said] == [
        ("plain", "encrypted"), ("encrypted", "plain"),
    ]  # fmt: skip
    assert all("heirpay.duckdb" in record["sha256"] for record in said)


DIES = """
import os, signal
from pathlib import Path
replace, unlink = Path.replace, Path.unlink
def dying(act):
    def do(*given, **more):
        done = act(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)
        return done
    return do
def is_of_lock(path):
    return path.name.startswith("run.")
Path.replace = lambda path, to: (
    replace if is_of_lock(Path(to)) else dying(replace)
)(path, to)
Path.unlink = lambda path, **more: (
    dying(unlink) if path.suffix in (".parquet", ".json") and not is_of_lock(path) else unlink
)(path, **more)
"""


def test_killed_after_each_of_its_steps_it_ends_the_same(home: Path) -> None:
    """Each start gets just one file further and is killed there."""
    before = picture(settings(home, OLD))
    kills = 0
    while (ended := heirpay(home, OLD, *FROM_STDIN, new=NEW, code=DIES)).returncode == -9:
        kills += 1
        assert kills < 60
        if not (home / "state" / "rotation.json").exists():
            break  # the last step was done
        for key in (OLD, NEW):
            with pytest.raises(EncryptionKeyError, match="interrupted"):
                require_key(settings(home, key).state_file, key)
    assert ended.returncode == -9
    assert kills >= 9, "it was killed less often than it has steps"
    given = settings(home, NEW)
    assert picture(given) == before
    assert len(rotated(given)) == 1
    assert files_with(SENTINEL, home) == []


def test_an_interrupted_one_goes_on_with_its_own_keys_alone(home: Path) -> None:
    assert heirpay(home, OLD, *FROM_STDIN, new=NEW, code=DIES).returncode == -9
    refused = heirpay(home, OLD, "audit", "verify")
    assert (refused.returncode, "rotation" in refused.stderr) == (2, True)
    with pytest.raises(RotationError, match="another new key was interrupted"):
        rotate(settings(home, OLD), "a third key, altogether another one", "ana")
    with pytest.raises(RotationError, match="the key that the home had before"):
        rotate(settings(home, NEW), NEW, "ana")
    rotate(settings(home, OLD), NEW, "ana")
    assert picture(settings(home, NEW))


def test_a_landed_file_that_was_changed_is_not_given_a_new_checksum(home: Path) -> None:
    path = sorted((home / "landing" / "objects").rglob("*.parquet"))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    with pytest.raises(RotationError, match=path.name):
        rotate(settings(home, OLD), NEW, "ana")
    path.write_bytes(whole)
    rotate(settings(home, OLD), NEW, "ana")
    assert picture(settings(home, NEW))


def test_nothing_is_touched_when_it_cannot_be_done_now(home: Path) -> None:
    given = settings(home, OLD)
    with run_lock(given):
        ended = heirpay(home, OLD, *FROM_STDIN, new=NEW)
    assert (ended.returncode, "Another run is under way" in ended.stderr) == (1, True)
    with open_state(given.state_file), pytest.raises(EncryptionKeyError, match="in use"):
        rotate(given, NEW, "ana")
    for key, new in ((OLD, ""), (OLD, OLD), ("wrong", NEW)):
        ended = heirpay(home, key, *FROM_STDIN, new=new)
        assert ended.returncode == 2, (key, new, ended.stderr)
    assert picture(given)
    assert not (home / "state" / "rotation.json").exists()
