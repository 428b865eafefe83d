"""Deliveries of events: signed as Stripe signs, and as unreliable as is asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import stripe
from click.testing import CliRunner
from small_account import NOW, account, ids, served
from typed_objects import violations

from heirpay_pipelines.sandbox import webhooks
from heirpay_pipelines.sandbox.command import sandbox

SECRET = "whsec_of_the_tests"


class Endpoint(ThreadingHTTPServer):
    """Takes what is sent to it, checks the signature with Stripe's own code, and remembers."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.received, self.lock = status, [], threading.Lock()

    received: list[Any]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhooks"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        event = stripe.Webhook.construct_event(body, self.headers["stripe-signature"], SECRET)
        with self.server.lock:
            self.server.received.append(event)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def endpoint(status: int = 200) -> Iterator[Endpoint]:
    with Endpoint(status) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def events(count: int) -> list[dict[str, Any]]:
    store = account()
    return [store.emit("ping", {"id": f"x_{n}", "object": "ping"}, NOW) for n in range(count)]


def test_every_event_arrives_once_with_a_good_signature() -> None:
    sent = events(50)
    with endpoint() as server:
        done = webhooks.deliver(sent, server.url, SECRET, connections=4)
    assert (done.sent, done.accepted, done.dropped) == (50, 50, [])
    assert {each.id for each in server.received} == {each["id"] for each in sent}
    assert {each.data.object["id"] for each in server.received} == {f"x_{n}" for n in range(50)}


def test_a_wrong_secret_is_not_accepted() -> None:
    signed = webhooks.signature(b"{}", "whsec_other", NOW)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header("{}", signed, SECRET)
    good = webhooks.signature(b"{}", SECRET, NOW)
    assert stripe.WebhookSignature.verify_header("{}", good, SECRET)


def test_duplicates_drops_and_order_are_those_of_the_seed() -> None:
    sent = events(200)
    options: dict[str, Any] = {"duplicates": 0.3, "drop": 0.2, "shuffle": True, "connections": 1}
    with endpoint() as server:
        done = webhooks.deliver(sent, server.url, SECRET, **options)
        first = [each.id for each in server.received]
        server.received.clear()
        again = webhooks.deliver(sent, server.url, SECRET, **options)
        assert ([each.id for each in server.received], again) == (first, done)
    counts = Counter(first)
    assert set(counts.values()) == {1, 2}
    assert 30 < sum(count == 2 for count in counts.values()) < 70
    assert 20 < len(done.dropped) < 60
    assert set(counts) | set(done.dropped) == {each["id"] for each in sent}
    assert not set(counts) & set(done.dropped)
    assert first != sorted(first)


def test_what_is_not_accepted_is_told() -> None:
    with endpoint(status=503) as server:
        done = webhooks.deliver(events(3), server.url, SECRET)
    assert (done.sent, done.accepted, done.statuses) == (3, 0, {503: 3})
    unreached = webhooks.deliver(events(2), "http://127.0.0.1:9/", SECRET)
    assert unreached.statuses == {webhooks.UNREACHED: 2}


def test_the_command_delivers_the_last_days_of_a_served_account(company_url: str) -> None:
    headers = {"authorization": "Bearer rk_test_heirpay_sandbox"}
    now = httpx.get(f"{company_url}/_sandbox/stats").json()["now"]
    params = {"limit": 100, "created[gt]": now - 86_400}
    page = httpx.get(f"{company_url}/v1/events", params=params, headers=headers).json()
    with endpoint() as server:
        asked = ["deliver", server.url, "--secret", SECRET, "--account", company_url]
        result = CliRunner().invoke(sandbox, asked)
    assert result.exit_code == 0, result.output
    assert page["data"][0]["id"] in {each.id for each in server.received}
    assert f"{len(server.received)} sent, {len(server.received)} accepted" in result.output


def test_the_command_says_when_it_cannot_deliver(company_url: str) -> None:
    asked = ["deliver", "http://127.0.0.1:9/", "--secret", SECRET, "--account"]
    refused = CliRunner().invoke(sandbox, [*asked, company_url])
    assert refused.exit_code == 1
    assert "Not all were accepted" in refused.output
    unread = CliRunner().invoke(sandbox, [*asked, "http://127.0.0.1:9"])
    assert unread.exit_code == 1
    assert "heirpay sandbox serve" in unread.output


def test_registered_endpoints_are_listed() -> None:
    store = account()
    made = webhooks.register(store, "https://example.com/webhooks", ("charge.failed",))
    with served(store) as client:
        assert ids(client.get("webhook_endpoints")) == [made["id"]]
        assert violations(client.get(f"webhook_endpoints/{made['id']}").json()) == []
