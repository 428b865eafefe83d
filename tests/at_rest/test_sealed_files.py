"""Sealed files: read back whole with the key, and refused when anything of them was changed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed

KEY = "correct horse battery staple, and more"
SIZES = (0, 1, sealed.CHUNK_BYTES - 1, sealed.CHUNK_BYTES, sealed.CHUNK_BYTES + 1, 300_000)


def content(size: int) -> bytes:
    return (b"jane@example.com," * (size // 17 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", [KEY, None], ids=["sealed", "plain"])
def test_what_was_written_is_read_again(tmp_path: Path, size: int, key: str | None) -> None:
    path = tmp_path / "report.html"
    with sealed.create(path, key) as file:
        for start in range(0, size, 7_001):
            file.write(content(size)[start : start + 7_001])
    assert sealed.read(path, key) == content(size)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sealed.is_sealed(path) == (key is not None)
    assert (b"jane@" in path.read_bytes()) == (key is None and size > 5)
    sealed.unseal(path, tmp_path / "plain.html", key)
    assert (tmp_path / "plain.html").read_bytes() == content(size)
    assert (tmp_path / "plain.html").stat().st_mode & 0o777 == 0o600


def test_text_can_be_written_as_the_csv_module_does(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with io.TextIOWrapper(sealed.create(path, KEY), encoding="utf-8", newline="") as out:
        out.write("näme\r\n")
    assert sealed.read(path, KEY) == "näme\r\n".encode()


def test_the_first_line_says_how_to_read_it(tmp_path: Path) -> None:
    sealed.write(tmp_path / "a", b"x", KEY)
    assert b"heirpay report --to" in (tmp_path / "a").read_bytes().splitlines()[0]


CHUNK = sealed.CHUNK_BYTES + sealed.TAG_BYTES
BODY = len(sealed.MAGIC) + sealed.SALT_BYTES
CHANGES = {
    "a bit flipped": lambda b: b[:-30] + bytes([b[-30] ^ 1]) + b[-29:],
    "the salt changed": lambda b: b[: BODY - 1] + bytes([b[BODY - 1] ^ 1]) + b[BODY:],
    "cut off at a chunk": lambda b: b[: BODY + 2 * CHUNK],
    "cut off in a chunk": lambda b: b[:-1],
    "a chunk left out": lambda b: b[:BODY] + b[BODY + CHUNK :],
    "two chunks swapped": lambda b: (
        b[:BODY] + b[BODY + CHUNK : BODY + 2 * CHUNK] + b[BODY : BODY + CHUNK]
        + b[BODY + 2 * CHUNK :]
    ),
    "all chunks gone": lambda b: b[:BODY],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_changed_file_is_refused(tmp_path: Path, change: object) -> None:
    path = tmp_path / "a"
    sealed.write(path, content(300_000), KEY)
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(EncryptionKeyError, match="a cannot be unsealed"):
        sealed.read(path, KEY)


@pytest.mark.parametrize("key", [None, "another key"])
def test_another_key_is_refused(tmp_path: Path, key: str | None) -> None:
    sealed.write(tmp_path / "a", b"x" * 100, KEY)
    with pytest.raises(EncryptionKeyError, match="HEIRPAY_ENCRYPTION_KEY"):
        sealed.read(tmp_path / "a", key)


def test_sealing_the_same_twice_gives_other_bytes(tmp_path: Path) -> None:
    sealed.write(tmp_path / "a", b"x" * 100, KEY)
    sealed.write(tmp_path / "b", b"x" * 100, KEY)
    assert (tmp_path / "a").read_bytes()[-100:] != (tmp_path / "b").read_bytes()[-100:]
