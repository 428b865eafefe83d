"""The report's charts for the marts in Dagster, drawn from a build before it is published."""

from __future__ import annotations

import duckdb

from heirpay_pipelines.report.charts import svg_to_png_data_uri
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.page import CHARTS
from heirpay_pipelines.report.reading import Reader, parameters_of
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings

CHART_OF = {
    "mrr_monthly": "mrr_by_month",
    "mrr_movements": "movements_by_month",
    "daily_revenue": "revenue_days",
    "tax_summary": "tax_by_jurisdiction",
    "payout_reconciliation": "payouts_by_week",
}


def mart_charts(
    settings: Settings, run: RunFacts, build: duckdb.DuckDBPyConnection
) -> dict[str, str]:
    """Markdown with a chart and its sentence for each finance mart that has one and has rows.

    None with an encryption key: Dagster keeps them in its own storage, which is not encrypted.
    """
    if settings.key:
        return {}
    context = ReportContext(settings, run, Reader(build, parameters_of(settings, run), True))
    drawn = {}
    for table, name in CHART_OF.items():
        fact = context.fact(name)
        if fact.rows:
            svg, sentence = CHARTS[name](context, fact)
            uri = svg_to_png_data_uri(svg, scale=1.0)
            drawn[table] = f"![{fact.title}]({uri})\n\n{sentence}\n\n`{fact.command}`"
    return drawn
