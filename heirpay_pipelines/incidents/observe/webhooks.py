"""Webhook deliveries: missing, late, repeated, refused; and an endpoint that is down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.incidents import unresolved
from heirpay_pipelines.incidents.thresholds import WebhookThresholds, thresholds
from heirpay_pipelines.incidents.warehouse import NotBuiltError, as_of, rows

DELIVERIES = """
with recent as (
    select * from operations.webhook_deliveries
    where created_at <= cast($as_of as timestamp)
        and created_at > cast($as_of as timestamp) - to_days(cast($days as integer))
)
select
    count(*) as events,
    count(*) filter (where status = 'missing') as missing,
    count(*) filter (where status = 'late') as late,
    count(*) filter (where deliveries > 1) as repeated,
    count(*) filter (where received_at is not null) as received,
    count(*) filter (
        where status in ('missing', 'replayed') and created_at > coalesce((
            select max(created_at) from recent where received_at is not null
        ), timestamp '1970-01-01')
    ) as silent_since_last
from recent
"""
# What the missing events are about, where they are about money that was taken.
AT_STAKE = """
select charges.currency, sum(charges.amount) as minor,
    any_value(currencies.exponent) as exponent
from operations.webhook_deliveries as deliveries
inner join staging.stg_stripe__charges as charges on deliveries.object_id = charges.id
inner join intermediate.currencies as currencies on charges.currency = currencies.currency
where deliveries.status = 'missing'
group by charges.currency
order by minor desc
"""
SHARES = frozenset({"webhooks:missing", "webhooks:late", "webhooks:repeated"})
HAPPENED = """
select count(*) as events, min(created_at) as first_at, max(created_at) as last_at
from staging.stg_stripe__events
where created_at <= cast($as_of as timestamp) and created_at > cast($since as timestamp)
"""
# Only what looks like Stripe's: a request without a signature is anybody's.
REFUSED = """
select coalesce(sum(requests), 0) as requests, min(first_at) as first_at, max(last_at) as last_at,
    group_concat(distinct reason) as reasons
from webhook_refusals
where last_at > ? and first_at <= ?
    and reason in ('signature_wrong', 'signature_too_old', 'signature_from_the_future')
"""
RECEIVED = "select count(*) as events from webhook_deliveries where deliveries > 0"
MISSING_ROWS = (
    "select * from operations.webhook_deliveries where status = 'missing' order by created_at"
)


def observe_deliveries(night: Night) -> Observed:
    """Shares of missing, late and repeated events of the last days up to the as-of."""
    limits = thresholds(night.home).webhooks
    (seen,) = rows(night, DELIVERIES, {"as_of": as_of(night), "days": limits.window_days})
    if not seen["events"]:
        return Observed(frozenset(_over_by_time(night, limits.window_days)))
    findings = [
        finding
        for finding in (
            _missing(night, limits, seen),
            _shared("webhook_timeouts", "late", seen, limits.late_share),
            _shared("duplicate_webhooks", "repeated", seen, limits.duplicate_share),
        )
        if finding is not None
    ]
    return Observed(SHARES, tuple(findings))


def _over_by_time(night: Night, days: int) -> Iterator[str]:
    """Scopes of open incidents of which nothing was seen in the whole window."""
    since = (night.run.as_of - timedelta(days=days)).isoformat()
    for incident in unresolved(night.state):
        if incident["scope"] in SHARES and incident["last_seen_at"] <= since:
            yield incident["scope"]


def _missing(night: Night, limits: WebhookThresholds, seen: dict[str, Any]) -> Finding | None:
    down = seen["silent_since_last"] >= limits.down_after_missing
    if not seen["missing"] and not down:
        return None
    share = Decimal(seen["missing"]) / Decimal(seen["events"])
    trigger = None
    if down:
        trigger = "endpoint_down"
    elif share >= limits.missing_share_inconsistent:
        trigger = "data_inconsistent"
    amount, currency = _at_stake(night)
    return Finding(
        scope="webhooks:missing",
        symptom="missing_notifications",
        subject="webhook endpoint",
        detail=(
            f"{seen['missing']} of {seen['events']} expected events never arrived"
            f" ({share:.1%}); {seen['silent_since_last']} since the last delivery"
        ),
        amount=amount,
        currency=currency,
        trigger=trigger,
        rows=MISSING_ROWS,
        evidence={name: seen[name] for name in ("missing", "events", "silent_since_last")},
    )


def _at_stake(night: Night) -> tuple[Decimal, str | None]:
    """The charges that the missing events tell of, in the currency with the largest sum."""
    try:
        found = rows(night, AT_STAKE)
    except NotBuiltError:
        return Decimal(0), None
    if not found:
        return Decimal(0), None
    return Decimal(found[0]["minor"]).scaleb(-found[0]["exponent"]), found[0]["currency"]


def _shared(symptom: str, column: str, seen: dict[str, Any], limit: Decimal) -> Finding | None:
    share = Decimal(seen[column]) / Decimal(seen["received"] or 1)
    if share < limit:
        return None
    return Finding(
        scope=f"webhooks:{column}",
        symptom=symptom,
        subject="webhook endpoint",
        detail=f"{seen[column]} of {seen['received']} received events were {column} ({share:.1%})",
        evidence={column: seen[column], "received": seen["received"]},
    )


def observe_rejections(night: Night) -> Observed:
    """Bodies that Stripe signed and the endpoint refused, in the last days."""
    since = night.run.as_of - timedelta(days=thresholds(night.home).webhooks.window_days)
    found = night.state.rows(
        "select reason, count(*) as bodies, sum(deliveries) as deliveries from webhook_rejections"
        " where last_received_at > ? and first_received_at <= ? group by reason order by reason",
        (since.isoformat(), night.run.as_of.isoformat()),
    )
    findings = tuple(
        Finding(
            scope="webhooks:refused",
            symptom="webhook_failures",
            subject=f"refused: {row['reason']}",
            detail=f"{row['bodies']} signed bodies were refused as {row['reason']},"
            f" {row['deliveries']} deliveries in all",
            evidence=dict(row),
        )
        for row in found
    )
    return Observed(frozenset({"webhooks:refused"}), findings)


def observe_signatures(night: Night) -> Observed:
    """Requests refused for their signature: with a wrong secret, every one of Stripe's."""
    limits = thresholds(night.home).webhooks
    since = (night.run.as_of - timedelta(days=limits.window_days)).isoformat()
    (seen,) = night.state.rows(REFUSED, (since, night.run.as_of.isoformat()))
    scopes = frozenset({"webhooks:signatures"})
    if not seen["requests"]:
        return Observed(scopes)
    arrived = night.state.rows(f"{RECEIVED} and last_received_at >= ?", (seen["first_at"],))
    none_arrived = not arrived[0]["events"]
    if not none_arrived and seen["requests"] < limits.refused_requests:
        return Observed(scopes)
    verdict = "and none was accepted since the first" if none_arrived else "while others arrived"
    finding = Finding(
        scope="webhooks:signatures",
        symptom="webhook_failures",
        subject="refused signatures",
        detail=f"{seen['requests']} webhook requests were refused for their signature"
        f" ({seen['reasons']}) from {_minute(seen['first_at'])} to {_minute(seen['last_at'])} UTC,"
        f" {verdict}",
        trigger="endpoint_down" if none_arrived else None,
        action="Compare STRIPE_WEBHOOK_SECRET with the signing secret of the endpoint in Stripe's"
        " dashboard; while secrets are rotated, both are set. Then start `heirpay receive` again.",
        evidence=dict(seen),
    )
    return Observed(scopes, (finding,))


def observe_silence(night: Night) -> Observed:
    """An endpoint that was started and never got anything, while events happened at Stripe."""
    endpoint = night.state.rows("select started_at from webhook_endpoint")
    if not endpoint or night.state.rows(RECEIVED)[0]["events"]:
        return Observed(frozenset({"webhooks:silence"}))
    limits = thresholds(night.home).webhooks
    started = datetime.fromisoformat(endpoint[0]["started_at"])
    since = max(started, night.run.as_of - timedelta(days=limits.window_days))
    since_text = since.replace(tzinfo=None).isoformat(sep=" ")
    (seen,) = rows(night, HAPPENED, {"as_of": as_of(night), "since": since_text})
    if seen["events"] < limits.down_after_missing:
        return Observed(frozenset({"webhooks:silence"}))
    finding = Finding(
        scope="webhooks:silence",
        symptom="webhook_failures",
        subject="webhook endpoint that never received",
        detail=f"The endpoint listens since {started:%Y-%m-%d %H:%M} UTC and not one of"
        f" {seen['events']} events that happened since then arrived, the first of"
        f" {seen['first_at']:%Y-%m-%d %H:%M}, the last of {seen['last_at']:%Y-%m-%d %H:%M} UTC",
        trigger="endpoint_down",
        action="Register the endpoint's public address in Stripe's dashboard (Developers,"
        " Webhooks), and see that the proxy before it passes requests on.",
        rows="select * from staging.stg_stripe__events order by created_at desc",
        evidence={
            "events": seen["events"],
            "first_at": str(seen["first_at"]),
            "last_at": str(seen["last_at"]),
        },
    )
    return Observed(frozenset({"webhooks:silence"}), (finding,))


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")
