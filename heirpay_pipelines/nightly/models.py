"""The dbt models as Dagster assets, each with its rows, columns and, for marts, a preview.

No postponed annotations here: Dagster reads them.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from heirpay_pipelines.duck import connect
from heirpay_pipelines.model.build import prepare_build
from heirpay_pipelines.model.project import PROJECT_DIR, BuildRequest, model_threads
from heirpay_pipelines.nightly.manifest import dbt_work_dir
from heirpay_pipelines.nightly.night import Night
from heirpay_pipelines.report.preview import mart_charts
from heirpay_pipelines.report.run_facts import RunFacts

TEAM_OF = {"compliance": "team:compliance", "operations": "team:data"}


class Translator(DagsterDbtTranslator):
    """An asset is named and grouped as its table is: `finance/mrr_monthly` in group finance."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        name = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return [TEAM_OF.get(dbt_resource_props["schema"], "team:finance")]


def build_request(night: Night) -> BuildRequest:
    """The one build of this run: its own database file, as of its own instant."""
    settings = night.settings
    return BuildRequest(
        database=night.build,
        work_dir=dbt_work_dir(settings),
        run_id=night.run_id,
        as_of=night.run().as_of.replace(tzinfo=None),
        timezone=settings.timezone,
        reporting_currency=settings.reporting_currency,
        encryption_key=night.key,
        memory_limit=settings.memory_limit,
        threads=model_threads(settings.landing_dir),
    )


def build_models_asset(manifest: Path) -> dg.AssetsDefinition:
    """All models as one step: dbt orders and parallelises them itself."""

    @dbt_assets(
        manifest=manifest,
        name="model",
        dagster_dbt_translator=Translator(),
        required_resource_keys={"night"},
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[Any]:
        night: Night = context.resources.night
        request = build_request(night)
        prepare_build(request, night.settings)
        # A failing test shows as a failed check; the blocking controls decide on publication.
        os.environ.update(request.environment() | {"DBT_TEST_SEVERITY": "warn"})
        dbt = DbtCliResource(
            project_dir=str(PROJECT_DIR),
            profiles_dir=str(PROJECT_DIR),
            dbt_executable=str(Path(sys.executable).with_name("dbt")),
        )
        arguments = ["build", "--vars", json.dumps(request.variables())]
        invocation = dbt.cli(
            arguments,
            manifest=manifest,
            context=context,
            target_path=dbt_work_dir(night.settings) / "target",
        )
        # Figures are read when dbt has let go of the file: one process writes at a time.
        events = list(invocation.stream())
        with connect(night.build, night.key, read_only=True) as connection:
            run = night.run()
            facts = RunFacts(run.run_id, run.as_of, "published")
            charts = mart_charts(night.settings, facts, connection)
            for event in events:
                yield _with_figures(context, connection, charts, event)

    return model


def _with_figures(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    charts: dict[str, str],
    event: Any,
) -> Any:
    """The event of a built table, with its row count, its columns and its chart added."""
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    metadata = {**event.metadata, **table_figures(connection, *key.path)}
    if key.path[0] == "finance" and key.path[-1] in charts:
        metadata["chart"] = dg.MetadataValue.md(charts[key.path[-1]])
    return dg.Output(event.value, output_name=event.output_name, metadata=metadata)


def table_figures(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> dict[str, dg.MetadataValue]:
    """Row count and column schema of one table, as Dagster shows them."""
    columns = connection.execute(
        "select column_name, data_type, coalesce(comment, '') from duckdb_columns()"
        " where schema_name = ? and table_name = ? order by column_index",
        [schema, table],
    ).fetchall()
    if not columns:
        return {}
    counted = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
    return {
        "dagster/row_count": dg.MetadataValue.int(counted[0] if counted else 0),
        "dagster/column_schema": dg.MetadataValue.table_schema(
            dg.TableSchema([dg.TableColumn(n, t, description=d) for n, t, d in columns])
        ),
    }
