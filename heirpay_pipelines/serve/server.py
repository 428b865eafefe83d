"""The MCP server: what the Master Orchestrator, or any assistant, may ask and acknowledge.

It reads the published warehouse, the newest report and the incidents. It has no tool that changes
figures, and none that takes a path.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.home import Home
from heirpay_pipelines.incidents.by_hand import acknowledge
from heirpay_pipelines.incidents.details import decoded, details
from heirpay_pipelines.incidents.incidents import unresolved
from heirpay_pipelines.query.audit_record import record_query
from heirpay_pipelines.serve.allowed_sql import RefusedSqlError
from heirpay_pipelines.serve.bounded_sql import SqlBounds, open_locked, run_bounded
from heirpay_pipelines.serve.figures import dictionary, metric
from heirpay_pipelines.state import open_state

INSTRUCTIONS = """
HeirPay's published finance figures. Start with `report` (the verdict and what to do first), look a
figure up with `metrics` and `metric` (each comes with its definition), follow a difference with
`breaks`, a failure with `incidents` and `incident`. `query` runs one SELECT in DuckDB's dialect on
the published tables. Amounts are decimals in major units of the currency beside them: never add
amounts of different currencies.
"""
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
ACKNOWLEDGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
Limit = Annotated[int, Field(ge=1, le=1000, description="At most so many rows.")]
Currency = Annotated[str | None, Field(pattern="^[a-z]{3}$", description="ISO 4217, lower case.")]
BREAKS = """
select * from finance.reconciliation_breaks
where ($kind is null or kind = $kind) and ($currency is null or currency = $currency)
order by abs(amount) desc, break_id
"""


def build_server(home: Home, bounds: SqlBounds | None = None) -> MCPServer[Any]:
    """The server with its tools, over one installation."""
    server: MCPServer[Any] = MCPServer(
        "heirpay",
        title="HeirPay Pipelines",
        instructions=INSTRUCTIONS.strip(),
        version=version("heirpay-pipelines"),
        log_level="ERROR",
    )
    limits = bounds or SqlBounds()
    _add_report(server, home)
    _add_figures(server, home, limits)
    _add_incidents(server, home)
    return server


async def _asked(work: Callable[[], Any]) -> dict[str, Any]:
    """Do blocking work in a thread; what can be expected to go wrong is told to the caller."""
    try:
        found: dict[str, Any] = await asyncio.to_thread(work)
    except (RefusedSqlError, WarehouseError, EncryptionKeyError, LookupError) as error:
        raise ToolError(str(error)) from None
    return found


def _add_report(server: MCPServer[Any], home: Home) -> None:
    @server.tool(annotations=READS)
    async def report(
        section: Annotated[
            str | None,
            Field(description="One top-level field; none: the short ones and the names."),
        ] = None,
    ) -> dict[str, Any]:
        """The newest domain report: verdict, blocking issues, revenue, compliance, coverage."""
        return await _asked(lambda: _report(home, section))


def _report(home: Home, section: str | None) -> dict[str, Any]:
    path = home.reports_dir / "latest" / "report.json"
    if not path.is_file():
        raise LookupError("No report is written yet: `heirpay run` writes one.")
    document: dict[str, Any] = json.loads(sealed.read(path, home.key))
    if section is None:
        short = {k: v for k, v in document.items() if len(json.dumps(v)) <= SECTION_CHARACTERS}
        return {**short, "sections": sorted(document)}
    if section not in document:
        raise LookupError(f"The report has no {section!r}, but {', '.join(sorted(document))}.")
    return {section: document[section]}


SECTION_CHARACTERS = 4_000


def _add_figures(server: MCPServer[Any], home: Home, limits: SqlBounds) -> None:
    @server.tool(annotations=READS)
    async def metrics(
        table: Annotated[str | None, Field(description="Such as finance.mrr_monthly.")] = None,
    ) -> dict[str, Any]:
        """Every published table with its meaning; with `table`, its columns and what they mean."""

        def look() -> dict[str, Any]:
            tables = dictionary(home)
            if table is None:
                return {name: entry["meaning"] for name, entry in tables.items()}
            if table not in tables:
                raise LookupError(f"No table {table!r}. There are: {', '.join(tables)}.")
            return tables[table]

        return await _asked(look)

    @server.tool(name="metric", annotations=READS)
    async def metric_(
        name: Annotated[str, Field(description="Such as finance.mrr_monthly.mrr.")],
        currency: Currency = None,
        last: Limit = 12,
    ) -> dict[str, Any]:
        """A figure: its definition, its newest values, and the query behind them."""
        return await _asked(lambda: metric(home, name, currency, last))

    @server.tool(annotations=READS)
    async def breaks(
        kind: Annotated[str | None, Field(description="Such as payout_mismatch.")] = None,
        currency: Currency = None,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Reconciliation breaks, the largest first."""
        given = {"kind": kind, "currency": currency}
        sql = f"{BREAKS} limit {limit}"
        return await _asked(lambda: run_bounded(home, sql, given, limits))

    @server.tool(annotations=READS)
    async def query(
        sql: Annotated[str, Field(max_length=20_000, description="One SELECT, DuckDB's dialect.")],
    ) -> dict[str, Any]:
        """Read-only SQL on the published tables; bounded in rows, seconds and memory. Audited."""
        return await _asked(lambda: _query(home, sql, limits))


def _query(home: Home, sql: str, limits: SqlBounds) -> dict[str, Any]:
    with open_locked(home, limits) as connection:
        record_query(home, connection, sql, "mcp:")
    return run_bounded(home, sql, None, limits, judged=True)


def _add_incidents(server: MCPServer[Any], home: Home) -> None:
    @server.tool(annotations=READS)
    async def incidents(
        resolved: Annotated[bool, Field(description="Resolved ones too.")] = False,
    ) -> dict[str, Any]:
        """What is open, the most urgent first: what fails, what was tried, who acts."""

        def look() -> dict[str, Any]:
            with open_state(home.state_file) as state:
                every = "select * from incidents order by opened_at desc, incident_id limit 1000"
                found = state.rows(every) if resolved else unresolved(state)
            return {"incidents": [decoded(incident) for incident in found]}

        return await _asked(look)

    @server.tool(annotations=READS)
    async def incident(incident_id: str) -> dict[str, Any]:
        """One incident in full: attempts, work lists, runbooks, what was told."""

        def look() -> dict[str, Any]:
            with open_state(home.state_file) as state:
                return details(home, state, incident_id)

        return await _asked(look)

    @server.tool(name="acknowledge", annotations=ACKNOWLEDGES)
    async def acknowledge_(
        incident_id: str,
        by: Annotated[str, Field(min_length=1, max_length=100, description="Who takes it.")],
        note: Annotated[str, Field(max_length=500)] = "",
    ) -> dict[str, Any]:
        """Take an incident: reminders stop, its resolution is still told. Audited."""

        def take() -> dict[str, Any]:
            with open_state(home.state_file) as state:
                acknowledge(state, incident_id, f"mcp:{by}", note, datetime.now(UTC))
            return {"incident_id": incident_id, "status": "acknowledged"}

        return await _asked(take)
