"""Durable webhook events a second, beside one commit for each request, in the same run.

    .venv/bin/python benchmarks/receive.py [--events 20000] [--connections 64]

Both sides are the real endpoint in a process of its own, over HTTP on loopback, with signatures
and synchronous=FULL; they differ only in how many waiting requests share a transaction.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from stripe import WebhookSignature

SECRET = "whsec_benchmark"
RUNS = {"one commit a request": 1, "group commit": 512}


@dataclass(frozen=True)
class Result:
    """Durable events a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument(
        "--serve", nargs=3, metavar=("STATE", "PORT", "BATCH"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve[0]), int(options.serve[1]), int(options.serve[2]))
        return
    results = {
        name: measure(batch, options.events, options.connections) for name, batch in RUNS.items()
    }
    for name, result in results.items():
        print(
            f"{name:22} {result.rate:8,.0f} events/s   p50 {result.p50:6.1f} ms"
            f"   p99 {result.p99:6.1f} ms"
        )
    baseline, ours = (results[name] for name in RUNS)
    print(f"ratio {ours.rate / baseline.rate:.2f}")


def serve(state_file: Path, port: int, batch: int) -> None:
    """The endpoint, with its rate limit out of the way."""
    import uvicorn

    from heirpay_pipelines.receive.app import Bounds, create_app
    from heirpay_pipelines.receive.signature import Verifier

    bounds = Bounds(requests_per_second=1e9, burst=1e9)
    app = create_app(state_file, Verifier([SECRET]), bounds, max_batch=batch)
    uvicorn.run(
        app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="error"
    )


def measure(batch: int, events: int, connections: int) -> Result:
    requests = [request(number) for number in range(events)]
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        state_file = Path(folder) / "state.sqlite"
        command = [sys.executable, __file__, "--serve", str(state_file), str(port), str(batch)]
        process = subprocess.Popen(command)
        try:
            result = asyncio.run(deliver(port, requests, connections))
        finally:
            process.terminate()
            process.wait()
        with sqlite3.connect(state_file) as state:
            (stored,) = state.execute("select count(*) from webhook_bodies").fetchone()
    if stored != events:
        raise SystemExit(f"{stored} of {events} events were stored")
    return result


def request(number: int) -> bytes:
    """One signed request of about 2 KB, the size of a charge."""
    charge = {"id": f"ch_{number}", "object": "charge", "amount": number, "currency": "usd"}
    charge["metadata"] = {f"key_{n}": "x" * 40 for n in range(30)}
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "livemode": False,
        "type": "charge.succeeded",
        "data": {"object": charge},
    }
    body = json.dumps(event)
    signature = WebhookSignature.generate_signature_header(body, SECRET, int(time.time()))
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"stripe-signature: {signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def deliver(port: int, requests: list[bytes], connections: int) -> Result:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    waiting = iter(requests)
    latencies: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for payload in waiting:
            started = time.perf_counter()
            writer.write(payload)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"refused: {head.decode()}")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    seconds = time.perf_counter() - started
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    return Result(len(requests) / seconds, p50, p99)


if __name__ == "__main__":
    main()
