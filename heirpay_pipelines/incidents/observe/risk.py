"""Risk: the card networks' programmes, decline codes nobody knows, disputes left unanswered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from heirpay_pipelines.duck import quoted
from heirpay_pipelines.incidents.facts import Finding, Night, Observed
from heirpay_pipelines.incidents.patterns import own_id
from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.incidents.warehouse import as_of, exact, over_revenue_impact, rows

PROGRAMMES = """
select * from finance.risk_programmes
where month = (select max(month) from finance.risk_programmes
    where month <= cast($as_of as timestamp)::date)
order by programme
"""
UNKNOWN_CODES = """
select decline_code, currency, count(*) as failed, sum(amount) as amount
from finance.payment_failures
where not is_known_code and not is_card_testing
    and occurred_at <= cast($as_of as timestamp)
    and occurred_at > cast($as_of as timestamp) - to_days(cast($days as integer))
group by decline_code, currency
order by decline_code, currency
"""
DISPUTES = """
select currency, count(*) as disputes, sum(amount) as amount, min(evidence_due_at) as due
from finance.disputes
where outcome in ('open', 'inquiry') and not has_evidence
    and evidence_due_at <= cast($as_of as timestamp) + to_days(cast($days as integer))
group by currency
order by currency
"""


def observe_programmes(night: Night) -> Observed:
    """Each monitoring programme that is exceeded, or will be if the month goes on like this."""
    found = rows(night, PROGRAMMES, {"as_of": as_of(night)})
    findings = tuple(
        _programme(night, row) for row in found if row["is_exceeded"] or row["is_forecast_exceeded"]
    )
    # What cannot be told resolves nothing.
    told = not any(row["is_exceeded"] is None for row in found)
    return Observed(frozenset({"risk:programmes"} if told else ()), findings)


def _programme(night: Night, row: dict[str, Any]) -> Finding:
    state = "exceeded" if row["is_exceeded"] else "forecast to be exceeded at the month's end"
    cases = f"{row['cases']} cases" + (
        f" (forecast {row['forecast_cases']})" if not row["is_exceeded"] else ""
    )
    if row["cases"] is None:
        cases = "by disputes alone, for the key may not read early fraud warnings"
    measured = "" if row["ratio"] is None else f", ratio {row['ratio']:.2%}"
    name = str(row["programme"]).replace("'", "''")
    return Finding(
        scope="risk:programmes",
        symptom="failed_control",
        **own_id(night.home.project, "programmes"),
        subject=f"{row['network'].capitalize()} {row['programme']}",
        detail=f"The programme's threshold is {state}: {cases}{measured}"
        f" against {row['ratio_threshold']:.2%}",
        amount=Decimal(row["cases_usd"] or 0),
        currency="usd" if row["cases_usd"] else None,
        compliance_risk="high" if row["is_exceeded"] else "medium",
        clause=f"{row['network'].capitalize()} {row['programme']}",
        action="Find what the cases have in common (finance.disputes, early fraud warnings), stop"
        " it with a rule or by refunding early, and agree a plan with the acquirer.",
        rows=(
            f"select * from finance.risk_programmes where programme = {quoted(name)}"
            " order by month desc"
        ),
        evidence={
            "severity": "warning",
            **{name: str(row[name]) for name in ("cases", "payments", "ratio", "forecast_cases")},
        },
    )


def observe_unknown_codes(night: Night) -> Observed:
    """Decline codes that no list knows: such a payment is not retried until one does."""
    days = thresholds(night.home).payments.window_days
    found = rows(night, UNKNOWN_CODES, {"as_of": as_of(night), "days": days})
    return Observed(
        frozenset({"risk:unknown_codes"}), tuple(_unknown(night, days, row) for row in found)
    )


def _unknown(night: Night, days: int, row: dict[str, Any]) -> Finding:
    amount = exact(night, Decimal(row["amount"]), row["currency"])
    return Finding(
        scope="risk:unknown_codes",
        symptom="declined_cards",
        **own_id(night.home.project, "unknown_codes"),
        subject=f"unknown decline code {row['decline_code']} in {row['currency']}",
        detail=f"{row['failed']} payments of {days} days failed with a code that no list knows;"
        " they are not retried",
        amount=amount,
        currency=row["currency"],
        trigger=_over(night, amount, row["currency"]),
        action="Look the code up in Stripe's documentation and add it to the seed decline_codes.",
        rows=(
            f"select * from finance.payment_failures where decline_code = "
            f"{quoted(row['decline_code'])}"
            f" and currency = {quoted(row['currency'])} order by occurred_at desc"
        ),
        evidence={"failed": row["failed"]},
    )


def observe_disputes(night: Night) -> Observed:
    """Disputes without evidence whose deadline is near: what is not answered is lost."""
    days = thresholds(night.home).disputes.due_within_days
    found = rows(night, DISPUTES, {"as_of": as_of(night), "days": days})
    return Observed(
        frozenset({"risk:disputes"}), tuple(_disputes(night, days, row) for row in found)
    )


def _disputes(night: Night, days: int, row: dict[str, Any]) -> Finding:
    amount = exact(night, Decimal(row["amount"]), row["currency"])
    return Finding(
        scope="risk:disputes",
        symptom="processing_errors",
        **own_id(night.home.project, "disputes"),
        subject=f"disputes without evidence in {row['currency']}",
        detail=f"{row['disputes']} disputes are due within {days} days or overdue without evidence,"
        f" the first on {row['due']:%Y-%m-%d}",
        amount=amount,
        currency=row["currency"],
        trigger=_over(night, amount, row["currency"]),
        action="Submit evidence or accept each dispute in Stripe before its deadline.",
        rows=(
            "select * from finance.disputes where outcome in ('open', 'inquiry')"
            f" and not has_evidence and currency = {quoted(row['currency'])}"
            f" and evidence_due_at <= timestamp {quoted(as_of(night))} + interval {days} day"
            " order by evidence_due_at"
        ),
        evidence={"disputes": row["disputes"]},
    )


def _over(night: Night, amount: Decimal, currency: str) -> str | None:
    return "revenue_impact" if over_revenue_impact(night, amount, currency) else None
