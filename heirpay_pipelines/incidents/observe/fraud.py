"""Card testing, failures out of the ordinary, programmes that are soon to be crossed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from heirpay_pipelines.duck import quoted
from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.patterns import own_id
from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.incidents.warehouse import (
    as_of,
    exact,
    in_reporting,
    over_revenue_impact,
    rows,
)

CARD_TESTING = "risk:card_testing"
BURSTS = """
select currency, count(*) as bursts, sum(attempts) as attempts, sum(cards) as cards,
    sum(succeeded) as succeeded, sum(amount_not_refunded) as amount, max(ended_at) as last_at
from finance.card_testing_bursts
where ended_at <= cast($as_of as timestamp)
    and ended_at > cast($as_of as timestamp) - to_days(cast($days as integer))
group by currency
order by currency
"""
# The newest day for which rates are known, if that is today or yesterday. Attempts of card testing
# are in none of these rates: the burst is their incident.
ANOMALIES = """
select * from finance.failure_rate_anomalies
where date > cast($as_of as timestamp)::date - 2
    and date <= cast($as_of as timestamp)::date
qualify row_number() over (partition by dimension, value order by date desc) = 1
order by dimension, value
"""
AT_RISK = """
select currency, sum(amount) as amount from ({rows}) as failed
where recovered_at is null group by currency order by currency
"""
FORECAST = """
select forecast.* from finance.risk_forecast as forecast
where crosses_on is not null and not exists (
    select 1 from finance.risk_programmes as programmes
    where programmes.programme = forecast.programme and programmes.month = forecast.month
        and (programmes.is_exceeded or programmes.is_forecast_exceeded)
)
order by programme
"""


def observe_card_testing(night: Night) -> Observed:
    """Card testing of the last days: one incident, whatever cards, brands, countries and currencies
    it tried. Its attempts count in no other."""
    days = thresholds(night.home).payments.window_days
    found = rows(night, BURSTS, {"as_of": as_of(night), "days": days})
    findings = (_testing(night, days, found),) if found else ()
    return Observed(frozenset({CARD_TESTING}), findings)


def _testing(night: Night, days: int, found: list[dict[str, Any]]) -> Finding:
    amounts = [
        (exact(night, Decimal(row["amount"] or 0), row["currency"]), str(row["currency"]))
        for row in found
    ]
    amount, currency = max(amounts, key=lambda item: in_reporting(night, *item) or Decimal(0))
    kept = ", ".join(f"{each:,f} {name.upper()}" for each, name in amounts if each) or "nothing"
    totals = {
        name: sum(int(row[name] or 0) for row in found)
        for name in ("bursts", "attempts", "cards", "succeeded")
    }
    last = max(row["last_at"] for row in found)
    return Finding(
        scope=CARD_TESTING,
        symptom="card_testing",
        subject="card testing",
        detail=f"{totals['bursts']} bursts in {days} days tried {totals['cards']} cards in"
        f" {totals['attempts']} attempts, of which {totals['succeeded']} succeeded; {kept} is not"
        f" refunded; the last {last:%Y-%m-%d %H:%M} UTC. None of these payments may be retried",
        amount=amount,
        currency=currency,
        every_currency=True,
        compliance_risk="medium",
        trigger=_over(night, amount, currency),
        action="Refund what succeeded, require a CAPTCHA or a limit on the payment page, and have"
        " the proposed block list approved (`heirpay risk proposals list`).",
        rows="select * from finance.card_testing_bursts order by started_at desc",
        evidence={name: totals[name] for name in ("bursts", "attempts", "cards")},
    )


def observe_anomalies(night: Night) -> Observed:
    """Failure rates that chance hardly explains, by method, brand, country and issuer."""
    found = rows(night, ANOMALIES, {"as_of": as_of(night)})
    return Observed(frozenset({"payments:anomalies"}), tuple(_anomaly(night, row) for row in found))


def _anomaly(night: Night, row: dict[str, Any]) -> Finding:
    day = quoted(str(row["date"]))
    query = (
        f"select * from finance.payment_failures where not is_card_testing and {row['dimension']} ="
        f" {quoted(str(row['value']))}"
        f" and occurred_on between date {day} - 6 and date {day}"
        " order by amount desc"
    )
    sums = [
        (exact(night, Decimal(each["amount"]), each["currency"]), str(each["currency"]))
        for each in rows(night, AT_RISK.format(rows=query))
    ]
    amount, currency = max(
        sums, key=lambda item: in_reporting(night, *item) or Decimal(0), default=(Decimal(0), None)
    )
    what = row["dimension"].replace("_", " ")
    return Finding(
        scope="payments:anomalies",
        symptom="declined_cards",
        **own_id(night.home.project, "anomalies"),
        subject=f"failures of {what} {row['value']}",
        detail=f"{row['failures']} of {row['attempts']} payments failed in the week to"
        f" {row['date']} ({row['failure_rate']:.1%}); {row['expected_failures']:.1f} are usual"
        f" (chi-square {row['chi_square']:.1f}, an anomaly from {row['chi_square_limit']:.1f} on)",
        amount=amount,
        currency=currency,
        trigger=_over(night, amount, currency) if currency else None,
        action="Compare decline codes of these payments with those before; ask the issuer or"
        " Stripe if one code stands out, look for a change of your own if none does.",
        rows=query,
        evidence={"failures": row["failures"], "attempts": row["attempts"]},
    )


def observe_forecast(night: Night) -> Observed:
    """Programmes that will be crossed next month at the present pace, and not yet this one."""
    found = rows(night, FORECAST)
    return Observed(frozenset({"risk:forecast"}), tuple(_forecast(night, row) for row in found))


def _forecast(night: Night, row: dict[str, Any]) -> Finding:
    name = f"{row['network'].capitalize()} {row['programme']}"
    cases = row["cases_in_28_days"]
    counted = "disputes alone, at the latest" if cases is None else f"{cases} cases"
    return Finding(
        scope="risk:forecast",
        symptom="failed_control",
        **own_id(night.home.project, "forecast"),
        subject=f"{name} forecast",
        detail=f"At the pace of the last 28 days ({counted}) the threshold is"
        f" crossed on {row['crosses_on']}, in {row['days_left']} days",
        compliance_risk="medium",
        clause=name,
        action="Find what the cases have in common and stop it before that day.",
        rows="select * from finance.risk_forecast order by crosses_on",
        evidence={"severity": "warning", "crosses_on": str(row["crosses_on"])},
    )


def _over(night: Night, amount: Decimal, currency: str) -> str | None:
    return "revenue_impact" if over_revenue_impact(night, amount, currency) else None
