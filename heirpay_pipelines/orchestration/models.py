"""The dbt models as Dagster assets: each is shown as built while dbt works on the others.

Their figures are shown once it is decided what is published (orchestration/figures.py).
No postponed annotations here: Dagster reads them.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from heirpay_pipelines.duck import connect
from heirpay_pipelines.orchestration.chart_pages import chart_of
from heirpay_pipelines.orchestration.dbt_stream import NodeResult, stream_build
from heirpay_pipelines.orchestration.manifest import dbt_work_dir
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.placing import area_of_model, placed
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest, model_threads

CLAUSE = re.compile(r"(?<=[.;:]) ")
Nodes = Mapping[str, Mapping[str, Any]]
"""dbt's nodes by unique id (orchestration/manifest.py)."""


def read_nodes(manifest: Path) -> Nodes:
    """The nodes of a manifest of ours."""
    return json.loads(manifest.read_bytes())  # type: ignore[no-any-return]


def asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """An asset is named as its table is."""
    if node["resource_type"] == "source":
        return dg.AssetKey([node["source_name"], node["name"]])
    return dg.AssetKey([node["schema"], node["alias"] or node["name"]])


def model_names(nodes: Nodes) -> dict[dg.AssetKey, str]:
    """What dbt calls the model, or seed, of each asset."""
    return {
        asset_key(node): node["name"]
        for node in nodes.values()
        if node["resource_type"] != "source"
    }


def model_specs(nodes: Nodes, settings: Settings) -> list[dg.AssetSpec]:
    """An asset for each model, described in the table's own words."""
    return [
        placed(
            dg.AssetSpec(
                asset_key(node),
                deps=[asset_key(nodes[read]) for read in node["reads"] if read in nodes],
                group_name=area_of_model(node["schema"], node["fqn"][-2]),
                description=summarised(node["description"], chart_of(*asset_key(node).path)),
                kinds={"dbt", "duckdb"},
            ),
            settings,
            node["fqn"][-2],
        )
        for node in nodes.values()
        if node["resource_type"] != "source"
    ]


def summarised(description: str, chart: str) -> str:
    """A description that lists can show: its first clause, then the chart and the whole of it."""
    whole = " ".join(description.split())
    first = CLAUSE.split(whole, maxsplit=1)[0].rstrip(" .;:,")
    said = [whole, chart] if first == whole.rstrip(".") else [f"{first}.", chart, whole]
    return "\n\n".join(text for text in said if text)


def source_specs(
    nodes: Nodes, settings: Settings, known: Collection[dg.AssetKey]
) -> list[dg.AssetSpec]:
    """What models read and no step shows as an asset of its own: rates, copies of the state file,
    landed objects that come inside others."""
    areas = {"landing": "land", "state": "state"}
    return [
        placed(
            dg.AssetSpec(
                key,
                group_name=areas[node["source_name"]],
                description=node["description"] or f"Landed Stripe `{node['name']}` objects.",
            ),
            settings,
        )
        for node in nodes.values()
        if node["resource_type"] == "source" and (key := asset_key(node)) not in known
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


def build_models_asset(nodes: Nodes, settings: Settings) -> dg.AssetsDefinition:
    """All models as one step: dbt orders and parallelises them itself."""
    keys = {unique_id: asset_key(node) for unique_id, node in nodes.items()}

    @dg.multi_asset(
        name="model",
        specs=model_specs(nodes, settings),
        can_subset=True,
        required_resource_keys={"night"},
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        night: Night = context.resources.night
        request = build_request(night, night.as_of)
        if night.is_whole:
            prepare_build(request, night.settings)
            said = {"as of": night.as_of.isoformat(), "published": "not yet: controls come first"}
            results = stream_build(request)
        else:
            said = night.unpublished()
            results = build_missing(night, night.scope.tables())
        waiting = set(context.selected_asset_keys)
        for result in results:
            _log(context, result)
            key = keys[result.unique_id]
            if result.is_built and key in waiting:
                waiting.discard(key)
                yield dg.MaterializeResult(
                    asset_key=key, metadata={"seconds": result.seconds, **said}
                )
        for key in sorted(waiting):  # built before the step was taken up again
            yield dg.MaterializeResult(asset_key=key, metadata=said)

    return model


def build_missing(night: Night, tables: Collection[dg.AssetKey]) -> Iterator[NodeResult]:
    """Build those of the tables that the selection's build does not hold yet, and all that they
    read; each node as it is done."""
    request = build_request(night, night.as_of)
    present: set[dg.AssetKey] = set()
    if night.build.is_file():
        present = _tables_of(night)
    else:
        prepare_build(request, night.settings)
    missing = sorted(night.scope.graph.models[key] for key in set(tables) - present)
    if missing:
        everything = len(missing) == len(night.scope.graph.models)
        yield from stream_build(request, () if everything else missing)


def _tables_of(night: Night) -> set[dg.AssetKey]:
    with connect(night.build, night.key, read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " union all select schema_name, view_name from duckdb_views()"
        ).fetchall()
    return {dg.AssetKey([schema, table]) for schema, table in rows}


def _log(context: dg.AssetExecutionContext, result: NodeResult) -> None:
    name = result.unique_id.rpartition(".")[2]
    line = f"{result.place} of {result.of}: {name}, {result.status} in {result.seconds:.1f} s"
    (context.log.info if result.is_built else context.log.warning)(line)
