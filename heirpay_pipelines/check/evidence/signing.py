"""This installation's signing key: what carries its signature was written here."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.settings import Settings


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The installation's Ed25519 key (0600, sealed under the encryption key); made when it is
    first asked for."""
    path = settings.evidence_key
    if path.is_file():
        kept = sealed.read(path, settings.key).decode()
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept))
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sealed.write(path, raw.hex().encode(), settings.key)
    return key
