"""The key that evidence is signed with."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest.signing import installation_key
from heirpay_pipelines.settings import Settings


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The installation's Ed25519 key; made when it is first asked for."""
    return installation_key(settings.evidence_key, settings.key)
