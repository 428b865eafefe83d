"""The quality verdict that stands in front: six checks, approved only if all pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heirpay_pipelines.incidents.thresholds import thresholds
from heirpay_pipelines.report.context import ReportContext, ratio
from heirpay_pipelines.report.domain import controls

Belongs = Callable[[controls.Row], bool]


@dataclass(frozen=True)
class Measured:
    """What a fact says: holds, does not, or cannot be told (None)."""

    holds: bool | None
    evidence: str
    fix: str
    query: str


@dataclass(frozen=True)
class Check:
    """One of the six: the controls that belong to it and what else is measured."""

    key: str
    title: str
    belongs: Belongs
    measures: tuple[Callable[[ReportContext], Measured], ...] = ()


def quality_verdict(context: ReportContext) -> dict[str, Any]:
    """Each check with its evidence; `approved` only if all pass, otherwise the list of fixes."""
    judged = [_judge(context, check) for check in _checks()]
    fixes = [fix for check in judged for fix in check["fixes"]]
    approved = all(check["status"] == "pass" for check in judged)
    return {
        "verdict": "approved" if approved else "fixes_required",
        "checks": judged,
        # One control can stand in two checks; it is fixed once.
        "required_fixes": list({fix["fix"]: fix for fix in fixes}.values()),
    }


def _judge(context: ReportContext, check: Check) -> dict[str, Any]:
    rows = [row for row in controls.results(context) if check.belongs(row)]
    measured = [measure(context) for measure in check.measures]
    by_controls = controls.all_passed(rows)
    answers = [
        *([by_controls] if rows or not measured else []),
        *(found.holds for found in measured),
    ]
    failed = any(row["status"] == "fail" for row in rows) or False in [m.holds for m in measured]
    status = "fail" if failed else "pass" if all(answers) else "not_evaluated"
    evidence = [controls.evidenced(rows)["statement"]] if rows else ["no control looked at it"]
    evidence += [found.evidence for found in measured]
    return {
        "check": check.key,
        "title": check.title,
        "status": status,
        "evidence": "; ".join(evidence),
        "controls": [row["control_id"] for row in rows],
        "queries": sorted({found.query for found in measured}),
        "fixes": [
            {"fix": f"{row['title']}: {controls.what_to_do(row)}", "query": controls.query(row)}
            for row in rows
            if row["status"] not in (*controls.PASSED, "not_applicable")
        ]
        + [
            {"fix": found.fix, "query": found.query}
            for found in measured
            if found.holds is not True
        ]
        + (
            [
                {
                    "fix": f"No control of this run covers {check.title.lower()}: add one to the "
                    "register and run again.",
                    "query": context.fact("controls_all").command,
                }
            ]
            if not rows and not measured
            else []
        ),
    }


def _checks() -> tuple[Check, ...]:
    return (
        Check(
            "security_validation",
            "Security validation",
            lambda row: controls.is_evidence(row, "security"),
        ),
        Check("pci_audit", "PCI audit", lambda row: row["framework"] == "pci_dss"),
        Check(
            "payment_flow",
            "Payment flow",
            lambda row: controls.section_of(row) == "payment.processing.gateway",
            (_payments_succeed,),
        ),
        Check(
            "webhook_reliability",
            "Webhook reliability",
            lambda row: controls.section_of(row) == "payment.integration.webhooks",
            (_webhooks_arrive,),
        ),
        Check(
            "fraud_detection",
            "Fraud detection",
            lambda row: controls.section_of(row) == "payment.security.fraud",
            (_payments_scored, _warnings_handled, _no_burst, _risk_measured),
        ),
        Check(
            "financial_accuracy",
            "Financial accuracy",
            lambda row: row["framework"] == "finance",
            (_balance_agrees, _payouts_reconciled),
        ),
    )


def _payments_succeed(context: ReportContext) -> Measured:
    """Each flow that the account uses succeeded lately, more often than it failed."""
    fact = context.fact("flows_lately")
    bad = [row for row in fact.rows if row["succeeded"] <= row["failed"]]
    told = [
        f"{row['payment_flow']}: {int(row['succeeded']):,} of"
        f" {int(row['succeeded'] + row['failed']):,} succeeded"
        + ("" if row["succeeded"] else f", the last on {row['last_succeeded_on'] or 'no day'}")
        for row in fact.rows
    ]
    names = ", ".join(str(row["payment_flow"]) for row in bad)
    return Measured(
        None if fact.missing or not fact.rows else not bad,
        fact.missing or f"of the last 30 days, {'; '.join(told) or 'no payment'}",
        f"Find why payments fail or are no longer made: {names or 'no flow was used'}.",
        fact.command,
    )


def _webhooks_arrive(context: ReportContext) -> Measured:
    """The share of what should have come that came, and how much of it late, against the limits."""
    limits = thresholds(context.home).webhooks
    fact = context.fact("webhooks")
    row = fact.one()
    missing, awaited = row.get("missing"), int(row.get("awaited") or 0)
    late = int(row.get("late") or 0)
    received = int(row.get("delivered") or 0) + late
    due = int(row.get("events") or 0) - awaited
    arrived = ratio(received, due)
    share_late = ratio(late, received) or Decimal(0)
    holds = None
    if not fact.missing and arrived is not None and missing is not None:
        holds = arrived >= limits.arrived_share and share_late <= limits.late_share
    absent = "how many are missing cannot be told" if missing is None else f"{missing:,} missing"
    return Measured(
        holds,
        fact.missing
        or f"{received:,} of {due:,} events of seven days were delivered"
        f" ({_percent(arrived)}, at least {_percent(limits.arrived_share)}), {absent};"
        f" {late:,} came late ({_percent(share_late)}, at most {_percent(limits.late_share)})",
        "Start `heirpay receive`, register its address at Stripe, and find why events are missing"
        " or late.",
        fact.command,
    )


def _percent(share: Decimal | None) -> str:
    return "no share" if share is None else f"{share:.1%}"


def fraud_measures(context: ReportContext, level: str) -> list[Measured]:
    """What a level of protection against fraud rests on: `basic` scores and programmes, `standard`
    handled warnings too, `strict` no burst either."""
    measures = [_payments_scored, _risk_measured]
    measures += [_warnings_handled] if level != "basic" else []
    measures += [_no_burst] if level == "strict" else []
    return [measure(context) for measure in measures]


def _payments_scored(context: ReportContext) -> Measured:
    """Detection needs Radar's scores and its verdicts on card payments."""
    least = thresholds(context.home).fraud.scored_share
    fact = context.fact("fraud_inputs")
    row = fact.one()
    cards = int(row.get("card_payments") or 0)
    scored, judged = (
        ratio(int(row.get("scored") or 0), cards),
        ratio(int(row.get("judged") or 0), cards),
    )
    holds = None
    if not fact.missing and scored is not None and judged is not None:
        holds = scored >= least and judged >= least
    return Measured(
        holds,
        fact.missing
        or f"of {cards:,} card payments of 30 days {_percent(scored)} have a risk score and"
        f" {_percent(judged)} were judged by rules (at least {_percent(least)})",
        "See in Stripe's dashboard that Radar is on and that payments carry what it needs.",
        fact.command,
    )


def _warnings_handled(context: ReportContext) -> Measured:
    days = thresholds(context.home).fraud.warning_days
    fact = context.fact("warnings_waiting")
    row = fact.one()
    waiting, oldest = row.get("warnings"), row.get("oldest_days")
    return Measured(
        None if fact.missing or waiting is None else not waiting or int(oldest or 0) <= days,
        fact.missing
        or (
            "early fraud warnings could not be read"
            if waiting is None
            else f"{waiting:,} early fraud warnings wait, the oldest for {oldest or 0} days"
            f" (at most {days})"
        ),
        "Refund or answer the payments that early fraud warnings name.",
        fact.command,
    )


def _no_burst(context: ReportContext) -> Measured:
    fact = context.fact("bursts_lately")
    row = fact.one()
    bursts, attempts = int(row.get("bursts") or 0), int(row.get("attempts") or 0)
    return Measured(
        None if fact.missing else not bursts,
        fact.missing or f"{bursts:,} bursts of card testing in 7 days, {attempts:,} attempts",
        "Stop the card testing: a CAPTCHA or a limit on the payment page, and the proposed block"
        " list (`heirpay risk proposals list`).",
        fact.command,
    )


def _risk_measured(context: ReportContext) -> Measured:
    fact = context.fact("risk_programmes")
    exceeded = [row for row in fact.rows if row["is_exceeded"]]
    coming = [row for row in fact.rows if row["is_forecast_exceeded"] and not row["is_exceeded"]]
    unknown = sum(row["is_exceeded"] is None for row in fact.rows)
    untold = f", {unknown} cannot be told: the key may not read the warnings" if unknown else ""
    tells = bool(fact.rows) and (bool(exceeded) or not unknown)
    return Measured(
        None if fact.missing or not tells else not exceeded,
        fact.missing
        or f"{len(exceeded)} of {len(fact.rows)} network programmes exceeded, "
        f"{len(coming)} forecast to be{untold}",
        "Bring disputes and fraud below the network's threshold; without any measured ratio, "
        "build finance.risk_programmes.",
        fact.command,
    )


def _balance_agrees(context: ReportContext) -> Measured:
    fact = context.fact("balance")
    off = [row for row in fact.rows if row["difference"]]
    return Measured(
        None if fact.missing or not fact.rows else not off,
        fact.missing
        or f"{len(fact.rows) - len(off)} of {len(fact.rows)} currencies agree with Stripe",
        "Find the balance transactions that explain the difference from Stripe's balance.",
        fact.command,
    )


def _payouts_reconciled(context: ReportContext) -> Measured:
    fact = context.fact("payouts_by_state")
    bad = sum(row["payouts"] for row in fact.rows if row["status"] == "unreconciled")
    total = sum(row["payouts"] for row in fact.rows)
    unseen = sum(row["payouts"] for row in fact.rows if row["bank"].startswith("no statement"))
    apart = f"; no bank statement covers {unseen:,} of them" if unseen else ""
    return Measured(
        None if fact.missing or not total else bad == 0,
        fact.missing or f"{bad:,} of {total:,} payouts are not reconciled{apart}",
        "Work through the payouts that are not reconciled, with the bank's statement.",
        fact.command,
    )
