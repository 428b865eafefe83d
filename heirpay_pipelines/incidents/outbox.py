"""The outbox: a message is written with what it tells of, and sent until it has arrived.

Sending and noting that it was sent cannot be one step, so a message whose sender is killed in
between is sent again: at least once, never lost.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from heirpay_pipelines.home import Home
from heirpay_pipelines.state import State

LEASE = timedelta(minutes=2)  # longer than any sender takes; a killed one's message waits this long
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)


@dataclass(frozen=True)
class Delivery:
    """What one round of sending did, in messages per destination."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0


def enqueue(state: State, message_id: str, title: str, body: str, at: datetime) -> bool:
    """Write a message, in the caller's transaction; False when it was written before."""
    cursor = state.connection.execute(
        "insert into outbox_messages values (?, ?, ?, ?) on conflict do nothing",
        (message_id, at.isoformat(), title, body),
    )
    return bool(cursor.rowcount)


def destinations(home: Home) -> dict[str, str]:
    """The notification URLs of HEIRPAY_NOTIFY by the hash that stands for each."""
    if home.notify is None:
        return {}
    from apprise.utils.parse import parse_urls

    urls = parse_urls(home.notify.get_secret_value())  # type: ignore[no-untyped-call]
    return {hashlib.sha256(url.encode()).hexdigest()[:16]: url for url in urls}


def deliver(home: Home, state: State, now: datetime) -> Delivery:
    """Send what is due to each destination. Without HEIRPAY_NOTIFY everything stays written."""
    urls = destinations(home)
    sent = failed = 0
    for message_id, destination in _claim(state, sorted(urls), now):
        message = state.rows("select * from outbox_messages where message_id = ?", (message_id,))[0]
        if error := _send(urls[destination], message["title"], message["body"]):
            failed += 1
            _note_failure(state, message_id, destination, error, now)
        else:
            sent += 1
            _note_sent(state, message_id, destination, now)
    return Delivery(sent, failed, waiting(state))


def waiting(state: State) -> int:
    """Messages that have not reached every destination, or that have none."""
    return int(
        state.rows(
            "select count(*) as n from outbox_messages m where not exists (select 1 from"
            " outbox_deliveries d where d.message_id = m.message_id) or exists (select 1 from"
            " outbox_deliveries d where d.message_id = m.message_id and d.state = 'pending')"
        )[0]["n"]
    )


def messages(state: State) -> list[dict[str, str]]:
    """Every message, the newest first: `created_at`, `title`, `body`, `delivery` (in words)."""
    rows = state.rows(
        "select m.message_id, m.created_at, m.title, m.body, count(d.destination) as known,"
        " count(d.sent_at) as sent, max(d.last_error) as last_error from outbox_messages m"
        " left join outbox_deliveries d using (message_id) group by m.message_id"
        " order by m.created_at desc, m.message_id"
    )
    return [
        {name: str(row[name]) for name in ("created_at", "title", "body")}
        | {"delivery": _in_words(row["known"], row["sent"], row["last_error"])}
        for row in rows
    ]


def _in_words(known: int, sent: int, last_error: str | None) -> str:
    if not known:
        return "waits: HEIRPAY_NOTIFY names nobody to tell"
    if sent == known:
        return "sent"
    return f"sent to {sent} of {known}; {last_error or 'waits to be sent'}"


def _claim(state: State, known: list[str], now: datetime) -> list[tuple[str, str]]:
    """What is due, each leased so that no second sender takes it at the same time."""
    with state.transaction() as connection:
        for destination in known:
            connection.execute(
                "insert into outbox_deliveries (message_id, destination, state, attempts,"
                " next_attempt_at) select message_id, ?, 'pending', 0, ? from outbox_messages"
                " where true on conflict do nothing",
                (destination, now.isoformat()),
            )
        due = connection.execute(
            "select d.message_id, d.destination from outbox_deliveries d join outbox_messages m"
            " using (message_id) where d.state = 'pending' and d.next_attempt_at <= ?"
            " order by m.created_at, d.message_id, d.destination",
            (now.isoformat(),),
        ).fetchall()
        due = [(message, destination) for message, destination in due if destination in known]
        connection.executemany(
            "update outbox_deliveries set attempts = attempts + 1, next_attempt_at = ?"
            " where message_id = ? and destination = ?",
            [((now + LEASE).isoformat(), *key) for key in due],
        )
    return due


def _send(url: str, title: str, body: str) -> str | None:
    """Send one message; the reason when it did not arrive. The URL, which holds secrets, is in
    neither the reason nor the log."""
    import apprise

    service = apprise.Apprise()
    if not service.add(url):
        return "HEIRPAY_NOTIFY holds an address that Apprise does not know: correct it"
    try:
        arrived = service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # noqa: BLE001 - a notification service may raise anything
        return f"the notification service failed ({type(error).__name__})"
    return None if arrived else "the notification service did not take it"


def _note_failure(
    state: State, message_id: str, destination: str, error: str, now: datetime
) -> None:
    (attempts,) = state.connection.execute(
        "select attempts from outbox_deliveries where message_id = ? and destination = ?",
        (message_id, destination),
    ).fetchone()
    pause = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_RETRY)
    with state.transaction() as connection:
        connection.execute(
            "update outbox_deliveries set next_attempt_at = ?, last_error = ?"
            " where message_id = ? and destination = ?",
            ((now + pause).isoformat(), error, message_id, destination),
        )


def _note_sent(state: State, message_id: str, destination: str, now: datetime) -> None:
    with state.transaction() as connection:
        connection.execute(
            "update outbox_deliveries set state = 'sent', sent_at = ?, last_error = null"
            " where message_id = ? and destination = ?",
            (now.isoformat(), message_id, destination),
        )
