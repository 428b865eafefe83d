"""An abuse suite on our own webhook endpoint, each night: hostile requests against the very
application that `heirpay receive` serves, over an inbox of its own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge
from heirpay_pipelines.receive.app import WEBHOOK_PATH, create_app
from heirpay_pipelines.receive.signature import Verifier

SECRET = "whsec_of_the_abuse_suite"  # noqa: S105 - signs for the suite's own inbox only
TOLERANCE = 300
LOGGER = "heirpay.receive"
EVENT = {
    "id": "evt_1", "object": "event", "api_version": None, "created": 1, "livemode": False,
    "type": "charge.succeeded", "data": {"object": {"id": "ch_1", "object": "charge"}},
}  # fmt: skip
TEXT = json.dumps(EVENT).encode()


@dataclass(frozen=True)
class Attack:
    """One hostile request. It must be refused with a 4xx, without a trace in the inbox."""

    name: str
    body: bytes = TEXT
    headers: dict[str, str] | None = None
    method: str = "POST"
    path: str = WEBHOOK_PATH


def webhook_abuse(given: ProbeInput) -> Outcome:
    """Every hostile request is refused, an honest one is taken once (PCI DSS 11.4.2)."""
    log = logging.getLogger(LOGGER)
    log.disabled = True  # each refusal is logged; these are meant to be refused
    try:
        with TemporaryDirectory() as folder:
            wrong, tried = asyncio.run(_try_all(Path(folder) / "state.sqlite"))
    finally:
        log.disabled = False
    return judge(tried, wrong, unit="requests to our own endpoint")


async def _try_all(state_file: Path) -> tuple[list[str], int]:
    app = create_app(state_file, Verifier((SECRET,), TOLERANCE))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    wrong, attacks = [], list(_attacks(time.time()))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client,
    ):
        for attack in attacks:
            answer = await client.request(
                attack.method, attack.path, content=attack.body, headers=attack.headers
            )
            if not answer.is_client_error:
                wrong.append(f"{attack.name}: answered {answer.status_code}")
        # An endpoint that refuses everything is no good either; a replay is taken once.
        for outcome in ("stored", "duplicate"):
            honest = await client.post(WEBHOOK_PATH, content=TEXT, headers=signed(TEXT))
            if honest.status_code != httpx.codes.OK or honest.json().get("outcome") != outcome:
                wrong.append(f"an honest event was not {outcome}: {honest.status_code}")
    return wrong, len(attacks) + 2


def signed(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The header of a signature over `body`, as Stripe makes it."""
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={stamp},v1={digest}"}


def _attacks(now: float) -> Iterator[Attack]:
    good = signed(TEXT, now)
    yield Attack("no signature")
    yield Attack("an empty signature", headers={"stripe-signature": ""})
    yield Attack("a signature of nothing", headers={"stripe-signature": f"t={int(now)},v1="})
    yield Attack("another secret", headers=signed(TEXT, now, "whsec_other"))
    yield Attack("another body", TEXT.replace(b"ch_1", b"ch_2"), good)
    yield Attack("a signature of the test scheme", headers={
        "stripe-signature": good["stripe-signature"].replace("v1=", "v0=")
    })  # fmt: skip
    for name, at in (
        ("an old signature", -TOLERANCE - 60),
        ("one of tomorrow", TOLERANCE + 86_400),
    ):
        yield Attack(name, headers=signed(TEXT, now + at))
    for name, body in _bodies():
        yield Attack(name, body, signed(body, now))
    yield Attack("reading the inbox", b"", good, method="GET")
    yield Attack("deleting the inbox", b"", good, method="DELETE")
    for path in (
        "/../../etc/passwd",
        "/%2e%2e/state/heirpay.sqlite",
        "/webhooks/stripe/x",
        "/admin",
    ):
        yield Attack(f"the path {path}", b"", method="GET", path=path)


def _bodies() -> Iterator[tuple[str, bytes]]:
    """Bodies that are signed and yet no event."""
    yield "no body", b""
    yield "no JSON", b"\xff\xfe{"
    yield "two documents", TEXT * 2
    yield "a byte-order mark", b"\xef\xbb\xbf" + TEXT
    yield "a key twice", b'{"id":"evt_9",' + TEXT[1:]
    yield "NaN", TEXT.replace(b'"created": 1', b'"created": NaN')
    yield "1e400", TEXT.replace(b'"created": 1', b'"created": 1e400')
    yield "a hundred thousand levels", b"[" * 100_000 + b"]" * 100_000
    yield "a path as id", TEXT.replace(b"evt_1", b"../../evt_1")
    yield "SQL as id", TEXT.replace(b"evt_1", b"evt_1'; drop table webhook_deliveries; --")
    yield "a list", b"[]"
    yield "more than a mebibyte", b" " * (1 << 20) + TEXT
