"""One bank file never ends or delays a night, whatever its reader does."""

from __future__ import annotations

import os
from pathlib import Path

import bank_files
import pytest

from heirpay_pipelines.bank import bai2_file, camt_file, csv_file, guard, mt940_file, ofx_file
from heirpay_pipelines.bank.document import documents_of
from heirpay_pipelines.bank.guard import GuardedReader
from heirpay_pipelines.bank.names import shown_name
from heirpay_pipelines.bank.statement import Statement

SPOILED = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from heirpay_pipelines.bank import child, document;"
    " whole = document.documents_of\n"
    "def spoiled(name, data, mapping):\n"
    "    {what}\n"
    "    return whole(name, data, mapping)\n"
    "document.documents_of = spoiled\n"
    "child.main()"
)
FATAL = {
    "loop.xml": ("while True: pass", "takes longer than 2 seconds of the processor"),
    "memory.xml": ("held = [b'x' * 2**20 for _ in range(10**6)]", "takes more memory than 160 MB"),
    "exit.xml": ("raise SystemExit(0)", "reading it ends the process"),
    "abort.xml": ("import os; os.abort()", "reading it ends the process"),
}


def test_the_next_file_is_read_whatever_became_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    what = "\n".join(f"    if name == {name!r}:\n        {do}" for name, (do, _) in FATAL.items())
    monkeypatch.setattr(guard, "START", SPOILED.format(what=what.lstrip()))
    for name in (*FATAL, "good.xml"):
        (tmp_path / name).write_bytes(bank_files.CAMT053)
    with GuardedReader() as reader:
        for name, (_, said) in FATAL.items():
            (document,) = reader.read(tmp_path / name, None)
            assert said in str(document.refusal)
            assert "\n" not in str(document.refusal)
        assert reader.read(tmp_path / "good.xml", None)[0].statements
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "error", [RecursionError, KeyError, ArithmeticError, UnicodeError, OSError]
)
def test_whatever_a_reader_raises_refuses_its_file(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(data: bytes) -> list[Statement]:
        raise error(data.decode())

    for reader in (camt_file, mt940_file, bai2_file, ofx_file, csv_file):
        monkeypatch.setattr(
            reader, "read", fail if reader is not csv_file else lambda d, m: fail(d)
        )
    for name, (_, data) in bank_files.EVERY_FORMAT.items():
        (document,) = documents_of(name, data, None)
        assert document.refusal is not None
        assert error.__name__ in document.refusal
        assert "STRIPE" not in document.refusal


def test_the_reading_process_has_no_secrets_writes_nothing_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("STRIPE_API_KEY", "rk_live_secret")
    (tmp_path / "bad.xml").write_bytes(bank_files.CAMT053)
    file = tmp_path / "written"
    what = (
        "import os, logging\n    print(data); logging.warning(data); sys.stderr.write(name)\n"
        f"    try:\n        open({str(file)!r}, 'w').write('x')\n"
        "    except OSError as error:\n        pass\n"
        "    return [document.Document(' '.join(os.environ), None)]"
    )
    monkeypatch.setattr(guard, "START", SPOILED.format(what=what))
    with GuardedReader() as reader:
        (document,) = reader.read(tmp_path / "bad.xml", None)
    names = str(document.member).split()
    assert "PATH" in names
    assert not [name for name in names if name.startswith(("STRIPE", "HEIRPAY"))]
    assert not file.is_file() or file.stat().st_size == 0
    assert capfd.readouterr() == ("", "")


def test_one_process_reads_many_files(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(bank_files.CAMT053)
    with GuardedReader() as reader:
        assert reader.read(tmp_path / "a.xml", None)[0].statements
        process = reader.process_id
        for _ in range(20):
            reader.read(tmp_path / "a.xml", None)
        assert reader.process_id == process
    assert reader.process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(process or 0, 0)


def test_what_cannot_be_read_at_all_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.xml").open("wb") as file:
        file.truncate(65 * 2**20)  # a hole: takes no room
    with GuardedReader() as reader:
        assert "larger than" in str(reader.read(tmp_path / "huge.xml", None)[0].refusal)
        assert "cannot be read" in str(reader.read(tmp_path / "gone.xml", None)[0].refusal)
        assert reader.process_id is None


# What looped, took minutes or raised: each within the limit that the mutants hold, too.
HOSTILE = {
    "blanks.ofx": bank_files.OFX.replace(b"RENT", b" " * 2_000_000 + b"RENT"),
    "open-tags.ofx": bank_files.OFX.replace(b"RENT", b"<A" * 500_000),
    "cdata.ofx": bank_files.OFX.replace(b"RENT", b"<![CDATA[" * 100_000),
    "cut.bai2": bank_files.BAI2.split(b"49,")[0],
    "quotes.csv": bank_files.CSV.replace(b"RENT", b'"' * 500_001),
    "quote.csv": bank_files.CSV.replace(b"RENT", b'"RENT') * 5_000,
    "blanks.csv": bank_files.CSV.replace(b"RENT", b'"a"' + b" " * 1_000_000 + b'b"'),
    "deep.xml": b"<Document>" + b"<a>" * 200_000,
    "digits.xml": bank_files.CAMT053.replace(b"50.00", b"9" * 1_000_000),
    "exponent.xml": bank_files.CAMT053.replace(b"50.00", b"1E+999990"),
    "attributes.xml": bank_files.CAMT053.replace(b"<Ntry>", b"<Ntry" + b' a="1"' * 9 + b">"),
    "encoding.xml": bank_files.CAMT053.replace(b"UTF-8", b"zip"),
    "tabs.xml": b"<?xml" + b"\t" * 1_000_000,
    "lines.sta": bank_files.MT940.replace(b":86:RENT", b":86:" + b"RENT\r\n" * 100_000),
    "slashes.sta": bank_files.MT940.replace(b":86:RENT", b":86:/EREF/" + b"/EREF" * 200_000),
    "codes.sta": bank_files.MT940.replace(b":86:RENT", b":86:166?" + b"?20EREF+" * 100_000),
}  # fmt: skip


def test_hostile_files_cost_little(tmp_path: Path) -> None:
    with GuardedReader() as reader:
        reader.read(tmp_path / "none", None)
        for name, data in HOSTILE.items():
            (tmp_path / name).write_bytes(data)
            documents = reader.read(tmp_path / name, None)
            assert reader.process_id is not None, (name, documents)  # it was answered


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("konto.csv", "konto.csv"),
        ("müller 2026-01-01_2026-01-31.sta", "müller 2026-01-01_2026-01-31.sta"),
        ("20260101-20260131.xml", "20260101-20260131.xml"),
        ("4242424242424242.csv", "[card number removed].csv"),
        ("visa 4242 4242-4242_4242 january.csv", "visa [card number removed] january.csv"),
        ("x4242424242424242y5555555555554444", "x[card number removed]y[card number removed]"),
        ("\uff14\uff12424242 42424242.csv", "[card number removed].csv"),
        ("378282246310005.ofx", "[card number removed].ofx"),
        ("a\x1b[31m\nb\u202e.csv", "a\\x1b[31m\\nb\\u202e.csv"),
        (os.fsdecode(b"caf\xe9.csv"), "caf\\udce9.csv"),
    ],
)
def test_names_are_shown_without_card_numbers_and_controls(name: str, shown: str) -> None:
    assert shown_name(name) == shown
