"""Files for people and programs (reports, Data Docs, exports) as they lie on the disk: plain
without a key, sealed with one.

A sealed file is a line of text that says how to read it, a salt, its place in the home, and chunks
under AES-256-GCM. The file's own key is derived from the salt; a chunk's nonce is its number and
whether it is the last, so that none can be changed, moved, left out or cut off unseen; and all of
the head is authenticated with each, so that no file can be put in another's place. Written and read
chunk by chunk: no plain text touches the disk, and memory is bounded.

Files of releases up to 0.1.0 do not hold their place. They are read until the next key rotation.
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
from heirpay_pipelines.at_rest.places import final_path, open_to_write

MAGIC = b"HeirPay sealed this file here. `heirpay report --to FOLDER` unseals a report.\n"
PLACELESS = b"HeirPay sealed this file. `heirpay report --to FOLDER` unseals a report.\n"
FOLDERS = ("reports", "proposals", "notices", "state")
"""Of the home: a file's place begins with one of them, so that the home may be moved."""
PURPOSE = "heirpay sealed files"
SALT_BYTES, LENGTH_BYTES, TAG_BYTES, CHUNK_BYTES = 16, 2, 16, 1 << 16


def create(path: Path, key: str | None) -> IO[bytes]:
    """A new file for its owner only, sealed when there is a key; on disk when it is closed.
    PlaceError when it would be written through a link, or over another user's file."""
    file = _Durable(open_to_write(path), "wb")
    return io.BufferedWriter(_Sealing(file, key, _place(path)), CHUNK_BYTES) if key else file


def write(path: Path, content: bytes, key: str | None) -> None:
    """Write the whole file."""
    with create(path, key) as file:
        file.write(content)


def read(path: Path, key: str | None, *, plain_too: bool = False) -> bytes:
    """The whole content; as `chunks`."""
    return b"".join(chunks(path, key, plain_too=plain_too))


def reader(path: Path, key: str | None, *, plain_too: bool = False) -> IO[bytes]:
    """The content as a file to read from front to back; as `chunks`."""
    return io.BufferedReader(_Reading(chunks(path, key, plain_too=plain_too)))


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
        return file.readline(len(MAGIC)) in (MAGIC, PLACELESS)


def skip_head(file: IO[bytes]) -> None:
    """Go on to the encrypted part of a sealed file."""
    if file.readline(len(MAGIC)) == MAGIC:
        file.read(SALT_BYTES)
        file.read(int.from_bytes(file.read(LENGTH_BYTES), "big"))


def chunks(path: Path, key: str | None, *, plain_too: bool = False) -> Iterator[bytes]:
    """The content, piece by piece: of a file that is sealed when there is a key, and plain when
    there is none. `plain_too`: of one that may be plain, too, such as a log.

    Raises EncryptionKeyError when the key does not fit, when something of the file was changed,
    when it was sealed as another file, or when it is plain and nothing but a sealed one is wanted.
    """
    with path.open("rb") as file:
        head = file.readline(len(MAGIC))
        if head not in (MAGIC, PLACELESS):
            if key and not plain_too:
                raise EncryptionKeyError(
                    f"{path.name} is not sealed, though this home has a key: it is not what was "
                    "written. Restore it from a backup, or remove it."
                )
            yield head
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")
            return
        if not key:
            raise EncryptionKeyError(f"{path.name} is sealed and {VARIABLE} is not set: set it.")
        salt = file.read(SALT_BYTES)
        place = b""
        if head == MAGIC:
            head += salt + (length := file.read(LENGTH_BYTES))
            head += (place := file.read(int.from_bytes(length, "big")))
        cipher = _cipher(key, salt)
        number, piece = 0, file.read(CHUNK_BYTES + TAG_BYTES)
        while True:
            following = file.read(CHUNK_BYTES + TAG_BYTES)
            try:
                content = cipher.decrypt(_nonce(number, last=not following), piece, head)
            except InvalidTag:
                raise EncryptionKeyError(
                    f"{path.name} cannot be unsealed: {VARIABLE} is not the key it was sealed "
                    "with, or the file was changed."
                ) from None
            if not _lies_at(path, place.decode()):
                raise EncryptionKeyError(
                    f"{path.name} was sealed as {place.decode()} and put here: restore both from a "
                    "backup, or remove them."
                )
            yield content
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

    def __init__(self, file: IO[bytes], key: str, place: str) -> None:
        salt, name = os.urandom(SALT_BYTES), place.encode()
        self._head = MAGIC + salt + len(name).to_bytes(LENGTH_BYTES, "big") + name
        self._file, self._cipher = file, _cipher(key, salt)
        self._waiting = bytearray()
        self._number = 0
        file.write(self._head)

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
        nonce = _nonce(self._number, last=last)
        self._file.write(self._cipher.encrypt(nonce, chunk, self._head))
        self._number += 1


def _place(path: Path) -> str:
    """The file's place from a folder of the home on, as it is called when it is there."""
    parts = final_path(path).parts
    begins = [number for number, part in enumerate(parts[:-1]) if part in FOLDERS]
    return "/".join(parts[begins[-1] :] if begins else parts[-1:])


def _lies_at(path: Path, place: str) -> bool:
    """Whether a file is where it was sealed for; `reports/latest` leads to its night's folder."""
    wanted = Path(place).parts
    return final_path(path.resolve()).parts[-len(wanted) :] == wanted if wanted else True


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(hmac.new(derived_key(key, PURPOSE), salt, hashlib.sha256).digest())


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
