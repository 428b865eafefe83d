"""Twelve hostile bodies against the verifier that `heirpay receive` would build of the secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence

from heirpay_pipelines.controls.results import Outcome, judge
from heirpay_pipelines.receive.signature import (
    DEFAULT_TOLERANCE_SECONDS,
    SignatureRefusedError,
    Verifier,
)

BODY = b'{"id": "evt_self_test", "object": "event", "type": "charge.succeeded"}'


def hostile_bodies(secrets: Sequence[str], now: float) -> Outcome:
    """Each must be refused; a body signed with each secret must be taken."""
    verifier = Verifier(secrets)
    hostile = list(_hostile(secrets[0], int(now)))
    taken = [
        f"taken: {name}" for name, body, header in hostile if _is_taken(verifier, body, header, now)
    ]
    unheard = [
        f"refused: an honest body of secret {number}"
        for number, secret in enumerate(secrets, 1)
        if not _is_taken(verifier, BODY, _signed(BODY, int(now), secret), now)
    ]
    refused = len(hostile) - len(taken)
    return judge(
        len(hostile) + len(secrets), taken + unheard, hostile=len(hostile), refused=refused
    )


def _is_taken(verifier: Verifier, body: bytes, header: str | None, now: float) -> bool:
    try:
        verifier.verify(body, header, now)
    except SignatureRefusedError:
        return False
    return True


def _signed(body: bytes, at: int, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _hostile(secret: str, now: int) -> Iterator[tuple[str, bytes, str | None]]:
    good = _signed(BODY, now, secret)
    old, coming = DEFAULT_TOLERANCE_SECONDS + 60, DEFAULT_TOLERANCE_SECONDS + 86_400
    yield "no signature", BODY, None
    yield "an empty signature", BODY, ""
    yield "a timestamp alone", BODY, f"t={now}"
    yield "an empty v1", BODY, f"t={now},v1="
    yield "another secret", BODY, _signed(BODY, now, f"{secret}x")
    yield "another body", BODY.replace(b"charge", b"refund"), good
    yield "a body with a byte more", BODY + b" ", good
    yield "the test scheme", BODY, good.replace("v1=", "v0=")
    yield "another timestamp", BODY, good.replace(f"t={now}", f"t={now - 1}")
    yield "an old signature", BODY, _signed(BODY, now - old, secret)
    yield "one of tomorrow", BODY, _signed(BODY, now + coming, secret)
    yield "a signature of nothing", BODY, _signed(b"", now, secret)
