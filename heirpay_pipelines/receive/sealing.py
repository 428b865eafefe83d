"""Bodies in the inbox are encrypted when HEIRPAY_ENCRYPTION_KEY is set, as all account data is."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken

PURPOSE = b"heirpay webhook bodies\0"


class SealError(Exception):
    """A body cannot be read with the key that is set. The message says what to do."""


@dataclass(frozen=True)
class Seal:
    """Encrypts and decrypts bodies; without a key both leave them as they are."""

    key: str | None = field(default=None, repr=False)

    def close(self, body: str) -> str:
        """The body as it is stored."""
        return self._fernet().encrypt(body.encode()).decode() if self.key else body

    def open(self, stored: str) -> str:
        """The body that was stored; SealError when another key, or none, is set."""
        if stored.startswith("{"):  # JSON: stored before there was a key
            return stored
        if not self.key:
            raise SealError(
                "The webhook inbox is encrypted and HEIRPAY_ENCRYPTION_KEY is not set: set it."
            )
        try:
            return self._fernet().decrypt(stored).decode()
        except InvalidToken:
            raise SealError(
                "The webhook inbox was encrypted with another HEIRPAY_ENCRYPTION_KEY: set that one."
            ) from None

    def _fernet(self) -> Fernet:
        digest = hashlib.sha256(PURPOSE + str(self.key).encode()).digest()
        return Fernet(base64.urlsafe_b64encode(digest))
