"""This installation's signing key: what carries its signature was written here."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import own_folder


def installation_key(path: Path, encryption_key: str | None) -> Ed25519PrivateKey:
    """The Ed25519 key in `path` (0600, sealed under the encryption key); made when it is first
    asked for."""
    if path.is_file():
        kept = sealed.read(path, encryption_key).decode()
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept))
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    own_folder(path.parent)
    partial = path.with_name(f".{path.name}.partial")
    sealed.write(partial, raw.hex().encode(), encryption_key)
    partial.replace(path)  # whole or not at all
    return key
