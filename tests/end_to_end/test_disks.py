"""A night on a disk that is full, or that may not be written: real file systems of a few megabytes.

Mounting one takes root, as CI has it; elsewhere these tests say that they were left out.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from installed import NOW, Installation

from heirpay_pipelines.orchestration.embedded import EmbeddedAccount

pytestmark = pytest.mark.slow
MEGABYTE = 2**20
LEFT_OUT = {"reports", "reserve", "run.lock"}  # made anew by each run


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of `size` bytes at the folder."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a file system can only be mounted as root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def home_on_small_disk(
    tmp_path: Path, published: Installation, account: EmbeddedAccount, free: int
) -> Iterator[Installation]:
    """The published night on a disk with so many bytes free."""
    kept = [path for path in published.home.iterdir() if path.name not in LEFT_OUT]
    files = [p for path in kept for p in (path.rglob("*") if path.is_dir() else [path])]
    size = sum(-(-p.stat().st_size // 4096) * 4096 + 4096 for p in files)
    home = tmp_path / "home"
    with small_disk(home, size + free):
        for path in kept:
            if path.is_dir():
                shutil.copytree(path, home / path.name, symlinks=True)
            else:
                shutil.copy2(path, home / path.name)
        yield replace(published, home=home, account=account)


def incidents(night: Installation) -> dict[str, str]:
    """The symptom of each incident."""
    listed = json.loads(night.heirpay("incidents", "list", "--json").stdout)
    return {incident["incident_id"]: incident["symptom"] for incident in listed}


def month_ends(night: Installation) -> list[tuple[object, ...]]:
    return night.rows("select month, currency, mrr from finance.mrr_monthly order by all")


@pytest.mark.parametrize("free", [1, 30], ids=["from the start", "in the build"])
def test_a_full_disk_leaves_the_last_good_warehouse_and_one_incident(
    tmp_path: Path, published: Installation, account: EmbeddedAccount, free: int
) -> None:
    with home_on_small_disk(tmp_path, published, account, free * MEGABYTE) as night:
        before = incidents(night)
        for _ in range(2):  # the second night is no second incident
            done = night.heirpay("run", "--as-of", NOW)
            assert done.returncode == 1, done.stderr[-3000:]
            assert "Traceback" not in done.stderr
        assert month_ends(night) == month_ends(published)
        more_room = ["mount", "-o", "remount,size=1g", str(night.home)]
        subprocess.run(more_room, check=True)  # as the error says; the list opens the state file
        opened = incidents(night).items() - before.items()
        assert [symptom for _, symptom in opened] == ["processing_errors"]


def test_where_nothing_fits_each_command_says_so_in_one_line_and_questions_are_answered(
    tmp_path: Path, published: Installation, account: EmbeddedAccount
) -> None:
    with home_on_small_disk(tmp_path, published, account, MEGABYTE) as night:
        with contextlib.suppress(OSError), (night.home / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"0" * 4096)
        for command in (("run", "--as-of", NOW), ("incidents", "list")):
            done = night.heirpay(*command)
            assert done.returncode == 1, done.stderr
            assert "Traceback" not in done.stderr
        asked = night.heirpay("query", "select count(*) as n from finance.mrr_monthly")
        assert asked.returncode == 0, asked.stderr
        assert "not in the audit log" in asked.stderr


def test_a_home_that_may_not_be_written_is_one_clear_error_and_still_read(
    tmp_path: Path, published: Installation, account: EmbeddedAccount
) -> None:
    with home_on_small_disk(tmp_path, published, account, 8 * MEGABYTE) as night:
        read_only = ["mount", "-o", "remount,ro", str(night.home)]
        subprocess.run(read_only, check=True)
        done = night.heirpay("run", "--as-of", NOW)
        assert done.returncode == 1
        assert str(night.home) in done.stderr
        assert "Read-only file system" in done.stderr
        assert "Traceback" not in done.stderr
        asked = night.heirpay("query", "select count(*) as n from finance.mrr_monthly")
        assert asked.returncode == 0, asked.stderr
        assert "not in the audit log" in asked.stderr
        assert month_ends(night) == month_ends(published)
