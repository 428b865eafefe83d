"""A token's file opens a door: it is whole and ours, or it is made anew."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heirpay_pipelines.at_rest.tokens import read_or_make_token

LONG = "a" * 64


def empty(path: Path) -> None:
    path.touch(mode=0o600)


def short(path: Path) -> None:
    path.write_text("abc")
    path.chmod(0o600)


def blank(path: Path) -> None:
    path.write_text(" \n" * 60)
    path.chmod(0o600)


def readable_by_others(path: Path) -> None:
    path.write_text(LONG)
    path.chmod(0o644)


def a_link(path: Path) -> None:
    other = path.with_name("other")
    other.write_text(LONG)
    other.chmod(0o600)
    path.symlink_to(other)


def a_second_name(path: Path) -> None:
    other = path.with_name("other")
    other.write_text(LONG)
    other.chmod(0o600)
    path.hardlink_to(other)


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff" * 64)
    path.chmod(0o600)


@pytest.mark.parametrize(
    "left", [empty, short, blank, readable_by_others, a_link, a_second_name, no_text]
)
def test_what_is_not_a_whole_token_of_ours_is_made_anew(
    tmp_path: Path, left: Callable[[Path], None]
) -> None:
    path = tmp_path / "mcp.token"
    left(path)
    token = read_or_make_token(path)
    assert len(token) >= 43
    assert token != LONG
    assert read_or_make_token(path) == token
    assert path.stat().st_mode & 0o077 == 0
    assert not path.is_symlink()


def test_another_users_token_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mcp.token"
    theirs = read_or_make_token(path)
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 4711, 4711)
    assert read_or_make_token(path) != theirs


def test_a_full_disk_leaves_no_half_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mcp.token"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            read_or_make_token(path)
    assert not path.exists()
    assert len(read_or_make_token(path)) >= 43
