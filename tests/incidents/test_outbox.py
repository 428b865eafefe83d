"""One message for a bad night, none when nothing changed, none lost when the sender is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from escalate_night import Home, control

from heirpay_pipelines.incidents.commands import incidents
from heirpay_pipelines.incidents.outbox import deliver, enqueue
from heirpay_pipelines.state import open_state


class Chat:
    """A notification service on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self.answer = 200
        self.on_message = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                chat.messages.append(json.loads(body))
                chat.on_message.set()
                chat.hold.wait(20)
                self.send_response(chat.answer)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/secret-token"


@pytest.fixture
def chat() -> Iterator[Chat]:
    service = Chat()
    yield service
    service.hold.set()
    service.server.shutdown()


def test_a_bad_night_is_one_message_and_quiet_after(home: Home, chat: Chat) -> None:
    home.notify = chat.url
    bad = [control(f"control_{n}") for n in range(40)] + [control("audit_chain_whole")]
    assert home.night(0, bad).messages_sent == 1  # the broken chain does not wait
    home.night(1, bad)
    third = home.night(2, bad)
    assert len(third.escalated) == 40
    assert third.messages_sent == 1
    # 40 escalations and the reminder of the first one are one message.
    assert [m["title"] for m in chat.messages][1:] == [
        "HeirPay: 1 still open (critical)",
        "HeirPay: 40 escalated, 1 still open (critical)",
    ]
    body = chat.messages[-1]["message"]
    assert "And 21 more: heirpay incidents list" in body
    assert "Audit log head: " in body
    assert body.count("heirpay incidents ack") == 20
    assert home.night(2, bad).messages_sent == 0
    assert home.night(2.5, bad).messages_sent == 0


def test_a_thousand_identical_failures(home: Home, chat: Chat) -> None:
    """One incident, one message for each interval, one resolution."""
    home.notify = chat.url
    for number in range(1_000 // 20):
        home.night(number / 12, [control("one")] * 20)
    incident = home.incident(pattern="compliance_violations")
    assert incident["failures"] == 1_000
    assert incident["strike"] == 3
    # Every two hours until the 98th: the third date escalates (48 hours in), later days remind.
    assert [m["title"] for m in chat.messages] == [
        "HeirPay: 1 escalated",
        "HeirPay: 1 still open",
        "HeirPay: 1 still open",
    ]
    assert [m["message"].splitlines()[0] for m in chat.messages] == [
        f"This is the nightly check of the company's payments, as of 2026-11-0{day} 00:00 UTC."
        for day in (3, 4, 5)
    ]
    for number in range(3):
        home.night(5 + number, [control("one", "pass")])
    assert [m["title"] for m in chat.messages][3:] == ["HeirPay: 1 resolved"]


def test_acknowledged_is_not_reminded_of(home: Home, chat: Chat) -> None:
    from heirpay_pipelines.incidents.by_hand import acknowledge

    home.notify = chat.url
    for night in range(3):
        home.night(night, [control("one")])
    with open_state(home.settings.state_file) as state:
        incident_id = home.incident(status="escalated")["incident_id"]
        acknowledge(state, incident_id, "ada", "on it", datetime.now(UTC))
    for night in range(3, 7):
        home.night(night, [control("one")])
    assert len(chat.messages) == 1
    home.night(7, [control("one", "pass")])
    assert chat.messages[-1]["title"] == "HeirPay: 1 resolved"


def test_undelivered_is_tried_again_later_and_names_no_secret(home: Home, chat: Chat) -> None:
    home.notify = chat.url
    chat.answer = 500
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with open_state(home.settings.state_file) as state:
        with state.transaction():
            enqueue(state, "m1", "title", "body", now)
        assert deliver(home.settings, state, now).failed == 1
        assert deliver(home.settings, state, now).failed == 0  # not before its time
        (row,) = state.rows("select * from outbox_deliveries")
        assert "secret-token" not in json.dumps(row)
        assert row["attempts"] == 1
        chat.answer = 200
        done = deliver(home.settings, state, now + timedelta(minutes=2))
        assert (done.sent, done.waiting) == (1, 0)
        assert deliver(home.settings, state, now + timedelta(days=1)).sent == 0


def test_without_a_destination_everything_waits_and_is_sent_once_there_is_one(
    home: Home, chat: Chat
) -> None:
    for night in range(3):
        outcome = home.night(night, [control("one")])
    assert (outcome.messages_sent, outcome.messages_waiting) == (0, 1)
    home.notify = chat.url
    assert home.night(2, [control("one")]).messages_sent == 1


SENDER = """
import sys
from datetime import datetime
from heirpay_pipelines.incidents.outbox import deliver
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
settings = Settings(HEIRPAY_HOME=sys.argv[1], HEIRPAY_NOTIFY=sys.argv[2])
with open_state(settings.state_file) as state:
    deliver(settings, state, datetime.fromisoformat(sys.argv[3]))
"""


def test_killed_in_mid_send_loses_none(home: Home, chat: Chat) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    home.notify = chat.url
    with open_state(home.settings.state_file) as state, state.transaction():
        enqueue(state, "m1", "title", "body", now)
    chat.hold.clear()  # the message arrives, its answer does not
    command = [sys.executable, "-c", SENDER, str(home.path), chat.url, now.isoformat()]
    sender = subprocess.Popen(command)
    assert chat.on_message.wait(20)
    sender.kill()
    sender.wait()
    chat.hold.set()
    with open_state(home.settings.state_file) as state:
        assert deliver(home.settings, state, now).sent == 0  # its lease still holds
        assert deliver(home.settings, state, now + timedelta(minutes=3)).sent == 1
    assert len(chat.messages) == 2  # at least once


def test_the_newest_message_is_read_by_hand_whether_or_not_it_was_sent(home: Home) -> None:
    runner = CliRunner(env={"HEIRPAY_HOME": str(home.path)})
    assert "No message" in runner.invoke(incidents, ["messages"]).output
    with open_state(home.settings.state_file) as state, state.transaction():
        enqueue(state, "first", "An old night", "nothing", datetime(2026, 11, 1, tzinfo=UTC))
        enqueue(state, "second", "A bad night", "look here", datetime(2026, 11, 2, tzinfo=UTC))
    newest = runner.invoke(incidents, ["messages"]).output
    assert "waits: HEIRPAY_NOTIFY names nobody" in newest
    assert "A bad night\n\nlook here" in newest
    assert "An old night" not in newest
    assert "An old night" in runner.invoke(incidents, ["messages", "--all"]).output
