"""Whether a request was signed by Stripe, lately, with one of our secrets.

The SDK computes and compares the signature. What it lets through is closed here (ASSURANCE.md
fact 4): timestamps in the future, a tolerance of 0 that switches the age check off, a header that
is read loosely.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stripe import SignatureVerificationError, WebhookSignature

# One timestamp, then one or more signatures: what Stripe sends, and nothing else.
HEADER = re.compile(r"t=([0-9]{1,11})((?:,v[0-9]{1,2}=[0-9a-f]{1,128}){1,16})")
DEFAULT_TOLERANCE_SECONDS = 300


class SignatureRefusedError(Exception):
    """The request is not Stripe's, or not of now. `reason` is a stable name for metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Verifier:
    """Verifies signatures against every secret that is valid while secrets are rotated."""

    def __init__(
        self, secrets: Sequence[str], tolerance_seconds: int = DEFAULT_TOLERANCE_SECONDS
    ) -> None:
        """Raise ValueError without a usable secret or with a tolerance that checks nothing."""
        if not secrets or not all(secret.strip() for secret in secrets):
            raise ValueError("at least one webhook secret is needed, and none may be empty")
        if tolerance_seconds <= 0:
            raise ValueError("the tolerance must be at least one second: 0 would accept any age")
        self._secrets = tuple(secret.strip() for secret in secrets)
        self._tolerance = tolerance_seconds

    @staticmethod
    def require_header(header: str | None) -> re.Match[str]:
        """What a request must show before its body is read. Raises SignatureRefusedError."""
        if header is None:
            raise SignatureRefusedError("signature_missing")
        parsed = HEADER.fullmatch(header)
        if parsed is None:
            raise SignatureRefusedError("signature_malformed")
        return parsed

    def verify(self, body: bytes, header: str | None, now: float) -> None:
        """Raise SignatureRefusedError unless `body` carries a valid `Stripe-Signature`.

        `now` is in seconds since the epoch. A signature is valid for the tolerance, both ways.
        """
        parsed = self.require_header(header)
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            raise SignatureRefusedError("not_utf8") from None
        if not any(self._signed_with(secret, body, parsed[0]) for secret in self._secrets):
            raise SignatureRefusedError("signature_wrong")
        age = now - int(parsed.group(1))
        if age > self._tolerance:
            raise SignatureRefusedError("signature_too_old")
        if age < -self._tolerance:
            raise SignatureRefusedError("signature_from_the_future")

    @staticmethod
    def _signed_with(secret: str, body: bytes, header: str) -> bool:
        try:
            # The age is checked by the caller, both ways; the SDK only looks into the past.
            return bool(WebhookSignature.verify_header(body, header, secret, tolerance=None))
        except SignatureVerificationError:
            # Its text holds the whole body; nothing of it goes further.
            return False


def split_secrets(setting: str | None) -> tuple[str, ...]:
    """The secrets of `STRIPE_WEBHOOK_SECRET`: several, comma separated, while rotating."""
    return tuple(part.strip() for part in (setting or "").split(",") if part.strip())
