"""Webhook deliveries: missing, late, repeated, refused; and an endpoint that is down."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.facts import Finding, Night, Observed
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
MISSING_ROWS = (
    "select * from operations.webhook_deliveries where status = 'missing' order by created_at"
)


def observe_deliveries(night: Night) -> Observed:
    """Shares of missing, late and repeated events of the last days up to the as-of."""
    limits = thresholds(night.settings).webhooks
    (seen,) = rows(night, DELIVERIES, {"as_of": as_of(night), "days": limits.window_days})
    if not seen["events"]:
        return Observed(frozenset())
    findings = [
        finding
        for finding in (
            _missing(night, limits, seen),
            _shared("webhook_timeouts", "late", seen, limits.late_share),
            _shared("duplicate_webhooks", "repeated", seen, limits.duplicate_share),
        )
        if finding is not None
    ]
    scopes = {f"webhooks:{name}" for name in ("missing", "late", "repeated")}
    return Observed(frozenset(scopes), tuple(findings))


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
    since = night.run.as_of - timedelta(days=thresholds(night.settings).webhooks.window_days)
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
