"""`report.html`: the domain report on one page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from heirpay_pipelines.report import charts, money, sections
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.domain.coverage import coverage_fact
from heirpay_pipelines.report.domain.people import ROLES
from heirpay_pipelines.report.figures import Figure
from heirpay_pipelines.report.reading import Fact
from heirpay_pipelines.report.tables import Cell, Column, cells, shown_columns, tax_name, tone_of

INCIDENTS_SHOWN = 6  # at once; the others are one click away


@dataclass(frozen=True)
class Table:
    """A fact laid out for reading."""

    fact: Fact
    columns: tuple[Column, ...]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Chart:
    """A picture, the sentence that says what it shows, and the table behind it."""

    svg: str
    title: str
    sentence: str
    table: Table


def render(context: ReportContext, document: dict[str, Any], figures: list[Figure]) -> str:
    """The whole page. Text from the account is escaped; there is no script in it."""
    template = _templates().get_template("report.html.j2")
    return template.render(
        document=document,
        status=document["project_status"],
        figures=[shown_figure(context, figure) for figure in figures],
        charts=report_charts(context),
        tables=lambda name: table(context, context.fact(name)),
        coverage=table(context, coverage_fact(context)),
        incidents=sections.shown_incidents(context),
        shown_incidents=INCIDENTS_SHOWN,
        not_passed=[sections.shown_control(row) for row in controls.not_passed(context)],
        frameworks=sections.frameworks(context),
        roles=ROLES,
        ui=context.home.ui_url,
        data_docs=data_docs(context),
        style=_style(),
        paper=_palette(),
        money=context.money.text,
        calendar=context.calendar,
    )


def framework_pages(context: ReportContext, document: dict[str, Any]) -> dict[str, str]:
    """A page for each framework by its file name: every control with its clause, evidence and what
    to do."""
    template = _templates().get_template("framework.html.j2")
    every = sections.frameworks(context)
    return {
        f"{framework.key}.html": template.render(
            framework=framework,
            frameworks=every,
            document=document,
            status=document["project_status"],
            calendar=context.calendar,
            style=_style(),
            paper=_palette(),
        )
        for framework in every
    }


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("heirpay_pipelines.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=money.day,
        percent=money.percent,
        count=money.count,
        tone=tone_of,
        words=words,
        commands=commands,
    )
    return environment


def data_docs(context: ReportContext) -> str | None:
    """Where Great Expectations' pages of this run are, seen from the report; None without any."""
    folder = context.home.report_folder(context.calendar.as_of_date)
    index = Path("data_docs") / "index.html"
    return str(index) if (folder / index).is_file() else None


def shown_figure(context: ReportContext, figure: Figure) -> dict[str, Any]:
    """A key figure as text for people."""

    def text(value: Any, *, sign: bool = False) -> str:
        if value is None:
            return "–"
        if figure.unit == "money":
            return context.money.text(value, context.reporting, sign=sign)
        if figure.unit == "rate":
            shown = money.percent(value)
            return f"+{shown}" if sign and value > 0 else shown
        return money.count(value, sign=sign)

    change = figure.change
    tone = "quiet"
    if change and figure.better != "neither":
        tone = "good" if (change > 0) == (figure.better == "up") else "bad"
    return {
        "figure": figure,
        "value": text(figure.value),
        "change": None if change is None else text(change, sign=True) if change else "no change",
        "before": text(figure.before),
        "tone": tone,
        "command": figure.fact.command,
        "explain": figure.explain,
    }


def table(context: ReportContext, fact: Fact) -> Table:
    """A fact as a table for people; frameworks in words."""
    readable = Fact(
        fact.name,
        fact.title,
        fact.asset,
        fact.query,
        tuple(_readable(row) for row in fact.rows),
        fact.missing,
    )
    return Table(readable, shown_columns(readable, context.reporting), cells(context, readable))


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    if "framework" in row:
        return {**row, "framework": controls.framework_name(row["framework"])}
    return row


def report_charts(context: ReportContext) -> dict[str, Chart | None]:
    """Every chart by its fact's name; None where there is nothing to draw."""
    made: dict[str, Chart | None] = dict.fromkeys(CHARTS)
    for name, draw in CHARTS.items():
        fact = context.fact(name)
        if fact.rows:
            svg, sentence = draw(context, fact)
            made[name] = Chart(svg, fact.title, sentence, table(context, fact))
    return made


def commands(text: str) -> Markup:
    """Text in which `a command` in backticks is set as code; everything is escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def words(value: Any) -> str:
    """`not_evaluated` → `not evaluated`."""
    return str(value).replace("_", " ")


def _mrr(context: ReportContext, fact: Fact) -> tuple[str, str]:
    known = [row for row in fact.rows if row["mrr_reporting"] is not None]
    months = sorted({row["month"] for row in known})
    if not months:
        return charts.mrr_chart(fact.rows, context.reporting), "No amount could be converted."

    def of(month: Any) -> str:
        total = sum(row["mrr_reporting"] for row in known if row["month"] == month)
        return context.money.text(total, context.reporting)

    sentence = (
        f"MRR was {of(months[0])} in {money.month(months[0])} "
        f"and is {of(months[-1])} in {money.month(months[-1])}."
    )
    return charts.mrr_chart(fact.rows, context.reporting), sentence


def _movements(context: ReportContext, fact: Fact) -> tuple[str, str]:
    total = sum(row["mrr_change_reporting"] or 0 for row in fact.rows)
    sentence = (
        f"Over the months shown, movements add up to "
        f"{context.money.text(total, context.reporting, sign=True)}."
    )
    return charts.movements_chart(fact.rows, context.reporting), sentence


def _revenue(context: ReportContext, fact: Fact) -> tuple[str, str]:
    totals: dict[str, Any] = {}
    for row in fact.rows:
        totals[row["currency"]] = totals.get(row["currency"], 0) + row["net_volume"]
    listed = ", ".join(context.money.text(value, name) for name, value in sorted(totals.items()))
    return charts.revenue_chart(fact.rows), f"Net volume over the days shown: {listed}."


def _tax(context: ReportContext, fact: Fact) -> tuple[str, str]:
    places: dict[str, Any] = {}
    for row in fact.rows:
        if row["tax_amount_reporting"]:
            place = " ".join(
                part for part in (row["country"], row["region"], tax_name(row["tax_type"])) if part
            )
            places[place] = places.get(place, 0) + row["tax_amount_reporting"]
    ranked = sorted(places.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        {
            "jurisdiction": place,
            "tax_amount_reporting": amount,
            "label": context.money.text(amount, context.reporting),
        }
        for place, amount in ranked
    ]
    first = f"Most tax arose in {ranked[0][0]}." if ranked else "No tax arose."
    return charts.tax_chart(rows, context.reporting), first


def _payouts(context: ReportContext, fact: Fact) -> tuple[str, str]:
    counts: dict[str, int] = {}
    for row in fact.rows:
        counts[row["status"]] = counts.get(row["status"], 0) + row["payouts"]
    listed = ", ".join(f"{number} {words(status)}" for status, number in sorted(counts.items()))
    return charts.payouts_chart(fact.rows), f"Payouts of thirteen weeks: {listed}."


def _controls(context: ReportContext, fact: Fact) -> tuple[str, str]:
    rows = [{**row, "framework": controls.framework_name(row["framework"])} for row in fact.rows]
    statement = controls.evidenced(controls.results(context))["statement"]
    return charts.controls_chart(rows), f"{statement}."


CHARTS: dict[str, Callable[[ReportContext, Fact], tuple[str, str]]] = {
    "mrr_by_month": _mrr,
    "movements_by_month": _movements,
    "revenue_days": _revenue,
    "tax_by_jurisdiction": _tax,
    "payouts_by_week": _payouts,
    "controls_by_framework": _controls,
}


@cache
def _style() -> str:
    return files(__package__).joinpath("templates", "report.css").read_text(encoding="utf-8")


def _palette() -> str:
    return "".join(f"--chart-{name}:{colour};" for name, colour in charts.PALETTE.values())
