"""Hostile requests: each gets a 4xx with its reason, none a 5xx, none is stored."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import httpx
import pytest
from receive_endpoint import SECRET, Endpoint, event, signed

GOOD = event(1)


def without(field: str) -> dict[str, Any]:
    return {k: v for k, v in GOOD.items() if k != field}


def text(value: dict[str, Any]) -> str:
    return json.dumps(value)


SIGNED_BUT_WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "invalid_json"),
    "not JSON": (b"hello", "invalid_json"),
    "cut off": (text(GOOD).encode()[:-5], "invalid_json"),
    "two documents": (text(GOOD).encode() * 2, "invalid_json"),
    "byte-order mark": (b"\xef\xbb\xbf" + text(GOOD).encode(), "invalid_json"),
    "NaN": (text({**GOOD, "x": float("nan")}).encode(), "invalid_json"),
    "Infinity": (text({**GOOD, "x": float("inf")}).encode(), "invalid_json"),
    "1e400": (text(GOOD).replace("1001", "1e400").encode(), "invalid_json"),
    "duplicate key": (b'{"id":"evt_9",' + text(GOOD).encode()[1:], "duplicate_key"),
    "duplicate key, nested": (
        text(GOOD).replace('"amount"', '"amount": 1, "amount"').encode(),
        "duplicate_key",
    ),
    "duplicate key, escaped": (b'{"\\u0069d":"evt_9",' + text(GOOD).encode()[1:], "duplicate_key"),
    "100 levels": (
        text(GOOD).replace("1001", "[" * 100 + "]" * 100).encode(),
        "nested_too_deeply",
    ),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "invalid_json"),
    "100,000 levels of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalid_json"),
    "lone surrogate": (text(GOOD).replace("usd", "\\ud800").encode(), "invalid_json"),
    "raw control character": (text(GOOD).replace("usd", "u\x01d").encode(), "invalid_json"),
    "single quotes": (b"{'id': 'evt_1'}", "invalid_json"),
    "comment": (text(GOOD).encode() + b"//", "invalid_json"),
    "a list": (b"[]", "not_an_event"),
    "null": (b"null", "not_an_event"),
    "a number of 5,000 digits": (b"9" * 5_000, "invalid_json"),
    "another object": (text({**GOOD, "object": "charge"}).encode(), "not_an_event"),
    "another v2 object": (text({**GOOD, "object": "v2.core.account"}).encode(), "not_an_event"),
    "a thin event at no instant": (
        text({**GOOD, "object": "v2.core.event", "created": "soon"}).encode(),
        "event_without_created",
    ),
    "a thin event of a list": (
        text({**GOOD, "object": "v2.core.event", "related_object": []}).encode(),
        "event_without_object",
    ),
    "no id": (text(without("id")).encode(), "event_without_id"),
    "id with a path": (text({**GOOD, "id": "../../etc/passwd"}).encode(), "event_without_id"),
    "id with SQL": (text({**GOOD, "id": "evt_1'; drop table x"}).encode(), "event_without_id"),
    "id with a NUL": (text({**GOOD, "id": "evt_1\0"}).encode(), "event_without_id"),
    "no type": (text(without("type")).encode(), "event_without_type"),
    "no data": (text(without("data")).encode(), "event_without_object"),
    "data is a list": (text({**GOOD, "data": []}).encode(), "event_without_object"),
    "created is true": (text({**GOOD, "created": True}).encode(), "event_without_created"),
    "created is text": (text({**GOOD, "created": "now"}).encode(), "event_without_created"),
    "created is past 64 bits": (
        text({**GOOD, "created": 10**30}).encode(),
        "event_without_created",
    ),
    "livemode is text": (text({**GOOD, "livemode": "no"}).encode(), "event_without_livemode"),
    "account is an object": (text({**GOOD, "account": {}}).encode(), "event_with_wrong_account"),
}


@pytest.mark.parametrize("name", SIGNED_BUT_WRONG)
def test_a_signed_body_that_is_no_event_is_refused_and_recorded(
    endpoint: Endpoint, name: str
) -> None:
    body, reason = SIGNED_BUT_WRONG[name]
    response = endpoint.post(body)
    assert (response.status_code, response.json()) == (400, {"outcome": reason})
    with sqlite3.connect(endpoint.state_file) as state:
        sql = "select reason from webhook_rejections where bytes = ?"
        recorded = state.execute(sql, (len(body),))
        assert (reason,) in recorded.fetchall()
        assert state.execute("select count(*) from webhook_deliveries").fetchone() == (0,)


def raw(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{endpoint.url}/webhooks/stripe", content=body, headers=headers)


def test_what_is_not_signed_now_is_refused(endpoint: Endpoint) -> None:
    body, headers = signed(GOOD)
    for at, reason in [(-400, "signature_too_old"), (400, "signature_from_the_future")]:
        refused = endpoint.post(GOOD, at=time.time() + at)
        assert (refused.status_code, refused.json()["outcome"]) == (400, reason)
    assert raw(endpoint, body, {}).json() == {"outcome": "signature_missing"}
    assert raw(endpoint, b"\xff\xfe", headers).json() == {"outcome": "not_utf8"}
    assert endpoint.post(GOOD, secret="whsec_x").json() == {"outcome": "signature_wrong"}


def test_a_body_over_the_bound_is_refused_before_it_is_read(endpoint: Endpoint) -> None:
    body, headers = signed(b" " * ((1 << 20) + 1), SECRET)
    assert raw(endpoint, body, headers).status_code == 413

    def chunks() -> Any:
        for _ in range(33):
            yield b" " * (1 << 15)

    chunked = httpx.post(f"{endpoint.url}/webhooks/stripe", content=chunks(), headers=headers)
    assert chunked.status_code == 413


def test_other_methods_and_paths_are_no_errors_of_ours(endpoint: Endpoint) -> None:
    assert httpx.get(f"{endpoint.url}/webhooks/stripe").status_code == 405
    assert httpx.post(f"{endpoint.url}/").status_code == 404
    assert httpx.get(f"{endpoint.url}/%2e%2e/%2e%2e/etc/passwd").status_code == 404
