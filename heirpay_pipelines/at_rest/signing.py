"""This installation's signing key: what carries its signature was written here."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.keys import EncryptionKeyError
from heirpay_pipelines.at_rest.places import draft_of, own_folder


class SigningKeyError(Exception):
    """The signing key is damaged. The message names it and the way back."""


def installation_key(path: Path, encryption_key: str | None) -> Ed25519PrivateKey:
    """The Ed25519 key in `path` (0600, sealed under the encryption key); made when it is first
    asked for. SigningKeyError when what is there is none."""
    if path.exists():
        try:
            kept = sealed.read(path, encryption_key).decode()
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept))
        except (ValueError, EncryptionKeyError, IsADirectoryError):
            raise SigningKeyError(
                f"{path.parent.name}/{path.name}, the key that evidence is signed with, is damaged:"
                " restore it from a backup, or have a new one made by `heirpay repair`."
            ) from None
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    own_folder(path.parent)
    partial = draft_of(path)
    sealed.write(partial, raw.hex().encode(), encryption_key)
    partial.replace(path)  # whole or not at all
    return key


def public_half(key: Ed25519PrivateKey) -> str:
    """The public key as people compare it, hexadecimal."""
    form = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key.public_key().public_bytes(*form).hex()
