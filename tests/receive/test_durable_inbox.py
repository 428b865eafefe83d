"""An acknowledged event is on disk: duplicates, order, kill -9, a full disk."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from receive_endpoint import Endpoint, event, running, signed

from heirpay_pipelines.receive.event import Delivery, read_event
from heirpay_pipelines.receive.inbox import Commit, Inbox, InboxFailedError, InboxFullError


def stored(state_file: Path) -> dict[str, int]:
    with sqlite3.connect(state_file) as state:
        return dict(state.execute("select event_id, deliveries from webhook_deliveries"))


def delivery(number: int) -> Delivery:
    return read_event(json.dumps(event(number)).encode())


def test_duplicates_are_acknowledged_and_stored_once(tmp_path: Path) -> None:
    with running(tmp_path) as endpoint:
        outcomes = [endpoint.post(event(7)).json()["outcome"] for _ in range(3)]
        assert outcomes == ["stored", "duplicate", "duplicate"]
        assert stored(endpoint.state_file) == {"evt_7": 3}
        with sqlite3.connect(endpoint.state_file) as state:
            (body,) = state.execute("select body from webhook_bodies").fetchone()
        assert json.loads(body) == event(7, created=json.loads(body)["created"])
        assert endpoint.state_file.stat().st_mode & 0o077 == 0


def test_thin_events_and_pings_are_acknowledged(tmp_path: Path) -> None:
    """As an event destination sends them: an instant as text, no object inside."""
    thin = {
        "id": "evt_test_65RCjj4ErdvtHQGYQ",
        "object": "v2.core.event",
        "type": "v2.core.event_destination.ping",
        "created": "2026-11-30T12:00:00.123Z",
        "livemode": False,
        "context": None,
        "reason": None,
        "related_object": {
            "id": "ed_test_1",
            "type": "v2.core.event_destination",
            "url": "/v2/core/event_destinations/ed_test_1",
        },
    }
    of_an_account = thin | {
        "id": "evt_test_2",
        "type": "v2.core.account[configuration.merchant].updated",
        "context": "org_1/acct_connected",
        "related_object": None,
        "created": "2026-11-30T12:00:00+00:00",
    }
    with running(tmp_path) as endpoint:
        answers = [endpoint.post(body) for body in (thin, of_an_account, thin)]
        assert [a.status_code for a in answers] == [200] * 3
        assert [a.json()["outcome"] for a in answers] == ["stored", "stored", "duplicate"]
        with sqlite3.connect(endpoint.state_file) as state:
            kept = state.execute(
                "select object_id, account, form, created from webhook_deliveries order by event_id"
            ).fetchall()
    assert kept == [
        (None, "acct_connected", "thin", 1796040000),
        ("ed_test_1", None, "thin", 1796040000),
    ]


def test_ten_thousand_shuffled_with_duplicates_leave_each_event_once(tmp_path: Path) -> None:
    numbers = list(range(7_000)) + random.Random(1).choices(range(7_000), k=3_000)
    random.Random(2).shuffle(numbers)
    commits: list[Commit] = []

    async def deliver() -> list[bool]:
        inbox = Inbox(tmp_path / "s.sqlite", max_waiting=20_000, on_commit=commits.append)
        await inbox.start()
        fresh = await asyncio.gather(*(inbox.store(delivery(n)) for n in numbers))
        await inbox.stop()
        return list(fresh)

    fresh = asyncio.run(deliver())
    assert sum(fresh) == 7_000
    counts = stored(tmp_path / "s.sqlite")
    assert len(counts) == 7_000
    assert sum(counts.values()) == 10_000
    assert sum(commit.events for commit in commits) == 10_000
    assert len(commits) < 1_000  # many requests share one commit


def test_kill_9_loses_no_acknowledged_event(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    lost_connection = threading.Event()

    def send(endpoint: Endpoint, first: int) -> None:
        with httpx.Client() as client:
            for number in range(first, first + 100_000):
                body, headers = signed(event(number))
                try:
                    answer = client.post(
                        f"{endpoint.url}/webhooks/stripe", content=body, headers=headers
                    )
                except httpx.TransportError:
                    lost_connection.set()
                    return
                if answer.status_code == 200:
                    acknowledged.add(f"evt_{number}")

    with running(tmp_path) as endpoint:
        senders = [
            threading.Thread(target=send, args=(endpoint, n * 1_000_000)) for n in range(1, 5)
        ]
        for sender in senders:
            sender.start()
        while len(acknowledged) < 200:
            threading.Event().wait(0.01)
        endpoint.process.send_signal(signal.SIGKILL)
        for sender in senders:
            sender.join()
    assert lost_connection.is_set()
    assert acknowledged <= stored(endpoint.state_file).keys()
    with running(tmp_path) as again:  # and it starts again on what was left
        assert again.post(event(1)).json() == {"outcome": "stored"}


def test_nothing_is_acknowledged_while_the_disk_refuses(tmp_path: Path) -> None:
    """SQLite's page limit stands for a full disk: the commit fails, then room comes back."""

    async def deliver() -> tuple[str | None, bool]:
        inbox = Inbox(tmp_path / "s.sqlite")
        await inbox.start()
        await inbox.store(delivery(1))
        holder = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
        holder.execute("alter table webhook_bodies rename to gone")
        with pytest.raises(InboxFailedError):
            await inbox.store(delivery(2))
        failure = inbox.failure
        holder.execute("alter table gone rename to webhook_bodies")
        fresh = await inbox.store(delivery(2))
        assert inbox.failure is None
        await inbox.stop()
        return failure, fresh

    failure, fresh = asyncio.run(deliver())
    assert failure is not None
    assert fresh  # the failed attempt left nothing behind
    assert stored(tmp_path / "s.sqlite") == {"evt_1": 1, "evt_2": 1}


def test_a_full_queue_and_an_unopenable_file_say_so(tmp_path: Path) -> None:
    async def overfill() -> int:
        inbox = Inbox(tmp_path / "s.sqlite", max_waiting=1)
        await inbox.start()
        answers = await asyncio.gather(
            *(inbox.store(delivery(n)) for n in range(200)), return_exceptions=True
        )
        await inbox.stop()
        return sum(isinstance(answer, InboxFullError) for answer in answers)

    assert asyncio.run(overfill()) > 0

    async def unopenable() -> None:
        (tmp_path / "folder.sqlite").mkdir()
        await Inbox(tmp_path / "folder.sqlite").start()

    with pytest.raises(InboxFailedError, match="cannot be opened"):
        asyncio.run(unopenable())


def test_one_address_is_limited(tmp_path: Path) -> None:
    with running(tmp_path, "--rate", "2") as endpoint:
        answers = [endpoint.post(event(n)) for n in range(8)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in limited)
    assert len(stored(endpoint.state_file)) == 8 - len(limited)


def metrics(endpoint: Endpoint) -> dict[tuple[str, Any], float]:
    text = httpx.get(f"{endpoint.url}/metrics").text
    return {
        (sample.name, sample.labels.get("outcome")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_health_and_description_tell_the_truth(tmp_path: Path) -> None:
    with running(tmp_path) as endpoint:
        described = httpx.get(f"{endpoint.url}/openapi.json").json()
        for number in (1, 1, 2):
            endpoint.post(event(number, created=1_790_000_000 + number))
        endpoint.post(b"nonsense")
        values = metrics(endpoint)
        assert values["heirpay_webhook_requests_total", "stored"] == 2
        assert values["heirpay_webhook_requests_total", "duplicate"] == 1
        assert values["heirpay_webhook_requests_total", "invalid_json"] == 1
        assert values["heirpay_webhook_newest_event_timestamp_seconds", None] == 1_790_000_002
        assert httpx.get(f"{endpoint.url}/health").json() == {"status": "ok", "waiting": 0}
        for path, methods in described["paths"].items():
            for method in methods:
                answer = httpx.request(method, endpoint.url + path)
                assert str(answer.status_code) in methods[method]["responses"]
