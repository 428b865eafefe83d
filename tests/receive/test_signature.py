"""Only what Stripe signed lately with one of our secrets passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receive_endpoint import OLD_SECRET, SECRET
from stripe import WebhookSignature

from heirpay_pipelines.receive.signature import SignatureRefusedError, Verifier, split_secrets

NOW = 1_790_000_000
BODY = b'{"id":"evt_1"}'
VERIFIER = Verifier([SECRET, OLD_SECRET], tolerance_seconds=300)


def header(secret: str = SECRET, at: int = NOW, body: bytes = BODY) -> str:
    return WebhookSignature.generate_signature_header(body.decode(), secret, at)


def reason(text: str | None, body: bytes = BODY) -> str:
    with pytest.raises(SignatureRefusedError) as refused:
        VERIFIER.verify(body, text, NOW)
    return refused.value.reason


@pytest.mark.parametrize("at", [NOW, NOW - 300, NOW + 300])
@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_each_secret_is_accepted_within_the_tolerance(at: int, secret: str) -> None:
    VERIFIER.verify(BODY, header(secret, at), NOW)


def test_too_old_and_from_the_future_are_refused() -> None:
    assert reason(header(at=NOW - 301)) == "signature_too_old"
    assert reason(header(at=NOW + 301)) == "signature_from_the_future"
    assert reason(header(at=NOW + 10**9)) == "signature_from_the_future"


def test_a_signature_of_another_secret_or_body_is_refused() -> None:
    assert reason(header("whsec_another")) == "signature_wrong"
    assert reason(header(), BODY + b" ") == "signature_wrong"


def test_one_good_signature_among_others_is_enough() -> None:
    good = header().removeprefix(f"t={NOW}")
    VERIFIER.verify(BODY, f"t={NOW},v1={'0' * 64}{good},v0={'1' * 64}", NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "t=,v1=00",
        f"t={NOW}",
        f"t={NOW},v0",
        f"t=-{NOW},v1=00",
        f"t=+{NOW},v1=00",
        f"t=1e9,v1={'0' * 64}",
        f"t={NOW},t={NOW},v1={'0' * 64}",
        f"t={NOW},v1={'é' * 4}",
        f"t={NOW},v1={'0' * 64}," + "v1=00," * 100,
        "t=" + "9" * 5000 + ",v1=00",
    ],
)
def test_a_malformed_header_is_refused(text: str) -> None:
    assert reason(text) == "signature_malformed"


def test_a_signature_of_an_unknown_scheme_alone_is_refused() -> None:
    assert reason(header().replace("v1=", "v0=")) == "signature_wrong"
    assert reason(None) == "signature_missing"
    assert reason(header(), b"\xff\xfe") == "not_utf8"


@pytest.mark.parametrize(("secrets", "tolerance"), [([], 300), ([" "], 300), ([SECRET], 0)])
def test_a_verifier_that_would_check_nothing_cannot_be_made(
    secrets: list[str], tolerance: int
) -> None:
    with pytest.raises(ValueError, match=r"secret|tolerance"):
        Verifier(secrets, tolerance)


def test_secrets_are_split_at_commas() -> None:
    assert split_secrets(" whsec_a , whsec_b,, ") == ("whsec_a", "whsec_b")
    assert split_secrets(None) == ()


@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_header_and_no_body_raises_anything_else(text: str, body: bytes) -> None:
    with pytest.raises(SignatureRefusedError):
        VERIFIER.verify(body, text, NOW)
