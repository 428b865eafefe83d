"""Strikes 1 and 2 of webhook issues: fill the gap from the event log, find out what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.outbox import enqueue
from heirpay_pipelines.incidents.solutions.payments import MAX_ITEMS
from heirpay_pipelines.incidents.warehouse import rows
from heirpay_pipelines.receive.poll import poll_event_log as poll
from heirpay_pipelines.receive.replay import mark_replayed

TIMEOUT_SECONDS = 5
MISSING = """
select event_id, event_type, epoch(deliveries.created_at)::bigint as created, deliveries.object_id
from operations.webhook_deliveries as deliveries
inner join staging.stg_stripe__events as events on deliveries.event_id = events.id
where deliveries.status = 'missing'
order by deliveries.created_at, event_id
"""
MANUAL = """
select event_id, event_type, cast(created_at as varchar) as created_at, object_id
from operations.webhook_deliveries
where status in ('missing', 'replayed')
order by created_at, event_id
"""
TWICE = """
select 'webhook_deliveries' as place, event_id from operations.webhook_deliveries
group by event_id having count(*) > 1
union all
select 'events' as place, id from staging.stg_stripe__events as events
group by id having count(*) > 1
"""


def replay(night: Night, incident: Incident) -> Attempt:
    """Take each missing event from the landed event log, and note that it came that way."""
    missing = rows(night, MISSING)
    replayed = mark_replayed(night.state, missing, night.run.as_of)
    detail = f"{replayed} events were taken from the event log"
    return Attempt("done", detail, effect=replayed)


def idempotency_check(night: Night, incident: Incident) -> Attempt:
    """Each event counts once, however often it was delivered."""
    twice = rows(night, TWICE)
    repeated = night.state.rows(
        "select count(*) as events, sum(deliveries) as deliveries from webhook_deliveries"
        " where deliveries > 1"
    )[0]
    if twice:
        return Attempt("failed", f"{len(twice)} events count twice", tuple(twice[:MAX_ITEMS]))
    return Attempt(
        "done",
        f"{repeated['events']} events came {repeated['deliveries'] or 0} times and count once each",
    )


def endpoint_verification(night: Night, incident: Incident) -> Attempt:
    """The endpoint answers, its disk takes writes, and it refuses what is not signed."""
    found = night.state.rows("select url from webhook_endpoint")
    if not found:
        return Attempt("not_applicable", "`heirpay receive` was never started here")
    url = found[0]["url"]
    try:
        health = httpx.get(f"{url}/health", timeout=TIMEOUT_SECONDS)
        unsigned = httpx.post(f"{url}/webhooks/stripe", content=b"{}", timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        return Attempt("failed", f"{url} does not answer ({type(error).__name__}): start it")
    if health.status_code != 200:
        return Attempt("failed", f"{url} is not healthy: {health.text[:200]}")
    if unsigned.status_code != 400:
        return Attempt("failed", f"{url} answered {unsigned.status_code} to an unsigned request")
    return Attempt("done", f"{url} is healthy and refuses what is not signed")


def poll_event_log(night: Night, incident: Incident) -> Attempt:
    """Ask Stripe for the events since the newest one received; keep those that never came."""
    fetched, kept = poll(night.account, night.state)
    detail = f"{fetched} events were polled from Stripe, {kept} were new"
    return Attempt("done", detail, effect=kept)


def manual_reconciliation_list(night: Night, incident: Incident) -> Attempt:
    """The events that never arrived, with their objects."""
    found = rows(night, f"{MANUAL} limit {MAX_ITEMS}")
    return Attempt("done", f"{len(found)} events to compare by hand", tuple(found))


def backup_notification(night: Night, incident: Incident) -> Attempt:
    """Tell people now, ahead of the escalation, that webhooks cannot be relied on."""
    title = f"HeirPay: {incident['subject']} fails for the second time"
    body = (
        f"{incident['detail']}\nUntil it is fixed the figures come from the event log at the "
        f"nightly pull.\nheirpay incidents show {incident['incident_id']}"
    )
    with night.state.transaction():
        queued = enqueue(
            night.state, f"notice_{incident['incident_id']}", title, body, datetime.now(UTC)
        )
    return Attempt("done", "a notice was queued" if queued else "the notice was queued before")
