"""A running endpoint: the real process, over real HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stripe import WebhookSignature

SECRET = "whsec_" + "t" * 32
OLD_SECRET = "whsec_" + "o" * 32


def event(number: int, *, created: int | None = None, **fields: Any) -> dict[str, Any]:
    """A charge.succeeded event as Stripe sends it (the fields that matter here)."""
    charge = {"id": f"ch_{number}", "object": "charge", "amount": 1000 + number, "currency": "usd"}
    return {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created or int(time.time()),
        "livemode": False,
        "type": "charge.succeeded",
        "data": {"object": charge},
        **fields,
    }


def signed(
    body: bytes | dict[str, Any], secret: str = SECRET, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """(body, headers) with a valid signature of `secret`, made with the SDK."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(at or time.time())
    header = WebhookSignature.generate_signature_header(raw.decode("utf-8"), secret, stamp)
    return raw, {"stripe-signature": header, "content-type": "application/json"}


@dataclass
class Endpoint:
    """A running `heirpay receive`."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def state_file(self) -> Path:
        return self.home / "state" / "heirpay.sqlite"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, body: bytes | dict[str, Any], **kwargs: Any) -> httpx.Response:
        raw, headers = signed(body, **kwargs)
        return httpx.post(f"{self.url}/webhooks/stripe", content=raw, headers=headers)


@contextmanager
def running(
    home: Path, *options: str, secrets: str = SECRET, stderr: int | None = None, **more: str
) -> Iterator[Endpoint]:
    """`heirpay receive` in a process of its own, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY", "STRIPE"))}
    environment |= {"HEIRPAY_HOME": str(home), "STRIPE_WEBHOOK_SECRET": secrets, **more}
    command = [sys.executable, "-m", "heirpay_pipelines", "receive", "--port", str(port), *options]
    process = subprocess.Popen(command, env=environment, cwd=home, stderr=stderr)
    endpoint = Endpoint(home, port, process)
    try:
        _wait(endpoint)
        yield endpoint
    finally:
        process.terminate()
        process.wait(timeout=15)


def _wait(endpoint: Endpoint) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and endpoint.process.poll() is None:
        try:
            if httpx.get(f"{endpoint.url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError("the endpoint did not start")
