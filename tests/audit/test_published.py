"""The audit log holds the hash of what was published: another file in its place is found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.commands import audit
from heirpay_pipelines.audit.published import hash_of, hashes_of, verify_published
from heirpay_pipelines.duck import connect
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state
from heirpay_pipelines.warehouse.publication import publish

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
    return Settings(HEIRPAY_HOME=tmp_path)


def published(settings: Settings, state: State, mrr: int, target: Path | None = None) -> None:
    """Publish a warehouse as a night does."""
    file = target or settings.warehouse
    build = settings.warehouse_dir / "building" / f"{mrr}.duckdb"
    build.parent.mkdir(parents=True, exist_ok=True)
    with connect(build, None, read_only=False) as connection:
        connection.execute(f"create table mrr as select {mrr} as mrr")
        connection.execute("create schema operations")
        connection.execute("create table operations.audit_log (sequence bigint, hash varchar)")

    def record(digest: str) -> None:
        detail = {"run_id": str(mrr), **hash_of(settings, file, digest)}
        append(state, NOW, "nightly", Action.RUN_PUBLISHED, str(mrr), detail)

    publish(build, file, None, record)


def another(path: Path, mrr: int) -> None:
    """Put another whole warehouse in the place of a file, and no record of it."""
    fresh = path.with_name("other.duckdb")
    with connect(fresh, None, read_only=False) as connection:
        connection.execute(f"create table mrr as select {mrr} as mrr")
    fresh.replace(path)


def test_the_file_of_the_newest_publication_is_the_one_that_is_expected(
    settings: Settings,
) -> None:
    with open_state(settings.state_file) as state:
        assert verify_published(settings, state) == (0, [])
        published(settings, state, 1)
        published(settings, state, 2)
        assert verify_published(settings, state) == (1, [])
        kept = settings.warehouse.read_bytes()
        another(settings.warehouse, 3_000_000)
        ((finding),) = verify_published(settings, state)[1]
        assert (finding.kind, finding.sequence) == ("published_differs", 2)
        settings.warehouse.write_bytes(kept)
        assert verify_published(settings, state) == (1, [])


def test_an_earlier_publication_is_no_better(settings: Settings) -> None:
    with open_state(settings.state_file) as state:
        published(settings, state, 1)
        earlier = settings.warehouse.read_bytes()
        published(settings, state, 2)
        settings.warehouse.unlink()
        settings.warehouse.write_bytes(earlier)
        assert verify_published(settings, state)[1]


def test_a_kill_before_the_rename_leaves_a_file_that_is_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_state(settings.state_file) as state:
        published(settings, state, 1)
        real = Path.replace

        def killed(self: Path, target: Path) -> Path:
            if target == settings.warehouse:
                raise KeyboardInterrupt
            return real(self, target)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, "replace", killed)
            published(settings, state, 2)
        assert verify_published(settings, state) == (1, [])
        published(settings, state, 3)
        assert verify_published(settings, state) == (1, [])


def test_recomputed_nights_and_a_new_key_count_too(settings: Settings) -> None:
    night = settings.recomputed_night(NOW.date())
    with open_state(settings.state_file) as state:
        published(settings, state, 1)
        published(settings, state, 2, night)
        assert verify_published(settings, state) == (2, [])
        another(night, 9)
        assert [f.sequence for f in verify_published(settings, state)[1]] == [2]
        append(state, NOW, "ana", Action.KEY_ROTATED, "x", hashes_of(settings))
        assert verify_published(settings, state) == (2, [])


def test_the_command_says_it(settings: Settings) -> None:
    with open_state(settings.state_file) as state:
        published(settings, state, 1)
    well = CliRunner().invoke(audit, ["verify"])
    assert (well.exit_code, "1 published files are as the log says" in well.output) == (0, True)
    another(settings.warehouse, 10)
    told = CliRunner().invoke(audit, ["verify"])
    assert told.exit_code == 1
    assert "heirpay.duckdb is not the file that record 1 says was published" in told.output
