"""A chart of any small table: rows say x and y and, where there are several, series or panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import altair as alt

from heirpay_pipelines.report.charts import NAMED, SERIES, SERIES_COLOURS, WIDTH, draw, inline

Row = Mapping[str, Any]
Mark = Literal["bar", "line"]
Unit = Literal["number", "percent"]
PANELS, NAMES = 4, 15
"""At most so many charts under each other, and so many names on an axis: the largest."""
TICKS = 5


def plain_chart(rows: Sequence[Row], mark: Mark = "bar", unit: Unit = "number") -> str:
    """SVG of rows with `x` (date or text), `y` and perhaps `series` and `panel`, as text.

    Dates lie on the horizontal axis; names are bars from the largest down. What is beyond the
    largest panels, names and series is left out or called `other`.
    """
    weights = _weights(rows, "panel")
    panels = list(weights)[:PANELS]
    drawn = [
        _panel([row for row in rows if row.get("panel") == panel], panel, mark, unit, len(panels))
        for panel in panels
    ]
    return draw(alt.vconcat(*drawn, spacing=18), None)


def _panel(rows: Sequence[Row], panel: str | None, mark: Mark, unit: Unit, panels: int) -> Any:
    series = list(_weights(rows, "series"))
    kept = series if len(series) <= SERIES else series[: SERIES - 1]
    data = [
        {
            "x": row["x"].isoformat() if isinstance(row["x"], date) else str(row["x"]),
            "series": _name(row.get("series"), kept),
            # Positions only: a chart shows no exact amount.
            "y": float(row["y"]),
        }
        for row in rows
        if row["y"] is not None and row["x"] is not None
    ]
    is_named = mark == "bar" and not all(isinstance(row["x"], date) for row in rows)
    chart = _by_name(data, unit) if is_named else _over_time(data, rows, mark, unit)
    order = [*kept, *(["other"] if len(series) > len(kept) else [])]
    if len(order) > 1:
        chart = chart.encode(
            color=alt.Color(
                "series:N",
                title=None,
                sort=order,
                scale=alt.Scale(domain=order, range=SERIES_COLOURS[: len(order)]),
                legend=alt.Legend(labelExpr="replace(datum.label, /_/g, ' ')"),
            )
        )
    if panel is not None:
        title = alt.TitleParams(panel.upper(), anchor="start", fontSize=12, offset=6)
        chart = chart.properties(title=title)
    return chart if is_named else chart.properties(height=200 if panels == 1 else 110)


def _by_name(data: list[dict[str, Any]], unit: Unit) -> Any:
    names = list(_weights(data, "x"))[:NAMES]
    axis = alt.Axis(labelLimit=240, ticks=False, domain=False, labelPadding=8, grid=False)
    return (
        alt.Chart(inline([row for row in data if row["x"] in names]))
        .mark_bar(color=SERIES_COLOURS[0], height=13)
        .encode(
            y=alt.Y("x:N", title=None, sort=names, axis=axis),
            x=alt.X("sum(y):Q", title=None, axis=_values(unit, data)),
        )
        .properties(width=WIDTH - 210, height=22 * max(len(names), 1))
    )


def _over_time(data: list[dict[str, Any]], rows: Sequence[Row], mark: Mark, unit: Unit) -> Any:
    days = [row["x"] for row in rows if isinstance(row["x"], date)]
    if not days:
        x = alt.X("x:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False))
    elif all(day.day == 1 for day in days):
        label = "utcFormat(toDate(datum.value), '%b %y')"
        x = alt.X(
            "x:O",
            title=None,
            axis=alt.Axis(labelExpr=label, labelAngle=0, labelOverlap=True, ticks=False),
        )
    else:
        axis = alt.Axis(format="%-d %b", tickCount=6, grid=False)
        x = alt.X("x:T", title=None, scale=alt.Scale(type="utc"), axis=axis)
    base = alt.Chart(inline(data))
    drawn = base.mark_line(strokeWidth=2) if mark == "line" else base.mark_bar()
    if mark == "bar" and days and not all(day.day == 1 for day in days):
        drawn = base.mark_bar(size=6)
    y = alt.Y("sum(y):Q" if mark == "bar" else "y:Q", title=None, axis=_values(unit, data))
    drawn = drawn.encode(x=x, y=y).properties(width=WIDTH)
    return drawn if mark == "line" else drawn.encode(color=alt.value(NAMED["s1"]))


def _values(unit: Unit, data: Sequence[Row]) -> alt.Axis:
    if unit == "number" and all(row["y"].is_integer() for row in data):
        top = int(max(_weights(data, "x").values(), default=0))
        is_small = top <= TICKS and all(row["y"] >= 0 for row in data)
        # Of a few, Vega's least step still leaves a half.
        values = list(range(top + 1)) if is_small else alt.Undefined
        return alt.Axis(
            format="~s", tickCount=TICKS, tickMinStep=1, values=values, domain=False, ticks=False
        )
    shown = "%" if unit == "percent" else "~s"
    return alt.Axis(format=shown, tickCount=TICKS, domain=False, ticks=False)


def _name(series: Any, kept: Sequence[Any]) -> str:
    return str(series) if series in kept else "other"


def _weights(rows: Sequence[Row], name: str) -> dict[Any, float]:
    """The values of a column, the one that weighs most first."""
    weights: dict[Any, float] = {}
    for row in rows:
        weights[row.get(name)] = weights.get(row.get(name), 0.0) + abs(float(row["y"] or 0))
    return dict(sorted(weights.items(), key=lambda item: (-item[1], str(item[0]))))
