"""The key figures, each with its change since the day before and what caused the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from heirpay_pipelines.report import money
from heirpay_pipelines.report.context import ReportContext, lacking, ratio, source, sum_of
from heirpay_pipelines.report.reading import Fact

Unit = Literal["money", "rate", "count"]
Cause = dict[str, Any]
CAUSES_SHOWN = 5
PARTS_SHOWN = 3  # the largest lines of the day follow them
CHANGES_SHOWN = 12


@dataclass(frozen=True)
class Figure:
    """One number. `better` says which direction is good news: up, down or neither."""

    key: str
    label: str
    unit: Unit
    fact: Fact
    value: Decimal | int | None = None
    before: Decimal | int | None = None
    better: Literal["up", "down", "neither"] = "neither"
    note: str = ""
    without: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    explain: str | None = None
    """The command that takes the figure apart, where there is one."""

    @property
    def change(self) -> Decimal | int | None:
        if self.value is None or self.before is None:
            return None
        return self.value - self.before


def key_figures(context: ReportContext) -> list[Figure]:
    """Every key figure in reading order; one whose table is missing has no value."""
    makers: tuple[Callable[[ReportContext], Figure], ...] = (
        _mrr,
        _net_new_mrr,
        _churn,
        _net_volume,
        _balance_difference,
        _open_breaks,
        _failed_controls,
        _disputes,
    )
    return [make(context) for make in makers]


def as_json(context: ReportContext, figure: Figure) -> dict[str, Any]:
    """A figure for report.json: exact decimal text, with its source and causes."""
    currency = context.reporting if figure.unit == "money" else None

    def text(value: Decimal | int | None) -> str | int | None:
        if value is None or isinstance(value, int):
            return value
        return context.money.plain(value, currency) if currency else f"{value:f}"

    return {
        "key": figure.key,
        "label": figure.label,
        "unit": figure.unit,
        "currency": currency,
        "value": text(figure.value),
        "before": text(figure.before),
        "change": text(figure.change),
        "better": figure.better,
        "note": figure.note,
        "without_currencies": list(figure.without),
        "not_available": figure.fact.missing,
        "causes": list(figure.causes),
        "explain": figure.explain,
        **source(figure.fact),
    }


def _mrr(context: ReportContext) -> Figure:
    fact = context.fact("mrr_now")
    base = Figure("mrr", "MRR", "money", fact, better="up", note="as of the report's instant")
    if fact.missing:
        return base
    value = sum_of(fact.rows, "mrr_reporting")
    change = sum_of(fact.rows, "change_reporting")
    return replace(
        base,
        value=value,
        before=value - change,
        without=lacking(fact.rows, "mrr_reporting"),
        causes=_movements(context, context.fact("movements_recent").rows, change),
        explain=_explain_mrr(context),
    )


def _net_new_mrr(context: ReportContext) -> Figure:
    fact = context.fact("movements_of_month")
    month = f"{context.calendar.month:%B}"
    base = Figure("net_new_mrr", f"Net new MRR, {month}", "money", fact, better="up")
    if fact.missing:
        return base
    value = sum_of(fact.rows, "mrr_change_reporting")
    change = sum_of(fact.rows, "change_since_reporting")
    return replace(
        base,
        value=value,
        before=value - change,
        without=lacking(fact.rows, "mrr_change_reporting"),
        note="new, won back and expanded, less contracted and lost",
        causes=_movements(context, _of_month(context), change),
        explain=_explain_mrr(context),
    )


def _churn(context: ReportContext) -> Figure:
    fact = context.fact("churn")
    month = f"{context.calendar.month:%B}"
    base = Figure("customer_churn_rate", f"Customer churn, {month}", "rate", fact, better="down")
    rows = [row for row in fact.rows if row["month"] == context.calendar.month]
    if fact.missing or not rows:
        return base
    churned = int(sum_of(rows, "customers_churned"))
    exposed = int(sum_of(rows, "customers_start") + sum_of(rows, "customers_new"))
    since = context.fact("churn_since").one().get("customers", 0)
    lost = [row for row in _of_month(context) if row["movement"] == "churn"]
    return replace(
        base,
        value=ratio(churned, exposed),
        before=ratio(churned - since, exposed),
        note=f"{churned} of {exposed} customers left",
        causes=_movements(context, lost, None),
    )


def _net_volume(context: ReportContext) -> Figure:
    fact = context.fact("revenue_two_days")
    on = f"{context.calendar.day.day} {context.calendar.day:%b}"
    base = Figure("net_volume", f"Net volume, {on}", "money", fact, better="up")
    if fact.missing or not fact.rows:
        return base
    now = context.total((row["currency"], row["amount"]) for row in fact.rows)
    before = context.total((row["currency"], row["amount_before"]) for row in fact.rows)
    changed = sorted(
        (
            (_converted(context, row["amount"] - row["amount_before"], row["currency"]), row)
            for row in fact.rows
            if row["amount"] != row["amount_before"]
        ),
        key=lambda pair: -abs(pair[0] or Decimal(0)),
    )
    parts = tuple(
        {
            "what": f"{row['part'].replace('_', ' ').capitalize()}, {row['currency'].upper()}",
            "object_id": None,
            "detail": f"{context.money.text(row['amount_before'], row['currency'])} → "
            f"{context.money.text(row['amount'], row['currency'])}",
            **(context.amount(change, context.reporting) or {}),
        }
        for change, row in changed[:PARTS_SHOWN]
    )
    causes = _with_rest(context, parts, now.amount - before.amount, "Other parts and rounding")
    causes += tuple(_line(context, row) for row in context.fact("lines_of_day").rows)
    return replace(
        base,
        value=now.amount,
        before=before.amount,
        without=now.without,
        note="after refunds, disputes and fees",
        causes=causes,
        explain=f"heirpay explain journal --date {context.calendar.day}",
    )


def _balance_difference(context: ReportContext) -> Figure:
    fact = context.fact("balance")
    base = Figure("balance_difference", "Balance difference", "money", fact, better="down")
    if fact.missing or not fact.rows:
        return base
    off = [row for row in fact.rows if row["difference"]]
    now = context.total((row["currency"], abs(row["difference"])) for row in fact.rows)
    known = [row for row in fact.rows if row["difference_before"] is not None]
    before = context.total((row["currency"], abs(row["difference_before"])) for row in known)
    moved = [row for row in fact.rows if row["difference"] or row["difference_before"]]
    causes: tuple[Cause, ...] = tuple(
        {
            "what": "computed against Stripe's balance",
            "object_id": None,
            "detail": f"on {row['date']:%-d %b %Y}: "
            f"{context.money.text(row['closing_balance'], row['currency'])} against "
            f"{context.money.text(row['stripe_closing_balance'], row['currency'])}",
            **_amount(
                context,
                abs(row["difference"]) - abs(row["difference_before"] or 0),
                row["currency"],
            ),
        }
        for row in moved
    )
    if known:
        causes = _with_rest(context, causes, now.amount - before.amount, "Rounding")
    return replace(
        base,
        value=now.amount,
        before=before.amount if known else None,
        without=now.without,
        note=f"{len(off)} of {len(fact.rows)} currencies differ from Stripe",
        causes=causes,
    )


def _open_breaks(context: ReportContext) -> Figure:
    fact = context.fact("breaks_by_kind")
    base = Figure("open_breaks", "Open breaks", "count", fact, better="down")
    if fact.missing:
        return base
    value = sum(row["breaks"] for row in fact.rows)
    new = sum(int(row["new_breaks"]) for row in fact.rows)
    causes = tuple(
        {
            "what": f"{row['kind'].replace('_', ' ')}, new",
            "object_id": row["object_id"],
            "detail": row["detail"],
            **(context.amount(row["amount"], row["currency"]) or {}),
        }
        for row in context.fact("breaks").rows
        if row["first_seen_on"] >= context.calendar.day
    )
    note = f"{new} seen first since the day before"
    return replace(base, value=value, note=note, causes=causes, explain="heirpay breaks list")


def _failed_controls(context: ReportContext) -> Figure:
    fact = context.fact("controls_by_framework")
    failed = sum(row["controls"] for row in fact.rows if row["status"] == "fail")
    total = sum(row["controls"] for row in fact.rows)
    before = context.fact("controls_before").one().get("failed")
    changed = context.fact("controls_changed").rows
    causes: tuple[Cause, ...] = tuple(
        {
            "what": f"{(row['status_before'] or 'new').replace('_', ' ')} → "
            f"{row['status'].replace('_', ' ')}",
            "object_id": row["control_id"],
            "detail": row["title"] or "",
        }
        for row in changed[:CHANGES_SHOWN]
    )
    more = len(changed) - len(causes)
    if more:
        causes += ({"what": f"and {more} more", "object_id": None,
                    "detail": "the rest of the controls whose result changed"},)  # fmt: skip
    return Figure(
        "failed_controls",
        "Failed controls",
        "count",
        fact,
        value=failed if total else None,
        before=int(before) if before is not None else None,
        better="down",
        note=f"of {total} in this run",
        causes=causes,
    )


def _disputes(context: ReportContext) -> Figure:
    fact = context.fact("disputes_open")
    base = Figure("disputes_open", "Disputes to answer", "count", fact, better="down")
    if fact.missing:
        return base
    due = [row["days_left"] for row in fact.rows if row["days_left"] is not None]
    late = sum(1 for days in due if days < 0)
    coming = [days for days in due if days >= 0]
    note = f"next deadline in {money.days(min(coming))}" if coming else "no deadline ahead"
    if late:
        note += f"; {late} past its deadline"
    return replace(base, value=len(fact.rows), note=note)


def _explain_mrr(context: ReportContext) -> str:
    return f"heirpay explain mrr --month {context.calendar.as_of_date:%Y-%m}"


def _line(context: ReportContext, row: dict[str, Any]) -> Cause:
    """One of the largest lines of a day, with the command that takes it apart: no part of the
    change, so its amount stands in its words alone."""
    amount = context.money.text(row["amount"], row["currency"])
    return {
        "what": f"Among the largest of the day: {row['figure'].replace('_', ' ')}, net {amount}",
        "object_id": row["source_id"],
        "detail": row["explain"],
    }


def _of_month(context: ReportContext) -> list[dict[str, Any]]:
    return [
        row
        for row in context.fact("movements_recent").rows
        if row["occurred_on"].replace(day=1) == context.calendar.month
    ]


def _movements(
    context: ReportContext, rows: Iterable[dict[str, Any]], change: Decimal | None
) -> tuple[Cause, ...]:
    """The largest movements, in the reporting currency, and what is left of the change. Without a
    change in money (of a rate) they are no parts of it and have no amount."""
    causes: tuple[Cause, ...] = tuple(
        {
            "what": row["movement"].capitalize(),
            "object_id": row["customer_id"],
            "detail": f"{row['occurred_on']:%-d %b}: "
            f"{context.money.text(row['mrr_before'], row['currency'])} → "
            f"{context.money.text(row['mrr_after'], row['currency'])}",
            **(
                {}
                if change is None
                else context.amount(row["mrr_change_reporting"], context.reporting) or {}
            ),
        }
        for row in list(rows)[:CAUSES_SHOWN]
    )
    return causes if change is None else _with_rest(context, causes, change, "Other movements")


def _with_rest(
    context: ReportContext, causes: tuple[Cause, ...], change: Decimal, name: str
) -> tuple[Cause, ...]:
    """The parts of a change, and the rest under its own name: together they are the change."""
    rest = change - sum((Decimal(cause["amount"]) for cause in causes if cause.get("amount")), 0)
    if not rest:
        return causes
    what: Cause = {"what": name, "object_id": None, "detail": "the rest of the change"}
    return (*causes, what | (context.amount(rest, context.reporting) or {}))


def _converted(context: ReportContext, amount: Decimal, currency: str) -> Decimal | None:
    """An amount in the reporting currency; None where there is no rate."""
    total = context.total([(currency, amount)])
    return None if total.without else total.amount


def _amount(context: ReportContext, amount: Decimal, currency: str) -> dict[str, str | None]:
    return context.amount(_converted(context, amount, currency), context.reporting) or {}
