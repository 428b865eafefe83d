"""Failed payments by symptom, and reconciliation breaks by kind, each per currency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from heirpay_pipelines.duck import quoted
from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.incidents import unresolved
from heirpay_pipelines.incidents.patterns import own_id, patterns
from heirpay_pipelines.incidents.thresholds import Thresholds, thresholds
from heirpay_pipelines.incidents.warehouse import as_of, exact, over_revenue_impact, rows

FAILURES = """
with made as (
    select currency, sum(attempts) as attempts
    from finance.payment_method_daily
    where date > cast($as_of as timestamp)::date - cast($days as integer)
    group by currency
),
-- Attempts of card testing are another incident's, and no customer's.
tested as (
    select currency, sum(attempts) as attempts
    from finance.card_testing_bursts
    where started_on > cast($as_of as timestamp)::date - cast($days as integer)
    group by currency
),
attempts as (
    select made.currency, greatest(made.attempts - coalesce(tested.attempts, 0), 0) as attempts
    from made
    left join tested on made.currency = tested.currency
),
symptoms as (select unnest($symptoms) as symptom),
failures as (
    select
        currency,
        case {cases} when decline_kind = 'technical' then 'processing_errors'
            else 'declined_cards' end as symptom,
        amount,
        recovered_at,
        -- A payment is at risk once, whatever its attempts: with what it failed of last.
        row_number() over (
            partition by coalesce(invoice_id, payment_intent_id, charge_id), currency
            order by occurred_at desc, charge_id desc
        ) = 1 as is_last
    from finance.payment_failures
    where occurred_at <= cast($as_of as timestamp)
        and occurred_at > cast($as_of as timestamp) - to_days(cast($days as integer))
        and not is_card_testing
)
select
    symptoms.symptom,
    attempts.currency,
    any_value(attempts.attempts) as attempts,
    count(failures.symptom) as failed,
    count(failures.symptom) filter (where failures.recovered_at is null and failures.is_last)
        as unrecovered,
    coalesce(
        sum(failures.amount) filter (where failures.recovered_at is null and failures.is_last), 0
    ) as at_risk
from attempts
cross join symptoms
left join failures on attempts.currency = failures.currency and symptoms.symptom = failures.symptom
group by all
order by all
"""
BREAKS = """
select kind, currency, count(*) as breaks, sum(abs(amount)) as amount,
    bool_or(severity in ('blocking', 'high', 'critical')) as severe, min(first_seen_on) as since,
    any_value(action) as action
from finance.reconciliation_breaks
group by kind, currency
order by kind, currency
"""


def symptom_case(limits: Thresholds) -> str:
    """The `when … then …` branches that give a decline code its symptom."""
    return " ".join(
        "when decline_code in ({}) then '{}'".format(", ".join(f"'{c}'" for c in codes), symptom)
        for symptom, codes in limits.decline_codes.items()
    )


def observe_failures(night: Night) -> Observed:
    """Each symptom in each currency, over the last days up to the as-of: when the rate is high
    among enough attempts, or when the money at risk alone is much."""
    everything = thresholds(night.home)
    limits = everything.payments
    found = rows(
        night,
        FAILURES.format(cases=symptom_case(everything)),
        {
            "as_of": as_of(night),
            "days": limits.window_days,
            "symptoms": list(patterns()["transaction_failures"].symptoms),
        },
    )
    scopes, findings = set(), []
    for row in found:
        scope = f"payments:{row['symptom']}:{row['currency']}"
        enough = row["attempts"] >= limits.minimum_attempts
        rate = Decimal(row["failed"]) / Decimal(row["attempts"] or 1)
        amount = exact(night, Decimal(row["at_risk"]), row["currency"])
        much = over_revenue_impact(night, amount, row["currency"])
        if enough or much or row["failed"] == 0:  # too few attempts say nothing about a rate
            scopes.add(scope)
        if much or (enough and rate >= limits.open_at_rate):
            trigger = "revenue_impact" if much else None
            if enough and rate >= limits.critical_rate:
                trigger = "failure_rate_critical"
            findings.append(_failure(night, everything, row, scope, rate, amount, trigger))
    return Observed(
        frozenset({*scopes, *_over_by_time(night, limits.window_days, found)}), tuple(findings)
    )


def _over_by_time(night: Night, days: int, found: list[dict[str, Any]]) -> Iterator[str]:
    """Scopes of open incidents whose window is over: nobody pays in the currency any more, or so
    few that their rate says nothing, and what was seen lies before the window."""
    tried = {row["currency"] for row in found}
    since = (night.run.as_of - timedelta(days=days)).isoformat()
    for incident in unresolved(night.state):
        scope = str(incident["scope"])
        if not scope.startswith("payments:") or scope.count(":") != 2:
            continue
        if scope.rpartition(":")[2] not in tried or incident["last_seen_at"] <= since:
            yield scope


def _failure(
    night: Night,
    limits: Thresholds,
    row: dict[str, Any],
    scope: str,
    rate: Decimal,
    amount: Decimal,
    trigger: str | None,
) -> Finding:
    days, case = limits.payments.window_days, symptom_case(limits)
    return Finding(
        scope=scope,
        symptom=row["symptom"],
        subject=f"payments in {row['currency']}",
        detail=(
            f"{row['failed']} of {row['attempts']} attempts in {days} days failed"
            f" ({rate:.1%}); {row['unrecovered']} payments are not recovered"
        ),
        amount=amount,
        currency=row["currency"],
        trigger=trigger,
        rows=(
            f"select * from finance.payment_failures where currency = {quoted(row['currency'])}"
            f" and (case {case} when decline_kind = 'technical' then 'processing_errors'"
            f" else 'declined_cards' end) = {quoted(row['symptom'])} and recovered_at is null"
            " and not is_card_testing"
            f" and occurred_at <= timestamp {quoted(as_of(night))} and occurred_at >"
            f" timestamp {quoted(as_of(night))} - interval {days} day"
            " order by amount desc"
        ),
        evidence={"failed": row["failed"], "attempts": row["attempts"], "rate": f"{rate:.6f}"},
    )


def observe_breaks(night: Night) -> Observed:
    """Each kind of reconciliation break in each currency."""
    findings = []
    for row in rows(night, BREAKS):
        amount = exact(night, Decimal(row["amount"] or 0), row["currency"])
        over = over_revenue_impact(night, amount, row["currency"])
        findings.append(
            Finding(
                scope="breaks",
                symptom="processing_errors",
                **own_id(night.home.project, "breaks"),
                subject=f"{row['kind']} in {row['currency']}",
                detail=f"{row['kind'].replace('_', ' ')}: {row['breaks']}, since {row['since']}",
                amount=amount,
                currency=row["currency"],
                compliance_risk="medium" if row["severe"] else "low",
                action=row["action"],
                trigger="revenue_impact" if over else None,
                rows=(
                    "select * from finance.reconciliation_breaks where"
                    f" kind = {quoted(row['kind'])} and currency = {quoted(row['currency'])}"
                    " order by abs(amount) desc"
                ),
                evidence={"breaks": row["breaks"], "since": str(row["since"])},
            )
        )
    return Observed(frozenset({"breaks"}), tuple(findings))
