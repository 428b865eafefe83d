"""Silent, slow and endless clients: each is let go, and an honest sender is answered throughout."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import uvicorn
from receive_endpoint import Endpoint, event, running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from heirpay_pipelines.host.http_door import Patience, patient_protocol
from heirpay_pipelines.receive.bodies import Bodies, BodyTooLargeError

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
SHORT = Patience(head_seconds=0.3, message_seconds=0.6, head_bytes=4096, connections=8)
LONG_SECONDS = 20


def behind_the_door(ask: Callable[[int], Awaitable[None]], patience: Patience = SHORT) -> None:
    """Run `ask` with the port of a server with `patience`, in one event loop."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{len(await request.body())}")

    async def both() -> None:
        app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, http=patient_protocol(patience), log_level="error", ws="none", lifespan="off"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listening]))
        try:
            async with asyncio.timeout(LONG_SECONDS):
                await ask(listening.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            await serving

    asyncio.run(both())


async def honest(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"connection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def drip(writer: asyncio.StreamWriter, reader: asyncio.StreamReader, piece: bytes) -> None:
    """Send a little for ever; return when the other side has closed."""
    ended = asyncio.ensure_future(reader.read())
    while not ended.done():
        try:
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), 1)
        except (ConnectionError, TimeoutError):
            break
        await asyncio.sleep(0.02)
    with suppress(ConnectionError):
        await ended
    writer.close()


SLOW = {
    "silent": (b"", b""),
    "a head without end": (HEAD, b"x-a: b\r\n"),
    "a head of one line": (b"GET /", b"a"),
    "a body without end": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n", b"a"),
    "chunks without end": (
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n",
    ),
    "a second head without end": (HEAD + b"\r\n" + HEAD, b"x-a: b\r\n"),
    "a second message without end": (
        HEAD + b"\r\nPOST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n", b"a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_whoever_does_not_end_is_let_go(name: str) -> None:
    begin, piece = SLOW[name]

    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begin)
        await drip(writer, reader, piece)
        assert (await honest(port)).startswith(b"HTTP/1.1 200")

    behind_the_door(ask)


def test_a_head_larger_than_any_is_cut_off_at_once() -> None:
    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"".join(b"x-%d: %s\r\n" % (i, b"a" * 100) for i in range(1000)))
        with pytest.raises(ConnectionError):
            await reader.read()
            await writer.drain()
            raise ConnectionResetError

    behind_the_door(ask, Patience(head_seconds=LONG_SECONDS, head_bytes=4096))


def test_with_the_house_full_the_one_that_asks_nothing_goes() -> None:
    """More silent and unfinished connections than the door takes; each honest one is answered."""

    async def ask(port: int) -> None:
        body = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n"
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        for _, writer in held[:3]:
            writer.write(body)
        for _ in range(20):
            held.append(await asyncio.open_connection("127.0.0.1", port))
            assert (await honest(port)).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()

    behind_the_door(ask, Patience(connections=8))


def test_a_kept_connection_and_a_pipeline_are_served_in_turn() -> None:
    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
        for _ in range(3):
            writer.write(HEAD + b"\r\n" + post)
            for expected in (b"0", b"3"):
                await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(1) == expected
        writer.close()

    behind_the_door(ask)


# Bodies in sum.


async def endless(piece: bytes) -> AsyncIterator[bytes]:
    while True:
        yield piece
        await asyncio.sleep(0)


async def whole(pieces: int, gone: asyncio.Event) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b"a" * 1000
        await asyncio.sleep(0)
    gone.set()


def test_unfinished_bodies_are_bounded_in_sum_and_an_honest_one_is_read() -> None:
    async def ask() -> None:
        bodies, most = Bodies(100_000), 0
        hostile = [
            asyncio.ensure_future(bodies.read(endless(b"x" * 5_000), 50_000, 60))
            for _ in range(300)
        ]
        for _ in range(10):
            assert len(await bodies.read(whole(3, asyncio.Event()), 50_000, 60)) == 3_000
            most = max(most, bodies.held)
        ended = await asyncio.gather(*hostile, return_exceptions=True)
        assert {type(outcome) for outcome in ended} <= {TimeoutError, BodyTooLargeError}
        assert most <= 100_000
        assert bodies.held == 0

    asyncio.run(ask())


# The real process.


@contextmanager
def many(port: int, count: int, send: bytes = b"") -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 200:
        pytest.skip("this machine allows too few connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
    with ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.settimeout(5)
            if send:
                with suppress(OSError):  # let go already
                    one.sendall(send)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_silent_connections_lock_no_honest_sender_out(endpoint: Endpoint) -> None:
    with many(endpoint.port, 1_100):
        for number in range(20):
            assert endpoint.post(event(700_000 + number)).status_code == 200


def test_unsigned_and_forged_bodies_take_no_memory(endpoint: Endpoint) -> None:
    """A megabyte each, but for its last byte, 150 times: with no signature and with one that is
    well-formed and wrong."""
    process = psutil.Process(endpoint.process.pid)
    endpoint.post(event(710_000))
    before = process.memory_info().rss
    size = 1 << 20
    for signature in (b"", b"stripe-signature: t=%d,v1=%s\r\n" % (time.time(), b"0" * 64)):
        head = b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\n" + signature
        sent = head + b"content-length: %d\r\n\r\n" % size + b" " * (size - 1)
        with many(endpoint.port, 150, sent):
            assert endpoint.post(event(711_000 + len(signature))).status_code == 200
            assert process.memory_info().rss - before < 100 << 20


def test_it_ends_well_when_told_to(tmp_path: Path) -> None:
    with (
        running(tmp_path) as endpoint,
        socket.create_connection(("127.0.0.1", endpoint.port)),
    ):
        assert endpoint.post(event(1)).status_code == 200
        endpoint.process.terminate()
        assert endpoint.process.wait(30) == 0


def test_another_host_says_what_must_stand_before_it(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "0.0.0.0", stderr=subprocess.PIPE) as endpoint:
        assert endpoint.process.stderr is not None
        line = endpoint.process.stderr.readline().decode()
    assert "in plain HTTP. Before it must stand a proxy that ends TLS" in line
