"""The event log tells everything, truly and in time; a later build is the earlier one lived on."""

from __future__ import annotations

from typing import Any

import orjson
from company_account import DAY, NOW, START, Object, build, default_company

# Stripe counts invoices and ages balance transactions without an event, and tells of what belongs
# to another object by that object's events.
SILENT_FIELDS = {"customer": {"next_invoice_sequence"}}
SILENT_KINDS = {"invoice_payment"}


def _snapshots(store: Any) -> dict[tuple[str, str], Object]:
    latest: dict[tuple[str, str], Object] = {}
    for event in store.all("event"):
        obj = event["data"]["object"]
        latest[obj["object"], obj["id"]] = obj
    return latest


def test_the_newest_event_of_an_object_shows_it_as_it_is() -> None:
    store = default_company().store
    compared = 0
    for (kind, id), shown in _snapshots(store).items():
        if kind in SILENT_KINDS:
            continue
        silent = SILENT_FIELDS.get(kind, set())
        now = {k: v for k, v in store.get(kind, id).items() if k not in silent}
        then = {k: v for k, v in shown.items() if k not in silent}
        if kind == "dispute":  # its movements age without an event
            now, then = now | {"balance_transactions": 0}, then | {"balance_transactions": 0}
        assert now == then, (kind, id, {k for k in now if now[k] != then.get(k)})
        compared += 1
    assert compared > 10_000


def test_previous_attributes_are_what_the_event_before_showed() -> None:
    last: dict[str, Object] = {}
    checked = 0
    for event in default_company().store.all("event"):
        obj = event["data"]["object"]
        before = last.get(obj["id"])
        previous = event["data"].get("previous_attributes")
        if obj["object"] == "subscription" and previous is not None:
            assert before is not None
            for name, value in previous.items():
                if isinstance(value, dict) and isinstance(before[name], dict):
                    assert {k: before[name].get(k) for k in value} == value
                else:
                    assert before[name] == value
                checked += 1
            unchanged = set(obj) - set(previous)
            assert all(obj[name] == before[name] for name in unchanged)
        last[obj["id"]] = obj
    assert checked > 1_000


def test_living_on_gives_the_same_account_as_building_later() -> None:
    middle = START + 200 * DAY
    later = build(START + 260 * DAY)
    grown = build(middle)
    known = {event["id"] for event in grown.store.all("event")}
    grown.advance_to(START + 230 * DAY + 5_000)
    grown.advance_to(START + 260 * DAY)
    assert _bytes(grown) == _bytes(later)
    new = [e for e in grown.store.all("event") if e["id"] not in known]
    assert new
    assert min(event["created"] for event in new) >= middle


def test_another_seed_is_another_company() -> None:
    day = START + 40 * DAY
    assert _bytes(build(day)) == _bytes(build(day))
    assert _bytes(build(day)) != _bytes(build(day, seed=2))


def _bytes(company: Any) -> bytes:
    store = company.store
    parts = [orjson.dumps(store.all(kind), option=orjson.OPT_SORT_KEYS) for kind in store.types()]
    return b"\n".join(parts)


def test_events_are_stamped_between_start_and_now() -> None:
    stamps = [event["created"] for event in default_company().store.all("event")]
    assert all(START <= at < NOW for at in stamps)
