"""Rows, columns and charts of the published file, shown in the catalog once it is decided what is
published: after a refused night they are still yesterday's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from datetime import UTC
from typing import Any

import dagster as dg
import duckdb

from heirpay_pipelines.duck import connect, identifier
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings

VERSION_TAGS = "dagster/"
"""Tags of the event by which the run's build was shown: what the versions of its inputs were."""
PUBLISHED_BY = (
    "select run_id, as_of from operations.run_history where is_published"
    " order by started_at desc limit 1"
)


def published_figures(
    night: Night,
    tables: Collection[dg.AssetKey],
    instance: dg.DagsterInstance,
    complain: Callable[[str], object],
) -> Iterator[dg.AssetMaterialization]:
    """An event for each table of the published file, with the night that it is of."""
    settings = night.settings
    if not settings.warehouse.is_file():
        return
    with connect(settings.warehouse, night.key, read_only=True) as connection:
        publication = published_run(connection)
        if publication is None:
            return
        run_id, as_of = publication.run_id, publication.as_of
        charts = mart_charts(settings, publication, connection)
        said: dict[str, Any] = {
            "published": "yes"
            if run_id == night.run_id
            else "yes, by an earlier run: this run was refused, and its figures are shown nowhere",
            "as of": as_of.isoformat(),
            "run": run_id,
        }
        versions = _versions(instance, tables)
        columns = published_columns(connection)
        for key in tables:
            schema, table = key.path
            if (schema, table) in columns:
                figures = table_figures(connection, schema, table, columns[schema, table])
                chart = _chart(charts, ".".join(key.path), complain)
                yield dg.AssetMaterialization(
                    key, metadata={**said, **figures, **chart}, tags=versions.get(key)
                )


def published_run(connection: duckdb.DuckDBPyConnection) -> RunFacts | None:
    """The run that the published file is of."""
    found = connection.execute(PUBLISHED_BY).fetchone()
    return RunFacts(found[0], found[1].replace(tzinfo=UTC), "published") if found else None


def mart_charts(settings: Settings, run: RunFacts, connection: duckdb.DuckDBPyConnection) -> Any:
    """What draws a chart of each mart of the published file."""
    from heirpay_pipelines.report.preview import MartCharts  # takes a second to import

    return MartCharts(settings, run, connection)


def _chart(
    charts: Any, table: str, complain: Callable[[str], object]
) -> dict[str, dg.MetadataValue[Any]]:
    # Drawn for people: what cannot be drawn stops no night.
    try:
        chart = charts.chart(table)
    except Exception as error:  # noqa: BLE001
        complain(f"{table}: the chart could not be drawn: {error}")
        chart = f"The chart could not be drawn: {error}"
    return {} if chart is None else {"chart": dg.MetadataValue.md(chart)}


def _versions(
    instance: dg.DagsterInstance, keys: Collection[dg.AssetKey]
) -> dict[dg.AssetKey, dict[str, str]]:
    """As the newest events have them: else Dagster takes all that reads the tables for stale."""
    entries = [record.asset_entry for record in instance.get_asset_records(list(keys))]
    shown = {entry.asset_key: entry.last_materialization for entry in entries}
    return {
        key: {n: v for n, v in (event.tags or {}).items() if n.startswith(VERSION_TAGS)}
        for key, entry in shown.items()
        if entry is not None and (event := entry.asset_materialization) is not None
    }


def published_columns(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], list[dg.TableColumn]]:
    """The columns of every table, in one question: each reads the whole catalog."""
    found: dict[tuple[str, str], list[dg.TableColumn]] = defaultdict(list)
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type, coalesce(comment, '')"
        " from duckdb_columns() order by schema_name, table_name, column_index"
    ).fetchall()
    for schema, table, name, kind, comment in rows:
        found[schema, table].append(dg.TableColumn(name, kind, description=comment))
    return found


def table_figures(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    columns: list[dg.TableColumn],
) -> dict[str, dg.MetadataValue[Any]]:
    """Row count and column schema of one table, as Dagster shows them."""
    counted = connection.execute(f"select count(*) from {identifier(schema, table)}").fetchone()
    return {
        "dagster/row_count": dg.MetadataValue.int(counted[0] if counted else 0),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns)),
    }
