"""The report's charts, as static SVG that is legible in light, in dark and on paper.

Drawn by Vega-Lite offline (vl-convert). Colours are drawn as placeholders: `svg` turns them into
CSS variables for a page, `svg_to_png_data_uri` into the light palette for a picture. A chart shows
positions, so its numbers are floats; every number in text is a DECIMAL and comes from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import altair as alt
import vl_convert

Row = Mapping[str, Any]

WIDTH = 560
SIGNATURE = b"\x89PNG\r\n\x1a\n"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SERIES = 6

# placeholder: (CSS variable, its colour on paper). The page's style sheet has the dark ones.
PALETTE = {
    "#010001": ("ink", "#1c2430"),
    "#010002": ("muted", "#5d6876"),
    "#010003": ("grid", "#e3e7ec"),
    "#010004": ("good", "#4b8f73"),
    "#010005": ("bad", "#b8433a"),
    "#010006": ("warn", "#b9770e"),
    "#010007": ("quiet", "#a9b3bf"),
    "#010008": ("surface", "#ffffff"),
    "#020001": ("s1", "#2f5d8c"),
    "#020002": ("s2", "#5aa0a0"),
    "#020003": ("s3", "#c89b3c"),
    "#020004": ("s4", "#8a6ba1"),
    "#020005": ("s5", "#7c8896"),
    "#020006": ("s6", "#b5654a"),
}
NAMED = {name: placeholder for placeholder, (name, _) in PALETTE.items()}
SERIES_COLOURS = [NAMED[f"s{n}"] for n in range(1, SERIES + 1)]
STATUS_COLOURS = {
    "pass": "good",
    "reconciled": "good",
    "attested": "s1",
    "in_transit": "s1",
    "not_evaluated": "warn",
    "waived": "warn",
    "unreconciled": "warn",
    "fail": "bad",
    "failed": "bad",
    "not_applicable": "quiet",
}
MOVEMENT_COLOURS = {
    "new": "s1",
    "reactivation": "s2",
    "expansion": "good",
    "contraction": "s3",
    "churn": "bad",
}


def mrr_chart(rows: Sequence[Row], reporting_currency: str) -> str:
    """MRR by month, stacked by billing currency, in the reporting currency.

    Rows: month, currency, mrr_reporting (those without a rate are left out).
    """
    data = [
        {
            "month": _iso(row["month"]),
            "currency": row["currency"].upper(),
            "amount": float(row["mrr_reporting"]),
        }
        for row in rows
        if row["mrr_reporting"] is not None
    ]
    order = _by_weight(data, "currency", "amount")
    chart = (
        alt.Chart(inline(data))
        .mark_bar()
        .encode(
            x=_month_axis(),
            y=alt.Y("sum(amount):Q", title=None, axis=_money_axis()),
            color=_series("currency:N", order),
            order=alt.Order("rank:Q"),
        )
        .transform_calculate(rank=f"indexof({order}, datum.currency)")
        .properties(width=WIDTH, height=230)
    )
    return draw(chart, f"Amounts in {reporting_currency.upper()}")


def movements_chart(rows: Sequence[Row], reporting_currency: str) -> str:
    """MRR movements by month: gains above the line, losses below, the net as a mark.

    Rows: month, movement, mrr_change_reporting.
    """
    data = [
        {
            "month": _iso(row["month"]),
            "movement": row["movement"],
            "amount": float(row["mrr_change_reporting"]),
        }
        for row in rows
        if row["mrr_change_reporting"] is not None
    ]
    present = {row["movement"] for row in data}
    known = [name for name in MOVEMENT_COLOURS if name in present]
    base = alt.Chart(inline(data)).encode(x=_month_axis())
    bars = base.mark_bar().encode(
        y=alt.Y("sum(amount):Q", title=None, axis=_money_axis()),
        color=alt.Color(
            "movement:N",
            title=None,
            scale=alt.Scale(domain=known, range=[NAMED[MOVEMENT_COLOURS[name]] for name in known]),
            sort=known,
        ),
    )
    net = base.mark_tick(color=NAMED["ink"], thickness=2.5, size=26).encode(y="sum(amount):Q")
    zero = alt.Chart(inline([{"zero": 0}])).mark_rule(color=NAMED["muted"]).encode(y="zero:Q")
    return draw(
        (bars + zero + net).properties(width=WIDTH, height=230),
        f"Amounts in {reporting_currency.upper()}; the dark tick is the net",
    )


def revenue_chart(rows: Sequence[Row]) -> str:
    """Net volume by day, one panel for each settlement currency with its own scale.

    Rows: date, currency, net_volume.
    """
    data = [
        {"date": _iso(row["date"]), "currency": row["currency"], "net": float(row["net_volume"])}
        for row in rows
    ]
    currencies = _by_weight(data, "currency", "net")
    height = 230 if len(currencies) == 1 else 92
    panels = [
        _revenue_panel(currency, [row for row in data if row["currency"] == currency], height)
        for currency in currencies
    ]
    return draw(alt.vconcat(*panels, spacing=18), None)


def _revenue_panel(currency: str, data: list[dict[str, Any]], height: int) -> Any:
    return (
        alt.Chart(
            inline(data),
            title=alt.TitleParams(currency.upper(), anchor="start", fontSize=12, offset=6),
        )
        .mark_bar(size=6)
        .encode(
            x=alt.X(
                "date:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%-d %b", tickCount=6, grid=False),
            ),
            y=alt.Y("net:Q", title=None, axis=_money_axis(4)),
            color=alt.condition("datum.net < 0", alt.value(NAMED["bad"]), alt.value(NAMED["s1"])),
        )
        .properties(width=WIDTH, height=height)
    )


def tax_chart(rows: Sequence[Row], reporting_currency: str) -> str:
    """Tax by jurisdiction, largest first, at most fifteen.

    Rows: jurisdiction, tax_amount_reporting, label (the exact amount as text).
    """
    data = [
        {
            "place": row["jurisdiction"],
            "amount": float(row["tax_amount_reporting"]),
            "label": row["label"],
        }
        for row in rows
    ][:15]
    base = alt.Chart(inline(data)).encode(
        y=alt.Y(
            "place:N",
            sort=[row["place"] for row in data],
            title=None,
            axis=alt.Axis(labelLimit=180, ticks=False, domain=False, labelPadding=8),
        ),
        x=alt.X("amount:Q", title=None, axis=None),
    )
    bars = base.mark_bar(color=NAMED["s1"], height=14)
    labels = base.mark_text(align="left", dx=6, color=NAMED["ink"]).encode(text="label:N")
    chart = (bars + labels).properties(width=WIDTH - 150, height=24 * max(len(data), 1))
    return draw(chart, f"Amounts in {reporting_currency.upper()}")


def payouts_chart(rows: Sequence[Row]) -> str:
    """Payouts by week of arrival and state. Rows: week, status, payouts."""
    data = [
        {"week": _iso(row["week"]), "status": row["status"], "payouts": int(row["payouts"])}
        for row in rows
    ]
    chart = (
        alt.Chart(inline(data))
        .mark_bar()
        .encode(
            x=alt.X(
                "week:O",
                title=None,
                axis=alt.Axis(
                    labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
                    labelAngle=0,
                    ticks=False,
                    labelOverlap=True,
                ),
            ),
            y=alt.Y(
                "sum(payouts):Q",
                title=None,
                axis=alt.Axis(format="d", tickMinStep=1, tickCount=5, domain=False, ticks=False),
            ),
            color=_status("status", data),
        )
        .properties(width=WIDTH, height=200)
    )
    return draw(chart, "Number of payouts")


def controls_chart(rows: Sequence[Row]) -> str:
    """Control results by framework, with the number in each bar. Rows: framework, status,
    controls."""
    data = [
        {"framework": row["framework"], "status": row["status"], "controls": int(row["controls"])}
        for row in rows
    ]
    base = alt.Chart(inline(data)).encode(
        y=alt.Y(
            "framework:N",
            title=None,
            axis=alt.Axis(labelLimit=200, ticks=False, domain=False, labelPadding=8),
        ),
        x=alt.X("controls:Q", stack="zero", title=None, axis=None),
        order=alt.Order("rank:Q"),
    )
    bars = base.mark_bar(height=20).encode(color=_status("status", data))
    labels = base.mark_text(color=NAMED["surface"], fontWeight="bold").encode(
        x=alt.X("controls:Q", stack="zero", bandPosition=0.5), text="controls:Q"
    )
    height = 32 * max(len({row["framework"] for row in data}), 1)
    ranked = (bars + labels).transform_calculate(
        rank=f"indexof({list(STATUS_COLOURS)}, datum.status)"
    )
    return draw(ranked.properties(width=WIDTH - 130, height=height), "Number of controls")


def svg_to_png_data_uri(svg: str, scale: float = 2.0) -> str:
    """A chart of this module as a PNG data URI on white, for Dagster's Markdown."""
    png = smaller(vl_convert.svg_to_png(on_white(svg), scale=scale))
    return "data:image/png;base64," + base64.b64encode(png).decode()


def on_white(svg: str) -> str:
    """A chart of this module as an image that is shown alone: on white, in its own colours."""
    for name, colour in PALETTE.values():
        svg = svg.replace(f"var(--chart-{name})", colour)
    return svg.replace("<g", '<rect width="100%" height="100%" fill="#ffffff"/><g', 1)


def smaller(png: bytes) -> bytes:
    """The same picture, packed as tightly as PNG allows: Dagster keeps each of them three times,
    for every night. https://www.w3.org/TR/png-3/#5DataRep"""
    chunks, at = [], len(SIGNATURE)
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : end - 4]))
        at = end
    packed = zlib.compress(zlib.decompress(b"".join(d for k, d in chunks if k == b"IDAT")), 9)
    kept = [(kind, data) for kind, data in chunks if kind not in (b"IDAT", b"IEND")]
    return SIGNATURE + b"".join(_chunk(*c) for c in [*kept, (b"IDAT", packed), (b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = zlib.crc32(kind + data).to_bytes(4)
    return len(data).to_bytes(4) + kind + data + checked


def draw(chart: Any, caption: str | None) -> str:
    """The chart as responsive SVG with CSS variables for colours; hidden from screen readers,
    for which the page has a sentence and a table."""
    if caption:
        chart = chart.properties(
            title=alt.TitleParams(
                caption,
                anchor="start",
                fontSize=11,
                fontWeight="normal",
                offset=8,
                color=NAMED["muted"],
                frame="bounds",
            )
        )
    drawn = vl_convert.vegalite_to_svg(chart.configure(**_config()).to_dict())
    for placeholder, (name, _) in PALETTE.items():
        drawn = re.sub(placeholder, f"var(--chart-{name})", drawn, flags=re.IGNORECASE)
    # Ids of clip paths repeat from chart to chart; on one page they must not.
    salt = hashlib.sha256(drawn.encode()).hexdigest()[:8]
    salt = f"c{salt}"
    drawn = re.sub(r'(id="|url\(#)(clip|gradient)', rf"\1{salt}\2", drawn)
    return re.sub(
        r'^<svg ([^>]*?)width="(\d+)" height="\d+"',
        r'<svg aria-hidden="true" focusable="false" style="max-width:\2px" \1',
        drawn,
    )


def _config() -> dict[str, Any]:
    text = {"font": FONT, "fontSize": 11}
    return {
        "background": "transparent",
        "font": FONT,
        "view": alt.ViewConfig(stroke=None),
        "scale": alt.ScaleConfig(bandPaddingInner=0.35, bandPaddingOuter=0.2),
        "axis": alt.AxisConfig(
            labelColor=NAMED["muted"],
            labelFontSize=11,
            gridColor=NAMED["grid"],
            domainColor=NAMED["quiet"],
            tickColor=NAMED["quiet"],
        ),
        "legend": alt.LegendConfig(
            orient="top",
            labelColor=NAMED["ink"],
            labelFontSize=11,
            symbolType="square",
            symbolSize=90,
            columnPadding=16,
            offset=8,
        ),
        "title": alt.TitleConfig(color=NAMED["ink"], font=FONT),
        "text": alt.MarkConfig(**cast("Any", text)),
    }


def inline(rows: list[dict[str, Any]]) -> Any:
    """Rows inside the chart itself: it needs nothing else to be drawn."""
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _month_axis() -> alt.X:
    """One place for each month: `Oct`, with the year under the first and every January."""
    month = "utcFormat(toDate(datum.value), '%b')"
    year = "utcFormat(toDate(datum.value), '%Y')"
    with_year = f"datum.index === 0 || {month} === 'Jan'"
    return alt.X(
        "month:O",
        title=None,
        axis=alt.Axis(
            labelExpr=f"{with_year} ? [{month}, {year}] : {month}", labelAngle=0, ticks=False
        ),
    )


def _money_axis(ticks: int = 5) -> alt.Axis:
    return alt.Axis(format="~s", tickCount=ticks, domain=False, ticks=False)


def _series(field: str, order: Sequence[str]) -> alt.Color:
    colours = [SERIES_COLOURS[n % SERIES] for n in range(len(order))]
    return alt.Color(
        field, title=None, sort=list(order), scale=alt.Scale(domain=list(order), range=colours)
    )


def _status(field: str, data: Sequence[Row]) -> alt.Color:
    present = {row[field] for row in data}
    order = [name for name in STATUS_COLOURS if name in present]
    order += sorted(present - set(order))
    colours = [NAMED[STATUS_COLOURS.get(name, "quiet")] for name in order]
    return alt.Color(
        f"{field}:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order, range=colours),
        legend=alt.Legend(labelExpr="replace(datum.label, '_', ' ')"),
    )


def _by_weight(data: Iterable[Row], name: str, amount: str) -> list[str]:
    weight: dict[str, float] = {}
    for row in data:
        weight[row[name]] = weight.get(row[name], 0.0) + abs(row[amount])
    return sorted(weight, key=lambda key: (-weight[key], key))


def _iso(value: date | str) -> str:
    return value if isinstance(value, str) else value.isoformat()
