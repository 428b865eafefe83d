"""What a file is, and reading it: every fault of every reader becomes one refusal."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from heirpay_pipelines.bank import bai2_file, camt_file, csv_file, mt940_file, ofx_file
from heirpay_pipelines.bank.csv_mapping import mapping_for
from heirpay_pipelines.bank.decoding import BYTE_ORDER_MARKS, text_of
from heirpay_pipelines.bank.names import shown_name
from heirpay_pipelines.bank.statement import Statement, StatementError, verify

MAX_BYTES = 64 * 2**20
MAX_MEMBERS = 1_000
CSV_ENDINGS = (".csv", ".txt", ".tsv")
MT940 = re.compile(r"(?:\A|[\r\n}])\x01?:25P?:")
MT940_OTHER = re.compile(r"(?:\A|[\r\n}]):(?:20|28C?|60[FM]|61|62[FM]|34F):")
NOT_STATEMENTS = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "a workbook (XLS) or an Office document"),
    (b"\x1f\x8b", "compressed by gzip: unpack it first"),
    (b"7z\xbc\xaf", "compressed by 7-Zip: unpack it first"),
    (b"Rar!", "compressed by RAR: unpack it first"),
)
WANTED = "put camt.053, camt.052, camt.054, MT940, MT942, BAI2, OFX or CSV into the folder"


@dataclass(frozen=True)
class Document:
    """One statement file, or one of those in a ZIP (`member` then names it): its statements, or
    why it is refused."""

    member: str | None
    kind: str | None
    statements: tuple[Statement, ...] = ()
    refusal: str | None = None


def documents_of(name: str, data: bytes, mapping: str | None) -> list[Document]:
    """What a file holds. `mapping` is the text of the `mapping.yaml` that explains it. Never
    raises for what the file holds: a fault is the document's refusal."""
    if not data.startswith(b"PK\x03\x04"):
        return [_document(None, name, data, mapping)]
    try:
        return [
            _document(shown_name(member), PurePosixPath(member).name, content, mapping)
            for member, content in _members(data)
        ]
    except StatementError as error:
        return [Document(None, "zip", refusal=str(error))]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises many kinds on damaged input
        said = f"the ZIP is damaged ({type(error).__name__}); ask the bank for it again"
        return [Document(None, "zip", refusal=said)]


def _document(member: str | None, name: str, data: bytes, mapping: str | None) -> Document:
    try:
        kind, statements = understood(name, data, mapping)
    except StatementError as error:
        return Document(member, None, refusal=str(error))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a reader raises refuses this file alone
        said = f"cannot be read ({type(error).__name__}); ask the bank for the file again"
        return Document(member, None, refusal=said)
    return Document(member, kind, tuple(statements))


def understood(name: str, data: bytes, mapping: str | None) -> tuple[str, list[Statement]]:
    """The format and the verified statements of one file; StatementError otherwise."""
    kind, read = _reader(name, data, mapping)
    try:
        found = read(data)
    except StatementError as error:
        raise error.at("", "ask the bank for the file again") from None
    statements: list[Statement]
    kind, statements = found if isinstance(found, tuple) else (kind, found)
    for number, statement in enumerate(statements, start=1):
        try:
            verify(statement)
        except StatementError as error:
            which = statement.last_on.isoformat() if statement.last_on else str(number)
            raise error.at(f"statement {number} ({which})") from None
    return kind, statements


def _reader(
    name: str, data: bytes, mapping: str | None
) -> tuple[str, Callable[[bytes], list[Statement] | tuple[str, list[Statement]]]]:
    for magic, what in NOT_STATEMENTS:
        if data.startswith(magic):
            raise StatementError(f"it is {what}", remedy=WANTED)
    head = _head(data)
    if "OFXHEADER" in head.upper() or "<OFX>" in head.upper():
        return "ofx", ofx_file.read
    if head.startswith("<"):
        return "camt.053", camt_file.read
    if re.match(r"01,", head):
        return "bai2", bai2_file.read
    if MT940.search(head) and MT940_OTHER.search(head):
        return "mt940", mt940_file.read
    if name.lower().endswith(CSV_ENDINGS):
        return "csv", lambda content: csv_file.read(content, mapping_for(name, mapping))
    if not data.strip():
        raise StatementError("the file is empty", remedy=WANTED)
    raise StatementError("it is no statement in a known format", remedy=WANTED)


def _head(data: bytes) -> str:
    """The beginning as text, whatever the encoding; what is no text has none."""
    wide = any(data.startswith(mark) for mark, name in BYTE_ORDER_MARKS if "8" not in name)
    try:
        return text_of(data[: 16_384 if wide or b"\0" in data[:64] else 8_192]).lstrip()
    except StatementError:
        return ""


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in a ZIP, in memory only. Sizes are bounded by what is unpacked, not by what the
    ZIP says of itself."""
    again = "unpack it and put the statements themselves into the folder"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not _is_aside(entry)]
        if any(entry.filename.startswith("[Content_Types]") for entry in entries):
            raise StatementError("it is a workbook (XLSX) or an Office document", remedy=WANTED)
        if not entries:
            raise StatementError("the ZIP holds no file", remedy=WANTED)
        if len(entries) > MAX_MEMBERS:
            raise StatementError(f"the ZIP holds more than {MAX_MEMBERS} files", remedy=again)
        room = MAX_BYTES
        for number, entry in enumerate(entries, start=1):
            where = f"file {number} of the ZIP"
            if entry.flag_bits & 1:
                raise StatementError("is protected by a password", where, again)
            with archive.open(entry) as file:
                content = file.read(room + 1)
            room -= len(content)
            if room < 0:
                raise StatementError(f"unpacks to more than {MAX_BYTES} bytes", "the ZIP", again)
            if content.startswith(b"PK\x03\x04"):
                raise StatementError("is a ZIP in a ZIP", where, again)
            yield entry.filename, content


def _is_aside(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what macOS adds."""
    path = PurePosixPath(entry.filename)
    return entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts
