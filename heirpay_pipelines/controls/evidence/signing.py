"""The key that evidence is signed with."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heirpay_pipelines.at_rest.signing import installation_key
from heirpay_pipelines.home import Home


def signing_key(home: Home) -> Ed25519PrivateKey:
    """The installation's Ed25519 key; made when it is first asked for."""
    return installation_key(home.evidence_key, home.key)
