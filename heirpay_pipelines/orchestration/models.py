"""The dbt models as Dagster assets, each with its rows, columns and, for marts, a preview.

No postponed annotations here: Dagster reads them.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from packaging.version import Version

from heirpay_pipelines.duck import connect, identifier
from heirpay_pipelines.host.child_environment import only
from heirpay_pipelines.host.with_parent import PARENT, parent_token
from heirpay_pipelines.orchestration.manifest import dbt_work_dir
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.placing import group_of_model, placed
from heirpay_pipelines.report.preview import MartCharts
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import (
    PROJECT_DIR,
    WITHOUT_TESTS,
    BuildRequest,
    model_threads,
)

OF_DAGSTER = ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY")
OF_DBT = ("unique_id", "invocation_id", "status")
"""Metadata that tells finance nothing."""


class Translator(DagsterDbtTranslator):
    """An asset is named as its table is and described in the table's own words, without its SQL:
    `finance/mrr_monthly` in the group of its subject."""

    def __init__(self, settings: Settings) -> None:
        # What dbt tests in CI, a night's controls look at in a few queries (controls/declared.py).
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=False))
        self.settings_of_night = settings

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        folder = self.get_resource_props(manifest, unique_id)["fqn"][-2]
        return placed(spec, self.settings_of_night, folder)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        name = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return group_of_model(dbt_resource_props["schema"], dbt_resource_props["fqn"][-2])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["description"])


def source_specs(manifest: Path, settings: Settings, known: set[dg.AssetKey]) -> list[dg.AssetSpec]:
    """What models read and no step shows as an asset of its own: rates, copies of the state file,
    landed objects that come inside others."""
    sources = json.loads(manifest.read_bytes())["sources"].values()
    groups = {"landing": "land", "state": "state"}
    return [
        placed(
            dg.AssetSpec(
                key,
                group_name=groups[source["source_name"]],
                description=source["description"] or f"Landed Stripe `{source['name']}` objects.",
            ),
            settings,
        ).replace_attributes(freshness_policy=None)  # no step materialises it
        for source in sources
        if (key := dg.AssetKey([source["source_name"], source["name"]])) not in known
    ]


def build_request(night: Night, as_of: datetime) -> BuildRequest:
    """The one build of this run: its own database file, as of an aware instant."""
    settings = night.settings
    return BuildRequest(
        database=night.build,
        work_dir=dbt_work_dir(settings),
        run_id=night.run_id,
        as_of=as_of.astimezone(UTC).replace(tzinfo=None),
        timezone=settings.timezone,
        reporting_currency=settings.reporting_currency,
        encryption_key=night.key,
        memory_limit=settings.memory_limit,
        threads=model_threads(settings.landing_dir),
    )


class Dbt(DbtCliResource):
    """dbt's command line. `dbt --version`, which the resource would ask first, asks the internet
    whether there is a newer one; the pipeline contacts the configured endpoints only."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


def build_models_asset(manifest: Path, settings: Settings) -> dg.AssetsDefinition:
    """All models as one step: dbt orders and parallelises them itself."""

    @dbt_assets(
        manifest=manifest,
        name="model",
        dagster_dbt_translator=Translator(settings),
        required_resource_keys={"night"},
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[Any]:
        night: Night = context.resources.night
        request = build_request(night, night.run().as_of)
        prepare_build(request, night.settings)
        os.environ.update(request.environment() | {PARENT: parent_token()})
        dbt = Dbt(
            project_dir=str(PROJECT_DIR),
            profiles_dir=str(PROJECT_DIR),
            dbt_executable=str(Path(sys.executable).with_name("heirpay-dbt")),
        )
        variables = json.dumps(request.variables())
        # Nobody reads dbt's own account of the run, and writing it costs seconds.
        arguments = ["build", "--no-write-json", *WITHOUT_TESTS, "--vars", variables]
        # dbt and its adapters are given the build's variables, and no key of Stripe's.
        with only(*OF_DAGSTER, prefixes=("DBT_",)):
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
            charts = MartCharts(night.settings, facts, connection)
            for event in events:
                yield _with_figures(context, connection, charts, event)

    return model


def _with_figures(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    charts: MartCharts,
    event: Any,
) -> Any:
    """The event of a built table, with its row count, its columns and its chart added."""
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    told = {name: value for name, value in event.metadata.items() if name not in OF_DBT}
    metadata = {**told, **table_figures(connection, *key.path)}
    # Drawn for people: what cannot be drawn stops no night.
    try:
        chart = charts.chart(".".join(key.path))
    except Exception as error:  # noqa: BLE001
        chart = f"The chart could not be drawn: {error}"
    if chart is not None:
        metadata["chart"] = dg.MetadataValue.md(chart)
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
    counted = connection.execute(f"select count(*) from {identifier(schema, table)}").fetchone()
    return {
        "dagster/row_count": dg.MetadataValue.int(counted[0] if counted else 0),
        "dagster/column_schema": dg.MetadataValue.table_schema(
            dg.TableSchema([dg.TableColumn(n, t, description=d) for n, t, d in columns])
        ),
    }
