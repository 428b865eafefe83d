"""Nights of the embedded account that many tests share.

A night costs more than a minute of processor time, so it is run once for each version of the code
and kept in `.cache/tests/nights`, by what it is made of: the package, the dbt project, the pinned
libraries. Each session reads a copy of its own, because even a question is noted in the audit log.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import compiled_project
import pytest
from filelock import FileLock
from guard import socket_guard
from installed import KEY, NOW, Installation

from heirpay_pipelines import published_file
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount, serve_account
from heirpay_pipelines.orchestration.manifest import PARTIAL, manifest_file, shown_of

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".cache" / "tests" / "nights"
KEPT_VERSIONS = 2
NOT_SERVED = EmbeddedAccount("http://127.0.0.1:9", KEY)
MADE_OF = ("heirpay_pipelines", "dbt", "requirements", "tests/installed.py", "tests/nights.py")
NOT_READ = {"__pycache__", "target", "logs"}


@cache
def code_version() -> str:
    """A digest of the files that a night is made of."""
    digest = sha256(str(ROOT).encode())
    for name in MADE_OF:
        found = ROOT / name
        for path in sorted(found.rglob("*")) if found.is_dir() else [found]:
            if path.is_file() and not NOT_READ & set(path.parts):
                digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


@contextmanager
def account_at(bank: Path, now: str = NOW, *options: str) -> Iterator[EmbeddedAccount]:
    """The embedded account as of an instant, without limits; its bank's statements in `bank`."""
    with serve_account(bank, "--now", now, "--limits", "off", *options, key=KEY) as account:
        yield account


def ran_at() -> Path:
    """The home in which the kept night ran: where what it noted of paths points to."""
    return KEPT / code_version() / "home"


def night_of_this_code() -> Path:
    """The folder of the kept night: its `home`, `contacted`, the addresses that it
    asked, and `temporary`, its folder for temporary files."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / code_version()
    with FileLock(KEPT / f"{code_version()}.lock"):
        if not (kept / "whole").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            with account_at(ran_at() / "bank") as account:
                run_a_night(Installation(ran_at(), account))
            (kept / "whole").touch()
            _forget_older(kept)
    return kept


@cache
def _parsed_project() -> tuple[Path, str]:
    """What dbt starts from, and what Dagster reads of the manifest."""
    target = compiled_project.work_dir() / "target"
    shown = shown_of(json.loads((target / "manifest.json").read_bytes()))
    return target / PARTIAL, json.dumps(shown)


def give_parsed_project(home: Path) -> None:
    """What a first night's parsing of the dbt project would write. That is tested where Dagster
    loads its definitions; here it would only cost ten seconds of processor time."""
    partial, shown = _parsed_project()
    manifest = manifest_file(home / "dbt")
    for folder in (home / "dbt" / "target", manifest.parent):
        folder.mkdir(parents=True, mode=0o700)
    given = home / "dbt" / "target" / PARTIAL
    shutil.copyfile(partial, given)
    manifest.write_text(shown)
    for path in (given, manifest):
        path.chmod(0o600)


def run_a_night(night: Installation) -> None:
    """Run it under a guard that notes and refuses every address but the account's, with a temporary
    folder of its own: what it leaves there is looked at."""
    give_parsed_project(night.home)
    guard = socket_guard(night.home.with_name("contacted"), night.account.base_url)
    temporary = night.home.with_name("temporary")
    temporary.mkdir()
    result = night.heirpay("run", "--as-of", NOW, TMPDIR=str(temporary), **guard)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]


def _forget_older(newest: Path) -> None:
    others = [each for each in KEPT.glob("*/") if each != newest]
    others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(each, ignore_errors=True)
        each.with_name(f"{each.name}.lock").unlink(missing_ok=True)


def copy_home(home: Path, copy: Path, *left_out: str) -> None:
    """The home's files, without those named. Other tests may be asking it meanwhile: what a
    question writes only for itself is not copied, and may go while this looks at it."""

    def copied(source: str, target: str) -> None:
        with suppress(FileNotFoundError):
            shutil.copy2(source, target, follow_symlinks=False)

    ignored = shutil.ignore_patterns(published_file.READING, *left_out)
    shutil.copytree(home, copy, symlinks=True, ignore=ignored, copy_function=copied)


def session_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that this session's test processes share, and no other session."""
    base = factory.getbasetemp()
    return base.parent if "-gw" in base.name else base


def session_copy(kept: Path, shared: Path) -> Path:
    """The kept night copied for this session, once for all of its test processes."""
    copy = shared / f"published-night-{kept.name}"
    with FileLock(shared / "published-night.lock"):
        if not copy.is_dir():
            making = copy.with_name(f"{copy.name}-making")
            copy_home(kept, making)
            making.rename(copy)
    return copy
