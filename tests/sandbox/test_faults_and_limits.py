"""Rate limits, faults on demand, the request log, and days that pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from small_account import NOW, account, admin, client_of, ids, put, served

from heirpay_pipelines.sandbox import SANDBOX_KEY, limits
from heirpay_pipelines.sandbox.account import open_account
from heirpay_pipelines.sandbox.store import Store


def charges() -> Store:
    store = account()
    for number in range(25):
        put(store, "charge", f"ch_{number:02d}", NOW - 100 + number, status="succeeded", amount=1)
    return store


@contextmanager
def faulty(*faults: dict[str, Any]) -> Iterator[httpx.Client]:
    with served(charges()) as client:
        admin(client, "POST", "faults", json=list(faults)).raise_for_status()
        yield client


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The limiter's clock, which stands still until a test sets it."""
    clock = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
    return clock


def burst(limiter: limits.Limiter, *endpoints: str) -> list[str | None]:
    return [limiter.refusal(endpoint) for endpoint in endpoints]


def test_a_live_account_takes_25_a_second_of_one_endpoint_and_100_in_all(
    still: list[float],
) -> None:
    limiter = limits.Limiter(*limits.LIMITS["live"])
    first = burst(limiter, *["charges"] * 26)
    assert first == [None] * 25 + ["endpoint-rate"]
    rest = burst(limiter, *[name for name in "abcd" for _ in range(25)])
    assert rest == [None] * 75 + ["global-rate"] * 25
    still[0] += 1
    assert burst(limiter, *["charges"] * 26) == [None] * 25 + ["endpoint-rate"]


def test_a_refused_request_says_why_and_is_counted() -> None:
    with served(charges(), limits="test") as client:
        answers = [client.get("charges") for _ in range(60)]
        stats = admin(client, "GET", "stats").json()
    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert {each.headers["stripe-rate-limited-reason"] for each in refused} <= {
        "global-rate", "endpoint-rate",
    }  # fmt: skip
    assert refused[0].json()["error"]["code"] == "rate_limit"
    assert stats["refused"] == {"charges": len(refused)}
    assert stats["served"] == {"charges": 60 - len(refused)}


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("charges", "charges"),
        ("charges/ch_1/refunds", "charges"),
        ("radar/early_fraud_warnings/x", "radar/early_fraud_warnings"),
        ("reporting/report_runs", "reporting/report_runs"),
    ],
)
def test_what_counts_as_one_endpoint(path: str, endpoint: str) -> None:
    assert limits.endpoint_of(path) == endpoint


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ({"kind": "rate_limit", "reason": "endpoint-rate"}, 429, "rate_limit"),
        ({"kind": "status", "status": 503}, 503, "api_error"),
        ({"kind": "revoked"}, 401, "Invalid API Key"),
        ({"kind": "forbidden"}, 403, "rak_charges_read"),
        ({"kind": "gone"}, 404, "Unrecognized request URL"),
        ({"kind": "invalid_json"}, 200, "<html>"),
    ],
)
def test_faults_that_answer(fault: dict[str, Any], status: int, said: str) -> None:
    with faulty({"where": "^/v1/charges", "times": 1, **fault}) as client:
        struck, spared = client.get("charges"), client.get("charges")
    assert struck.status_code == status
    assert said in struck.text
    assert spared.status_code == 200


@pytest.mark.parametrize("kind", ["reset", "truncate", "hang"])
def test_faults_that_break_the_connection(kind: str) -> None:
    with faulty({"kind": kind, "where": "charges", "times": 1, "seconds": 0.01}) as client:
        with pytest.raises(httpx.TransportError):
            client.get("charges")
        assert client.get("charges").status_code == 200


def test_latency_is_waited_for() -> None:
    with faulty({"kind": "latency", "seconds": 0.2}) as client:
        assert client.get("charges").elapsed.total_seconds() > 0.15


def test_faults_of_pages() -> None:
    with faulty({"kind": "empty_page", "after": 1, "times": 1}) as client:
        assert len(ids(client.get("charges"))) == 10
        empty = client.get("charges").json()
        assert (empty["data"], empty["has_more"]) == ([], True)
    with faulty({"kind": "repeat_page"}) as client:
        first = ids(client.get("charges"))
        assert ids(client.get("charges", params={"starting_after": first[-1]})) == first
    with faulty({"kind": "duplicate"}) as client:
        assert ids(client.get("charges?limit=2")) == ["ch_24", "ch_24", "ch_23", "ch_23"]


def test_faults_of_objects() -> None:
    with faulty({"kind": "set_field", "field": "status", "value": "teleported"}) as client:
        assert client.get("charges/ch_01").json()["status"] == "teleported"
        assert {obj["status"] for obj in client.get("charges").json()["data"]} == {"teleported"}
    with faulty({"kind": "set_field", "field": "brand_new", "value": {"a": 1}}) as client:
        assert client.get("charges").json()["data"][0]["brand_new"] == {"a": 1}
    with faulty({"kind": "drop_field", "field": "amount"}) as client:
        assert "amount" not in client.get("charges/ch_01").json()


def test_an_event_of_an_older_version() -> None:
    store = account()
    store.emit("ping", {"id": "x", "object": "ping"}, NOW)
    with served(store) as client:
        admin(client, "POST", "faults", json={"kind": "older_event"})
        assert client.get("events").json()["data"][0]["api_version"] == "2023-10-16"


def test_faults_can_be_shown_and_lifted() -> None:
    with faulty({"kind": "status", "where": "charges$", "after": 2}) as client:
        assert [client.get("charges").status_code for _ in range(4)] == [200, 200, 500, 500]
        assert client.get("balance").status_code == 200
        shown = admin(client, "GET", "faults").json()[0]
        assert (shown["met"], shown["struck"], shown["times"]) == (4, 2, None)
        admin(client, "DELETE", "faults")
        assert client.get("charges").status_code == 200


@pytest.mark.parametrize("body", ["{", '{"kind": "curse"}', '{"kind": "reset", "a": 1}', "[1]"])
def test_a_fault_that_is_not_known_is_refused(body: str) -> None:
    with served(charges()) as client:
        answer = admin(client, "POST", "faults", content=body)
        assert answer.status_code == 400
        assert "No such fault" in answer.json()["error"]["message"]
        assert admin(client, "GET", "faults").json() == []


def test_the_log_tells_every_request() -> None:
    with served(charges()) as client:
        client.get("charges?limit=1")
        client.get("charges/ch_none")
        assert admin(client, "GET", "log").json() == [
            "GET /v1/charges?limit=1 200",
            "GET /v1/charges/ch_none 404",
        ]


def test_days_pass_and_the_account_is_as_if_it_had_been_made_later() -> None:
    start, at = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)
    later = datetime(2026, 9, 18, tzinfo=UTC)
    with client_of(open_account(1, 1, start, at, SANDBOX_KEY, "off", 0.0)) as advanced:
        before = advanced.get("events?limit=1").json()["data"][0]["created"]
        admin(advanced, "POST", "advance?days=1")
        assert admin(advanced, "POST", "advance?days=2").json()["now"] == later.timestamp()
        assert advanced.get("events?limit=1").json()["data"][0]["created"] > before
        with client_of(open_account(1, 1, start, later, SANDBOX_KEY, "off", 0.0)) as fresh:
            for path in ("charges", "balance", "payouts", "subscriptions", "invoices"):
                params = {} if path == "balance" else {"limit": 100}
                found = advanced.get(path, params=params)
                assert found.content == fresh.get(path, params=params).content


@pytest.mark.parametrize("days", ["-1", "soon"])
def test_days_have_to_be_a_number(company_url: str, days: str) -> None:
    answer = httpx.post(f"{company_url}/_sandbox/advance", params={"days": days})
    assert answer.status_code == 400
    assert json.loads(answer.text)["error"]["param"] == "days"
