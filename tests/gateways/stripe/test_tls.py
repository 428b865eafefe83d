"""Every way out is refused where TLS is old, the certificate is nobody's or another host's."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import stripe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from heirpay_pipelines.gateways.errors import PullError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.reports import ReportRun, Reports
from heirpay_pipelines.incidents.outbox import _send

KEY = "rk_live_never_sent_in_the_clear"


@dataclass
class Served:
    """A server that speaks TLS, and the requests that came through."""

    url: str
    port: int
    requests: list[str] = field(default_factory=list)


def certificate(folder: Path, host: str) -> Path:
    """A certificate of its own authority for a host, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def serving(pem: Path, newest: ssl.TLSVersion) -> Iterator[Served]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = newest
    context.load_cert_chain(pem)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.headers.get("authorization", self.path))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"id": "acct_1", "object": "account"}')

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    served = Served(f"https://localhost:{server.server_port}", server.server_port)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def pull(served: Served) -> bool:
    async def ask() -> None:
        client = Client(KEY, served.url, attempts=1, timeout=5)
        try:
            await client.get("account")
        finally:
            await client.close()

    try:
        asyncio.run(ask())
    except PullError:
        return False
    return True


def request_report(served: Served) -> bool:
    # Whether a request comes through counts, not what is made of the answer.
    before = len(served.requests)
    with pytest.raises((PullError, KeyError)):
        Reports(KEY, served.url, sleep=lambda _: None).available("balance.summary.1")
    return len(served.requests) > before


def download_report(served: Served) -> bool:
    run = ReportRun("frr_1", "balance.summary.1", 0, 1, f"{served.url}/v1/files/1/contents")
    try:
        with Reports(KEY, served.url).rows(run) as rows:
            list(rows)
    except PullError:
        return False
    return True


def notify(served: Served) -> bool:
    return _send(f"jsons://localhost:{served.port}/hook", "title", "body") is None


WAYS = {"pull": pull, "report": request_report, "report file": download_report, "notify": notify}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("ours"), "localhost")


@pytest.fixture
def trusted(ours: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that every way out trusts in this test."""
    monkeypatch.setattr(stripe, "ca_bundle_path", str(ours))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ours))
    return ours


@pytest.mark.parametrize("way", WAYS)
def test_tls_1_2_with_a_certificate_that_is_trusted_goes_through(trusted: Path, way: str) -> None:
    with serving(trusted, ssl.TLSVersion.TLSv1_2) as served:
        assert WAYS[way](served)
        assert served.requests


def refused(way: Callable[[Served], bool], served: Served) -> None:
    assert not way(served)
    assert served.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_tls_1_1_is_refused(trusted: Path, way: str) -> None:
    with serving(trusted, ssl.TLSVersion.TLSv1_1) as served:
        old = ssl.create_default_context(cafile=trusted)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        # The server is sound: a client that allows it speaks TLS 1.1 with it.
        with (
            socket.create_connection(("127.0.0.1", served.port), 5) as plain,
            old.wrap_socket(plain, server_hostname="localhost") as spoken,
        ):
            assert spoken.version() == "TLSv1.1"
        refused(WAYS[way], served)


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_of_nobody_is_refused(ours: Path, way: str) -> None:
    with serving(ours, ssl.TLSVersion.TLSv1_3) as served:
        refused(WAYS[way], served)


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    other = certificate(tmp_path, "other.test")
    monkeypatch.setattr(stripe, "ca_bundle_path", str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with serving(other, ssl.TLSVersion.TLSv1_3) as served:
        refused(WAYS[way], served)
