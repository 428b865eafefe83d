"""A chart for every mart in Dagster, drawn from a build before it is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict

from heirpay_pipelines.controls.results import ControlResult
from heirpay_pipelines.report.charts import controls_chart, svg_to_png_data_uri
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain.controls import framework_name
from heirpay_pipelines.report.page import CHARTS
from heirpay_pipelines.report.plain_chart import Mark, Unit, plain_chart
from heirpay_pipelines.report.reading import Reader, parameters_of
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings

MARTS = ("finance", "compliance", "operations")
# Marts that the report draws: its chart, with its sentence.
CHART_OF = {
    "finance.mrr_monthly": "mrr_by_month",
    "finance.mrr_movements": "movements_by_month",
    "finance.daily_revenue": "revenue_days",
    "finance.tax_summary": "tax_by_jurisdiction",
    "finance.payout_reconciliation": "payouts_by_week",
}


class MartChart(BaseModel):
    """One entry of mart_charts.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    sql: str
    mark: Mark = "bar"
    unit: Unit = "number"


@cache
def declared_charts() -> dict[str, MartChart]:
    """By table, like `finance.disputes`."""
    text = files(__package__).joinpath("mart_charts.yaml").read_text(encoding="utf-8")
    return {table: MartChart(**entry) for table, entry in yaml.safe_load(text).items()}


class MartCharts:
    """Draws the charts of one build, one table at a time.

    With an encryption key it draws none: Dagster keeps them in its own storage, which is not
    encrypted.
    """

    def __init__(self, settings: Settings, run: RunFacts, build: duckdb.DuckDBPyConnection) -> None:
        reader = Reader(build, parameters_of(settings, run), True)
        self.context = ReportContext(settings, run, reader)
        self.build = build
        self.is_sealed = settings.key is not None

    def chart(self, table: str) -> str | None:
        """Markdown with the chart of a mart like `finance.disputes` and the command that shows its
        rows; without rows it says so. None for a table that is no mart."""
        if table.split(".")[0] not in MARTS:
            return None
        if self.is_sealed:
            return f'Not drawn, as files are encrypted here: `heirpay query "from {table}"`'
        title, svg, below = self.draw(table)
        if svg is None:
            return f"**{title}**: no rows, so there is nothing to draw."
        return _markdown(title, svg, below)

    def draw(self, table: str) -> tuple[str, str | None, str]:
        """A mart's title, its chart as SVG (None without rows), and what is said below it."""
        if table in CHART_OF:
            fact = self.context.fact(CHART_OF[table])
            if not fact.rows:
                return fact.title, None, ""
            drawn, sentence = CHARTS[CHART_OF[table]](self.context, fact)
            return fact.title, drawn, f"{sentence}\n\n`{fact.command}`"
        chart = declared_charts().get(table) or self._rows_by_month(table)
        rows = self._rows(chart.sql)
        svg = plain_chart(rows, chart.mark, chart.unit) if rows else None
        return chart.title, svg, f'`heirpay query "from {table}"`'

    def _rows_by_month(self, table: str) -> MartChart:
        """For a mart that declares no chart: its rows by month of its first date, or by its first
        column."""
        columns = self.build.execute(
            "select column_name, data_type from duckdb_columns() where schema_name || '.' ||"
            " table_name = ? order by data_type not in ('DATE', 'TIMESTAMP'), column_index",
            [table],
        ).fetchall()
        name, kind = columns[0]
        x = f"date_trunc('month', {name})::date" if kind in ("DATE", "TIMESTAMP") else name
        sql = f"select {x} as x, count(*) as y from {table} group by all"
        return MartChart(title=f"Rows by {name.replace('_', ' ')}", sql=sql)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        cursor = self.build.execute(f"select * from ({sql}) where y is not null order by all")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def controls_by_framework(results: Sequence[ControlResult]) -> str:
    """Markdown with the report's chart of a run's control results."""
    counted = Counter((result.framework, result.status) for result in results)
    rows = [
        {"framework": framework_name(framework), "status": status, "controls": count}
        for (framework, status), count in sorted(counted.items())
    ]
    return _markdown("Controls by framework", controls_chart(rows), "`heirpay controls list`")


def _markdown(title: str, svg: str, below: str) -> str:
    return f"**{title}**\n\n![{title}]({svg_to_png_data_uri(svg, scale=1.0)})\n\n{below}"
