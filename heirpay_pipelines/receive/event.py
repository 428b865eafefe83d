"""Reading a webhook's body strictly: one well-formed Stripe event, or a named reason why not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_DEPTH = 64  # Stripe's deepest objects stay below 20
EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,120}")
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
EVENT_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){1,6}")
# Those of API v2 may name a part in brackets: account[configuration.merchant].
THIN_TYPE = re.compile(r"[a-z0-9_]+([.\[\]]{1,2}[a-z0-9_]+){1,8}")
SNAPSHOT, THIN = "snapshot", "thin"
LATEST_CREATED = 253_402_300_800  # the year 10000


class EventRefusedError(Exception):
    """The body is not an event that can be kept. `reason` is a stable name for metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered event: what the inbox indexes, and the body as it came. A `thin` one names its
    object and does not carry it; the ping of an event destination is one."""

    event_id: str
    type: str
    object_id: str | None
    account: str | None
    livemode: bool
    api_version: str | None
    created: int
    body: str
    form: str = SNAPSHOT


def read_event(body: bytes) -> Delivery:
    """Parse one event; raise EventRefusedError naming what is wrong with it.

    Refused, because a later reader could see something else in it: duplicate keys, NaN and
    numbers beyond a double, a byte-order mark, lone surrogates, more than MAX_DEPTH levels.
    """
    event = _parse(body)
    if isinstance(event, dict) and event.get("object") == "v2.core.event":
        return _thin(event, body)
    if not isinstance(event, dict) or event.get("object") != "event":
        raise EventRefusedError("not_an_event")
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    created = event.get("created")
    if not isinstance(subject, dict) or not isinstance(subject.get("object"), str):
        raise EventRefusedError("event_without_object")
    # bool is an int in Python; `true` is no instant.
    if type(created) is not int or not 0 < created < LATEST_CREATED:
        raise EventRefusedError("event_without_created")
    return Delivery(
        event_id=_text(event, "id", EVENT_ID),
        type=_text(event, "type", EVENT_TYPE),
        object_id=_optional_text(subject, "id"),
        account=_optional_text(event, "account"),
        livemode=_flag(event, "livemode"),
        api_version=_optional_text(event, "api_version"),
        created=created,
        body=body.decode("utf-8").strip(),
    )


def _thin(event: dict[str, Any], body: bytes) -> Delivery:
    """A thin event: its instant is ISO 8601 text, `related_object` names what changed (a ping, or
    an event of the account itself, may name nothing), `context` whose it is (null: our own)."""
    related = event.get("related_object")
    if related is not None and not isinstance(related, dict):
        raise EventRefusedError("event_without_object")
    context = _optional_text(event, "context")
    return Delivery(
        event_id=_text(event, "id", EVENT_ID),
        type=_text(event, "type", THIN_TYPE),
        object_id=_optional_text(related or {}, "id"),
        # An organisation's context leads to the account: org_…/acct_….
        account=context.rpartition("/")[2] if context else None,
        livemode=_flag(event, "livemode"),
        api_version=None,
        created=_instant(event),
        body=body.decode("utf-8").strip(),
        form=THIN,
    )


def _instant(event: dict[str, Any]) -> int:
    try:
        at = datetime.fromisoformat(str(event.get("created")))
        created = int(at.replace(tzinfo=at.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError):
        raise EventRefusedError("event_without_created") from None
    if not 0 < created < LATEST_CREATED:
        raise EventRefusedError("event_without_created")
    return created


def _parse(body: bytes) -> Any:
    try:
        orjson.loads(body)  # the grammar: RFC 8259, without any of Python's extensions
        event = json.loads(body, object_pairs_hook=_without_duplicates)
    except EventRefusedError:
        raise
    except (ValueError, RecursionError):
        # Not chained: the error's text quotes the body.
        raise EventRefusedError("invalid_json") from None
    if _deeper_than(event, MAX_DEPTH):
        raise EventRefusedError("nested_too_deeply")
    return event


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise EventRefusedError("duplicate_key")
    return result


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        children: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                children.extend(node.values())
            elif isinstance(node, list):
                children.extend(node)
        if not children:
            return False
        level = children
    return True


def _text(event: dict[str, Any], field: str, pattern: re.Pattern[str]) -> str:
    value = event.get(field)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise EventRefusedError(f"event_without_{field}")
    return value


def _optional_text(event: dict[str, Any], field: str) -> str | None:
    value = event.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or IDENTIFIER.fullmatch(value) is None:
        raise EventRefusedError(f"event_with_wrong_{field}")
    return value


def _flag(event: dict[str, Any], field: str) -> bool:
    value = event.get(field)
    if not isinstance(value, bool):
        raise EventRefusedError(f"event_without_{field}")
    return value
