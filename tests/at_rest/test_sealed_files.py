"""Sealed files: read back whole with the key, and refused when anything of them was changed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.at_rest.places import draft_of

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
SALT = len(sealed.MAGIC) + sealed.SALT_BYTES
BODY = SALT + sealed.LENGTH_BYTES + len("a")
CHANGES = {
    "a bit flipped": lambda b: b[:-30] + bytes([b[-30] ^ 1]) + b[-29:],
    "the salt changed": lambda b: b[: SALT - 1] + bytes([b[SALT - 1] ^ 1]) + b[SALT:],
    "the place changed": lambda b: b[: BODY - 1] + b"b" + b[BODY:],
    "the place taken out": lambda b: sealed.PLACELESS + b[len(sealed.MAGIC) : SALT] + b[BODY:],
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


def report(folder: Path, day: str, name: str = "report.json") -> Path:
    path = folder / "reports" / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sealed.write(path, f"{day} {name}".encode(), KEY)
    return path


@pytest.mark.parametrize(
    "other",
    [("2026-11-01", "report.html"), ("2026-10-31", "report.json"), ("2026-11-01", "x/report.json")],
    ids=["another name", "another night", "another folder"],
)
def test_a_sealed_file_in_the_place_of_another_is_refused(
    tmp_path: Path, other: tuple[str, str]
) -> None:
    first, second = report(tmp_path, "2026-11-01"), report(tmp_path, *other)
    whole = first.read_bytes(), second.read_bytes()
    first.write_bytes(whole[1])
    second.write_bytes(whole[0])
    for path in (first, second):
        with pytest.raises(EncryptionKeyError, match="was sealed as reports/2026-1"):
            sealed.read(path, KEY)
    with pytest.raises(EncryptionKeyError, match="was sealed as"):
        sealed.unseal(first, tmp_path / "out.json", KEY)
    second.write_bytes(whole[1])
    assert sealed.read(second, KEY) == " ".join(other).encode()


def test_a_home_may_be_moved_and_its_newest_report_read_by_its_link(tmp_path: Path) -> None:
    report(tmp_path / "home", "2026-11-01")
    (tmp_path / "home/reports/latest").symlink_to("2026-11-01")
    (tmp_path / "home").rename(tmp_path / "moved")
    read = sealed.read(tmp_path / "moved/reports/latest/report.json", KEY)
    assert read == b"2026-11-01 report.json"


def test_what_is_made_beside_its_place_is_sealed_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "2026-11-01"
    draft = draft_of(folder, "a1")
    draft.mkdir(parents=True)
    sealed.write(draft_of(draft / "report.html"), b"page", KEY)
    draft_of(draft / "report.html").rename(draft / "report.html")
    draft.rename(folder)
    assert sealed.read(folder / "report.html", KEY) == b"page"


def test_a_plain_file_is_refused_where_files_are_sealed(tmp_path: Path) -> None:
    forged = tmp_path / "report.json"
    forged.write_bytes(b'{"verdict": "pass"}')
    for read in (sealed.read, lambda path, key: sealed.unseal(path, tmp_path / "out", key)):
        with pytest.raises(EncryptionKeyError, match="is not sealed, though this home has a key"):
            read(forged, KEY)
    assert sealed.read(forged, KEY, plain_too=True) == sealed.read(forged, None)


OF_0_1_0 = (  # report.html with "<p>old</p>", as it was sealed before places were
    "48656972506179207365616c656420746869732066696c652e206068656972706179207265706f7274202d2d746f20"
    "464f4c4445526020756e7365616c732061207265706f72742e0a7bce53a75b6c6f4e5b5e3e1991cfb19933abb9df60"
    "f08d1e7357b691a2713ba0ad00dd156c897da01cbd"
)


def test_what_was_sealed_without_its_place_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_bytes(bytes.fromhex(OF_0_1_0))
    assert sealed.is_sealed(tmp_path / "old.html")
    assert sealed.read(tmp_path / "old.html", KEY) == b"<p>old</p>"
