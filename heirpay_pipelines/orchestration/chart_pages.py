"""The chart of each published mart as an image, behind the guard of Dagster's web UI: the marts'
descriptions show it. It is drawn when it is asked for, from the published file as it is then, so a
refused night's figures are in none.
"""

from __future__ import annotations

import re
from html import escape
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from heirpay_pipelines.duck import connect
from heirpay_pipelines.orchestration.figures import mart_charts, published_run
from heirpay_pipelines.settings import Settings

ROOT, SUFFIX = "/heirpay/charts/", ".svg"
CHARTED = ("finance", "compliance", "operations")
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
}
SHOWN_HEIGHT, PANELS_HEIGHT = 215, 400
"""The UI shows so many pixels of a description without a click; a chart of several panels, which
is higher, is not made smaller."""
SIZE = re.compile(r'^<svg ([^>]*)style="max-width:(\d+)px"([^>]*)viewBox="0 0 \d+ (\d+)"')
MARTS = """
select 1 from duckdb_tables() where schema_name in ? and schema_name || '.' || table_name = ?
"""
WORDS = """<svg xmlns="http://www.w3.org/2000/svg" width="560" height="40">
<text x="4" y="25" font-family="sans-serif" font-size="14" fill="#555">{}</text></svg>"""


def chart_of(schema: str, table: str) -> str:
    """Markdown that shows the chart of a published mart; empty for any other table."""
    if schema not in CHARTED:
        return ""
    return f"![What is published, drawn by `heirpay ui`]({ROOT}{schema}.{table}{SUFFIX})"


class ChartPages:
    """ASGI middleware: charts below `ROOT`, everything else is the application's."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._drawn: dict[str, str] = {}
        self._drawn_from: tuple[int, int] | None = None
        self._one_at_a_time = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        table = scope["path"].removeprefix(ROOT).removesuffix(SUFFIX)
        answer: Response = PlainTextResponse("there is no such chart", 404)
        if scope["method"] in ("GET", "HEAD"):
            svg = await run_in_threadpool(self.svg, table)
            if svg is not None:
                answer = Response(svg, 200, HEADERS, "image/svg+xml")
        await answer(scope, receive, send)

    def svg(self, table: str) -> str | None:
        """The chart of a mart like `finance.disputes` as it is published now, or words that say why
        there is none; None where there is no such mart."""
        with self._one_at_a_time:
            try:
                found = self._settings.warehouse.stat()
            except FileNotFoundError:
                return _words("Nothing is published yet.")
            if self._drawn_from != (found.st_ino, found.st_mtime_ns):
                self._drawn, self._drawn_from = {}, (found.st_ino, found.st_mtime_ns)
            if table not in self._drawn:
                svg = self._draw(table)
                if svg is None:
                    return None
                self._drawn[table] = svg
            return self._drawn[table]

    def _draw(self, table: str) -> str | None:
        from heirpay_pipelines.report.charts import on_white  # takes a second to import

        settings = self._settings
        try:
            with connect(settings.warehouse, settings.key, read_only=True) as connection:
                known = connection.execute(MARTS, [list(CHARTED), table]).fetchone()
                run = published_run(connection)
                if known is None or run is None:
                    return None
                title, svg, _ = mart_charts(settings, run, connection).draw(table)
        except Exception:  # noqa: BLE001 - drawn for people: the page is shown without it
            return _words("The chart could not be drawn: `heirpay doctor --data` may say why.")
        return _sized(on_white(svg)) if svg else _words(f"{title}: no rows.")


def _sized(svg: str) -> str:
    """A responsive chart with a size of its own: the UI would make it as wide as the page."""

    def sized(found: re.Match[str]) -> str:
        width, height = int(found[2]), int(found[4])
        if SHOWN_HEIGHT < height < PANELS_HEIGHT:
            width, height = width * SHOWN_HEIGHT // height, SHOWN_HEIGHT
        view = f'viewBox="0 0 {found[2]} {found[4]}"'
        return f'<svg {found[1]}width="{width}" height="{height}"{found[3]}{view}'

    return SIZE.sub(sized, svg, count=1)


def _words(text: str) -> str:
    return WORDS.format(escape(text))
