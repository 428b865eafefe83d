"""Files that are damaged in any way are read or refused, soon and in little memory.

CI tries a few hundred mutants of accepted files of every format; `BANK_MUTANTS=20000` tries more,
`BANK_MUTANTS_SEED=7` others.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import bank_files
import pytest
from test_bank_cases import ACCEPTED, CASES

from heirpay_pipelines.bank.csv_mapping import mapping_file, mapping_text
from heirpay_pipelines.bank.guard import GuardedReader

MUTANTS = int(os.environ.get("BANK_MUTANTS", "400"))
SEED = int(os.environ.get("BANK_MUTANTS_SEED", "1"))
SECONDS, MEGABYTES = 2, 200
INSERTED = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x85", b'"', b",", b";", b"/", b"<", b">", b"&", b"-",
    b"(", b"]]>", b"<![CDATA[", b"<!--", b":61:", b":62F:", b"\r", b"\n88,", b"\n16,", b"\n49,",
    b"?20", b"1E+999990", b"Infinity", b"NaN", b"9" * 40, b"1,234", b" " * 60_000, b'"' * 9_999,
    b"\n" * 9_999, b"<a>" * 9_999, b"[" * 999, b"(" * 999, "\u0661\u0662".encode(),
    "\u2212".encode(), b"\x1a", b"<!DOCTYPE a>", b"&#x41;", b"%00", b"20260230", b"\t" * 5_000,
    b"\xe2\x80\xa8",
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "cp1252", "cp037", "utf-7", "utf-8-sig")


def slice_of(data: bytes, chance: random.Random) -> tuple[int, int]:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return first, min(last, first + chance.choice((1, 8, 80, 4_000)))


def cut(data: bytes, chance: random.Random) -> bytes:
    first, last = slice_of(data, chance)
    return chance.choice((data[:first], data[first:], data[:first] + data[last:]))


def repeat(data: bytes, chance: random.Random) -> bytes:
    first, last = slice_of(data, chance)
    times = chance.choice((2, 3, 500))
    return data[:first] + data[first:last] * times + data[last:]


def swap(data: bytes, chance: random.Random) -> bytes:
    places = sorted(chance.randrange(len(data) + 1) for _ in range(4))
    a, b, c, d = places
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def insert(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(INSERTED) * chance.choice((1, 1, 1, 9)) + data[at:]


def change(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 3, 30))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def drop_a_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join(lines[:at] + lines[at + 1 :] + chance.choice(([], [lines[at]])))


def encode(data: bytes, chance: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(chance.choice(ENCODINGS), "replace")


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut, repeat, swap, insert, insert, change, drop_a_line, encode,
)  # fmt: skip


def accepted() -> Iterator[tuple[str, bytes, str | None]]:
    for name, (_, data) in bank_files.EVERY_FORMAT.items():
        yield name, data, None
    yield "umsatz.csv", bank_files.GERMAN_CSV, bank_files.GERMAN_MAPPING
    for name in ACCEPTED:
        path = CASES / name
        yield path.name, path.read_bytes(), mapping_text(mapping_file(path, path.parent))


def used(reader: GuardedReader) -> tuple[float, int]:
    """Processor seconds and the most memory (MB) of the reading process so far."""
    assert reader.process_id is not None
    process = Path(f"/proc/{reader.process_id}")
    stat = (process / "stat").read_text().rpartition(")")[2].split()
    seconds = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    peak = next(x for x in (process / "status").read_text().splitlines() if x.startswith("VmHWM"))
    return seconds, int(peak.split()[1]) // 1024


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads what Linux says of it")
def test_every_mutant_is_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    seeds = list(accepted())
    verdicts = {"read": 0, "refused": 0}
    with GuardedReader() as reader:
        for number in range(MUTANTS):
            name, data, mapping = seeds[number % len(seeds)]
            for _ in range(chance.choice((1, 1, 2, 4))):
                data = chance.choice(MUTATIONS)(data, chance) or b"\n"
            path = tmp_path / name
            path.write_bytes(data)
            before = used(reader)[0] if reader.process_id else 0.0
            process = reader.process_id
            documents = reader.read(path, mapping)
            said = f"mutant {number} of {name}: {[d.refusal for d in documents]}"
            assert process in (None, reader.process_id), said  # it did not die of the file
            seconds, megabytes = used(reader)
            assert process is None or seconds - before < SECONDS, said
            assert megabytes < MEGABYTES, said
            for document in documents:
                # A fault that a reader did not foresee is refused by the guard; here it shows.
                assert "cannot be read (" not in (document.refusal or ""), said
                verdicts["refused" if document.refusal else "read"] += 1
    assert verdicts["read"] > MUTANTS / 50
    assert verdicts["refused"] > MUTANTS / 4
