"""Files for people and programs (reports, Data Docs, exports) as they lie on the disk: plain
without a key, sealed with one.

A sealed file is a line of text that says how to read it, a salt, and chunks under AES-256-GCM. The
file's own key is derived from the salt; a chunk's nonce is its number and whether it is the last,
so that none can be changed, moved, left out or cut off unseen. Written and read chunk by chunk:
no plain text touches the disk, and memory is bounded.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from heirpay_pipelines.at_rest.keys import VARIABLE, EncryptionKeyError, derived_key
from heirpay_pipelines.at_rest.places import open_to_write

MAGIC = b"HeirPay sealed this file. `heirpay report --to FOLDER` unseals a report.\n"
PURPOSE = "heirpay sealed files"
SALT_BYTES, TAG_BYTES, CHUNK_BYTES = 16, 16, 1 << 16


def create(path: Path, key: str | None) -> IO[bytes]:
    """A new file for its owner only, sealed when there is a key; on disk when it is closed.
    PlaceError when it would be written through a link, or over another user's file."""
    file = _Durable(open_to_write(path), "wb")
    return io.BufferedWriter(_Sealing(file, key), CHUNK_BYTES) if key else file


def write(path: Path, content: bytes, key: str | None) -> None:
    """Write the whole file."""
    with create(path, key) as file:
        file.write(content)


def read(path: Path, key: str | None) -> bytes:
    """The content of a plain or sealed file. Raises EncryptionKeyError when the key does not fit,
    or something of the file was changed."""
    return b"".join(chunks(path, key))


def reader(path: Path, key: str | None) -> IO[bytes]:
    """The content of a plain or sealed file, as a file to read from front to back."""
    return io.BufferedReader(_Reading(chunks(path, key)))


def unseal(source: Path, target: Path, key: str | None) -> None:
    """Write the content of a plain or sealed file to `target`, plain, for the owner only."""
    with create(target, None) as file:
        for chunk in chunks(source, key):
            file.write(chunk)
    found = source.stat()
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def is_sealed(path: Path) -> bool:
    """Whether the file's bytes are those of a sealed file."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def chunks(path: Path, key: str | None) -> Iterator[bytes]:
    """The content of a plain or sealed file, piece by piece."""
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
        if head != MAGIC:
            yield head
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")
            return
        if not key:
            raise EncryptionKeyError(f"{path.name} is sealed and {VARIABLE} is not set: set it.")
        cipher = _cipher(key, file.read(SALT_BYTES))
        number, piece = 0, file.read(CHUNK_BYTES + TAG_BYTES)
        while True:
            following = file.read(CHUNK_BYTES + TAG_BYTES)
            try:
                yield cipher.decrypt(_nonce(number, last=not following), piece, MAGIC)
            except InvalidTag:
                raise EncryptionKeyError(
                    f"{path.name} cannot be unsealed: {VARIABLE} is not the key it was sealed "
                    "with, or the file was changed."
                ) from None
            if not following:
                return
            number, piece = number + 1, following


class _Durable(io.FileIO):
    """Its bytes are on disk once it is closed."""

    def close(self) -> None:
        if not self.closed:
            os.fsync(self.fileno())
        super().close()


class _Reading(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._left:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._left = following
        part, self._left = self._left[: len(target)], self._left[len(target) :]
        target[: len(part)] = part
        return len(part)


class _Sealing(io.RawIOBase):
    """Encrypts what is written, a chunk at a time, into `file`."""

    def __init__(self, file: IO[bytes], key: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._file, self._cipher = file, _cipher(key, salt)
        self._waiting = bytearray()
        self._number = 0
        file.write(MAGIC + salt)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        # One chunk always stays: only at the end it is known which is the last.
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self._waiting), last=True)
            self._file.close()
        super().close()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, MAGIC))
        self._number += 1


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(hmac.new(derived_key(key, PURPOSE), salt, hashlib.sha256).digest())


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
