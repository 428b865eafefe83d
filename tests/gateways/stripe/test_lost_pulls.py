"""A pull whose manifest or files are lost is noticed, restored or read again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from served_account import Account, landed, served
from test_full_and_incremental import assert_same

from heirpay_pipelines.audit import Action, append, verify
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError, Manifest, write_manifest
from heirpay_pipelines.landing.pull_sequence import commit, known_pulls, note_rewritten, whole
from heirpay_pipelines.landing.repair import give_up_damaged
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state


@dataclass
class Home:
    """A home with two nights pulled, of an account that is a day further by now."""

    account: Account
    settings: Settings

    @property
    def landing(self) -> Landing:
        return Landing(self.settings.landing_dir)

    @property
    def pulls(self) -> list[Manifest]:
        return self.landing.manifests()

    def manifest(self, number: int) -> Path:
        return self.landing.manifests_dir / f"{self.pulls[number].pull_id}.json"

    def parquet(self) -> set[str]:
        return {path.name for path in self.landing.objects_dir.rglob("*.parquet")}

    def next_night(self) -> Manifest:
        self.account.progress.notes.clear()
        return self.account.pull(self.settings.folder).manifest

    def audited(self, action: Action) -> list[str]:
        with open_state(self.settings.state_file) as state:
            assert verify(state).ok
            rows = state.rows("select subject from audit_log where action = ?", (action,))
        return [row["subject"] for row in rows]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Path, Path]]:
    """The account, a home as after its second night, and the twin that had a third undisturbed."""
    folder = tmp_path_factory.mktemp("nights")
    with served(days=10) as account:
        account.pull(folder / "two")
        account.advance(1)
        account.pull(folder / "two")
        account.advance(1)
        shutil.copytree(folder / "two", folder / "twin")
        account.pull(folder / "twin")
        yield account, folder / "two", folder / "twin"


@pytest.fixture
def home(nights: tuple[Account, Path, Path], tmp_path: Path) -> Home:
    account, two, _ = nights
    shutil.copytree(two, tmp_path / "home")
    return Home(account, account.settings(tmp_path / "home"))


@pytest.fixture
def same(nights: tuple[Account, Path, Path]) -> Callable[[Home], None]:
    account, _, twin = nights
    return lambda home: assert_same(account, home.settings.folder, twin)


def test_each_pull_names_its_place_and_its_predecessor(home: Home) -> None:
    first, second = home.pulls
    assert (first.sequence, first.previous) == (1, None)
    assert (second.sequence, second.previous) == (2, first.pull_id)
    assert home.audited(Action.PULL_LANDED) == [first.pull_id, second.pull_id]


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "deleted": lambda path, older: path.unlink(),
    "replaced by an older one": lambda path, older: shutil.copy(older, path),
    "cut": lambda path, older: path.write_bytes(path.read_bytes()[:200]),
    "emptied": lambda path, older: path.write_bytes(b""),
    "a figure changed": lambda path, older: path.write_bytes(
        path.read_bytes().replace(b'"requests": ', b'"requests": 1', 1)
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_lost_or_damaged_manifest_is_restored_from_the_state_file(
    home: Home, same: Callable[[Home], None], damage: str
) -> None:
    path, files = home.manifest(-1), home.parquet()
    before = path.read_bytes()
    DAMAGE[damage](path, home.manifest(0))
    made = home.next_night()
    assert path.read_bytes() == before
    assert any(path.name in note for note in home.account.progress.notes)
    assert home.audited(Action.FILE_RESTORED) == [f"landing/manifests/{path.name}"]
    assert files <= home.parquet()
    assert made.mode == "events"
    same(home)


def test_a_pull_whose_files_are_gone_too_is_read_again(
    home: Home, same: Callable[[Home], None]
) -> None:
    lost = home.pulls[-1]
    home.manifest(-1).unlink()
    gone = home.landing.root / lost.files[0].path
    gone.unlink()
    files = home.parquet()
    made = home.next_night()
    assert files <= home.parquet(), "what is left of the lost pull stays"
    assert home.audited(Action.PULL_LOST) == [lost.pull_id]
    line = next(line for line in made.coverage if line["mode"] == "lost")
    assert lost.pull_id in line["endpoint"]
    assert "does not tell again" in line["reason"]
    same(home)
    assert not any(line["mode"] == "lost" for line in home.next_night().coverage), "once is enough"


def test_the_newest_pull_is_missed_by_the_chain_alone(
    home: Home, same: Callable[[Home], None]
) -> None:
    """The state file is gone as well; a later manifest carries the lost one's cursors."""
    lost = home.pulls[-1]
    later = replace(lost, pull_id=f"{lost.pull_id}-bank", mode="bank", files=(), coverage=())
    commit(home.settings.state_file, home.landing, later)
    home.manifest(-2).unlink()
    assert [m.pull_id for m in home.pulls][-1] == later.pull_id
    shutil.rmtree(home.settings.state_file.parent)
    files = home.parquet()
    home.next_night()
    assert files <= home.parquet()
    assert home.audited(Action.PULL_LOST) == [lost.pull_id]
    same(home)


def test_the_first_pull_lost_means_that_all_is_listed_again(
    home: Home, same: Callable[[Home], None]
) -> None:
    home.manifest(0).unlink()
    for name in home.parquet():
        if name.startswith(str(home.pulls[-1].previous)):
            next(home.landing.objects_dir.rglob(name)).unlink()
    assert home.next_night().mode == "full"
    same(home)


def test_a_damaged_file_is_named_and_can_be_given_up(
    home: Home, same: Callable[[Home], None]
) -> None:
    damaged = home.landing.root / home.pulls[-1].files[0].path
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(LandingError, match=rf"{damaged.name} .*heirpay repair"):
        landed(home.settings)
    with open_state(home.settings.state_file) as state:
        (said,) = give_up_damaged(state, home.landing)
        assert give_up_damaged(state, home.landing) == []
    assert damaged.name in said
    assert len(list((home.landing.root / "damaged").iterdir())) == 2, "the file and the manifest"
    home.next_night()
    same(home)


def test_a_manifest_that_is_damaged_without_a_copy_is_named_and_can_be_given_up(
    home: Home, same: Callable[[Home], None]
) -> None:
    path = home.manifest(-1)
    path.write_bytes(b"{")
    shutil.rmtree(home.settings.state_file.parent)
    with pytest.raises(LandingError, match=rf"{path.name} is damaged .*heirpay repair"):
        home.next_night()
    with open_state(home.settings.state_file) as state:
        assert path.name in give_up_damaged(state, home.landing)[0]
    assert home.next_night().mode == "full"
    same(home)


def test_a_pull_that_was_given_up_counts_again_when_it_is_brought_back(
    home: Home, same: Callable[[Home], None], tmp_path: Path
) -> None:
    path = home.manifest(-1)
    shutil.copytree(home.landing.root, tmp_path / "backup")
    gone = home.landing.root / home.pulls[-1].files[0].path
    path.unlink()
    gone.unlink()
    assert whole(home.settings.state_file, home.landing)
    shutil.copytree(tmp_path / "backup", home.landing.root, dirs_exist_ok=True)
    made = home.next_night()
    assert not any(line["mode"] == "lost" for line in made.coverage)
    same(home)


def test_no_command_deletes_a_file_of_a_lost_pull(home: Home) -> None:
    files = home.parquet()
    home.manifest(-1).unlink()
    home.landing.discard_uncommitted(known_pulls(home.settings.state_file))
    assert home.parquet() == files
    home.landing.discard_uncommitted(lost_too=True)
    assert home.parquet() < files, "an erasure leaves nothing that it could not look into"


def test_what_is_replaced_on_purpose_is_no_damage(home: Home) -> None:
    """An erasure writes files under new names: noted, or killed before it could note that. What it
    did not say in the audit log before is damage."""
    manifest = home.pulls[-1]
    old = home.landing.root / manifest.files[0].path
    new = old.with_name(f"{manifest.pull_id}-100000.parquet")
    shutil.copy(old, new)
    rewritten = replace(manifest.files[0], path=str(new.relative_to(home.landing.root)))
    write_manifest(
        home.landing.manifests_dir, replace(manifest, files=(rewritten, *manifest.files[1:]))
    )
    changed = home.manifest(-1).read_bytes()
    (said,) = whole(home.settings.state_file, home.landing)
    assert "was not what had been written" in said
    home.manifest(-1).write_bytes(changed)
    old.unlink()
    files = {manifest.files[0].path: [rewritten.sha256, rewritten.path, rewritten.sha256]}
    with open_state(home.settings.state_file) as state:
        detail = {"pull_id": manifest.pull_id, "files": files}
        append(state, datetime.now(UTC), "ana", Action.LANDING_REWRITTEN, manifest.pull_id, detail)
    assert whole(home.settings.state_file, home.landing) == []
    with open_state(home.settings.state_file) as state:
        note_rewritten(state, home.landing)
    assert home.audited(Action.PULL_LANDED).count(manifest.pull_id) == 2
    assert whole(home.settings.state_file, home.landing) == []
