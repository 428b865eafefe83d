"""Whether what lies under HEIRPAY_HOME can be read without the key, judged by its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pyarrow as pa

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.sqlite import opens_without_key
from heirpay_pipelines.backup import is_copy
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge, not_evaluated
from heirpay_pipelines.home import Home
from heirpay_pipelines.published_file import RECORD

PLAIN_PARQUET = b"PAR1"
PIECE, OVERLAP = 2**20, 512
LOOKED_AT = 64 * PIECE
"""Of a large file so much is searched for text: a plain one shows it at once."""
TEXT = re.compile(rb"[ -~]{32}")
"""So many printable bytes in a row are text: by chance once in 10^13 bytes."""
LOCAL_PART, DOMAIN = re.compile(rb"[\w.+%-]{1,64}$"), re.compile(rb"[\w.-]{3,255}")
OWN_CONTROL = ("warehouse", "bank", "objects", "spill")
"""Folders that hold account data on purpose (`encrypted_at_rest`), or what a bank delivered."""
ZIPPED = (".xlsx",)


def encrypted_at_rest(given: ProbeInput) -> Outcome:
    """Files with account data are encrypted (PCI DSS 3.5.1.2): by the mark of their format, by
    opening them without the key, and no text stands in their bytes. What a bank delivered stays as
    it is and is counted."""
    home = given.run.settings
    if not given.run.encryption_key:
        return Outcome("fail", 0, 1, {"reason": "HEIRPAY_ENCRYPTION_KEY is not set"})
    files = list(account_data(home))
    if not files:
        return not_evaluated("no data file is there yet")
    plain = [str(path.relative_to(home.folder)) for path in files if is_plain(path, home)]
    statements = sum(path.is_file() for path in home.bank_dir.rglob("*"))
    return judge(len(files), plain, unit="data files", bank_statements_left_plain=statements)


def account_data(home: Home) -> Iterator[Path]:
    """Every file that is to be encrypted when there is a key."""
    landing = home.landing_dir
    for folder in (landing / "objects", landing / "spill", home.warehouse_dir,
                   home.reports_dir):  # fmt: skip
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != RECORD:
                yield path
    state = home.state_file
    for path in (state, state.with_name(state.name + "-wal"), home.evidence_key):
        if path.is_file() and path.stat().st_size:
            yield path


def is_plain(path: Path, home: Home) -> bool:
    """Whether something of the file can be read without a key."""
    if path.name == home.state_file.name:
        return opens_without_key(path)
    is_report = path.is_relative_to(home.reports_dir) or path == home.evidence_key
    if is_report and not sealed.is_sealed(path):
        return True
    with suppress(FileNotFoundError), path.open("rb") as file:
        if is_report:
            sealed.skip_head(file)
        head = file.read(28)
        if head[:4] == PLAIN_PARQUET or (head[8:12] == b"DUCK" and not _is_encrypted_duckdb(head)):
            return True
        return any(TEXT.search(piece) for piece in _pieces(file, LOOKED_AT))
    return False  # it went meanwhile


def _is_encrypted_duckdb(head: bytes) -> bool:
    """Byte 20 on holds the main header's flags; bit 0 says encrypted."""
    return bool(int.from_bytes(head[20:28], "little") & 1)


def personal_data_in_files(given: ProbeInput) -> Outcome:
    """No customer's e-mail address stands in a log, a report or another file that is not made to
    hold account data (GDPR article 32). The finding names the file, never the address."""
    home = given.run.settings
    found: list[tuple[str, str]] = []
    looked_at = 0
    for path in sorted(home.folder.rglob("*")):
        place = path.relative_to(home.folder)
        if not path.is_file() or path.is_symlink() or not _is_looked_at(place, home):
            continue
        with (
            suppress(FileNotFoundError),  # a temporary file that went
            sealed.reader(path, given.run.encryption_key, plain_too=True) as file,
        ):
            found += sorted((str(place), address) for address in set(addresses(file)))
            looked_at += 1
    columns = list(zip(*found, strict=True)) or [(), ()]
    given.connection.register(
        "found_addresses",
        pa.table([pa.array(c, pa.string()) for c in columns], names=["file", "address"]),
    )
    known = given.connection.execute(
        "select distinct file from found_addresses inner join staging.stg_stripe__customers"
        " on lower(address) = lower(email) order by file"
    ).fetchall()
    given.connection.unregister("found_addresses")
    return judge(looked_at, [row[0] for row in known], unit="files")


def _is_looked_at(place: Path, home: Home) -> bool:
    return (
        not is_copy(place)
        and not set(place.parts[:-1]) & set(OWN_CONTROL)
        and place.suffix not in ZIPPED
        and not place.name.startswith(home.state_file.name)
    )


def addresses(file: IO[bytes]) -> Iterator[str]:
    """Whatever looks like an e-mail address in the bytes."""
    for piece in _pieces(file):
        at = piece.find(b"@")
        while at >= 0:
            local = LOCAL_PART.search(piece[max(0, at - 64) : at])
            domain = DOMAIN.match(piece[at + 1 : at + 256])
            if local and domain:
                yield f"{local[0].decode()}@{domain[0].decode().rstrip('.')}"
            at = piece.find(b"@", at + 1)


def _pieces(file: IO[bytes], limit: int | None = None) -> Iterator[bytes]:
    """The content in pieces that overlap, so that nothing is cut in two."""
    kept, size = b"", 0
    while (limit is None or size < limit) and (read := file.read(PIECE)):
        yield kept + read
        kept, size = (kept + read)[-OVERLAP:], size + len(read)
