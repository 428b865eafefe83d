"""The jobs, their schedules and sensors: everything that Dagster loads."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import dagster as dg

from heirpay_pipelines.home import payment_id
from heirpay_pipelines.orchestration.asking import scheduled_run
from heirpay_pipelines.orchestration.assets import pull_and_land_asset
from heirpay_pipelines.orchestration.bank_files import new_bank_files
from heirpay_pipelines.orchestration.checks import (
    CONTROL_RESULTS,
    FRAMEWORKS,
    assets_of_controls,
    build_control_results,
    build_controls_check,
    framework_key,
)
from heirpay_pipelines.orchestration.closing import DECISION, INCIDENTS, incidents, publication
from heirpay_pipelines.orchestration.failed_refresh import failed_refresh
from heirpay_pipelines.orchestration.failure import dead_runs, failed_run_sensor
from heirpay_pipelines.orchestration.manifest import current_manifest
from heirpay_pipelines.orchestration.models import (
    build_models_asset,
    model_names,
    read_nodes,
    source_specs,
)
from heirpay_pipelines.orchestration.month_end import MONTH_END, month_end, month_end_config
from heirpay_pipelines.orchestration.night import CLOSE, NIGHTLY, REFRESH, night_resource
from heirpay_pipelines.orchestration.past_nights import NIGHTS, build_nights_asset
from heirpay_pipelines.orchestration.placing import GENERAL, PUBLICATION, payment_tags, placed
from heirpay_pipelines.orchestration.reporting import REPORT, domain_report, final_verdict
from heirpay_pipelines.orchestration.schedule_command import NIGHTLY_CRON
from heirpay_pipelines.orchestration.scope import Graph
from heirpay_pipelines.orchestration.webhooks import drain_webhooks, outbox, webhooks_waiting
from heirpay_pipelines.settings import Settings

ASKING = (failed_refresh, webhooks_waiting, new_bank_files)
CRONS = {
    # Before the first night of the new month, so that nothing later is in it.
    CLOSE: ("10 0 1 * *", "Ten past midnight on the first of each month,"),
    NIGHTLY: NIGHTLY_CRON,
    REFRESH: ("0 10,13,16 * * 1-5", "At 10:00, 13:00 and 16:00 on working days,"),
}


@cache
def definitions(settings: Settings) -> dg.Definitions:
    """Everything that Dagster loads, for one installation."""
    nodes = read_nodes(current_manifest(settings))
    models = build_models_asset(nodes, settings)
    controls = build_control_results(sorted(models.keys))
    steps = [
        step.map_asset_specs(lambda spec: placed(spec, settings))
        for step in (
            pull_and_land_asset, controls, publication, month_end, incidents, domain_report,
            final_verdict,
        )
    ]  # fmt: skip
    known = {key for asset in (models, *steps) for key in asset.keys}
    asset_of = assets_of_controls(settings, known)
    names = model_names(nodes)
    graph = Graph(
        models=names,
        needed=frozenset({*names, *pull_and_land_asset.keys, CONTROL_RESULTS, DECISION,
                          PUBLICATION}),
        asset_of=asset_of,
        reads_all=frozenset({CONTROL_RESULTS, *map(framework_key, FRAMEWORKS)}),
        told=frozenset({INCIDENTS, REPORT}),
    )  # fmt: skip
    return dg.Definitions(
        assets=[
            models, *steps, build_nights_asset(settings), *source_specs(nodes, settings, known),
        ],
        asset_checks=[build_controls_check(settings, asset_of)],
        jobs=[*asset_jobs(settings), drain_webhooks],
        schedules=schedules(settings),
        sensors=[dead_runs, failed_run_sensor, *ASKING, outbox],
        resources={"night": night_resource(settings, graph)},
        executor=dg.in_process_executor,
    )  # fmt: skip


def asset_jobs(settings: Settings) -> list[Any]:
    """The jobs that materialise assets; Dagster exports no name for what they are."""
    everything = dg.AssetSelection.all() - dg.AssetSelection.assets(NIGHTS)
    night = everything - dg.AssetSelection.assets(MONTH_END)
    told = dg.AssetSelection.assets(INCIDENTS, REPORT)

    def job(step: int, name: str, selection: dg.AssetSelection, text: str, **more: Any) -> Any:
        identifier = payment_id(settings.project, name, "DAGSTER", step)
        return dg.define_asset_job(
            name,
            selection=selection,
            # One process: DuckDB has one writer, and a process for each step costs 5 s of imports.
            executor_def=dg.in_process_executor,
            tags=payment_tags(identifier, GENERAL),
            description=text,
            **more,
        )

    return [
        job(1, NIGHTLY, night, "Pull, land, model, check, publish, report: last night's close."),
        job(
            2,
            REFRESH,
            night - told,
            "In the day: pull what changed, model, check, publish. Tells nobody and writes no"
            " report: incidents and the report are the night's.",
        ),
        job(
            3,
            CLOSE,
            everything - told,
            "The close of the month that has ended: pull, model, check and publish as of its last"
            " instant, what still blocks it, its tax and journal files in reports/MONTH/exports."
            " Tells nobody. Other months: config `month: 2026-10`.",
            config=month_end_config(settings),
        ),
    ]


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """When the jobs run, in the reporting time zone; each is switched on by hand."""
    return [
        dg.ScheduleDefinition(
            name=name,
            job_name=name,
            cron_schedule=cron,
            execution_timezone=settings.timezone,
            execution_fn=partial(scheduled_run, job=name),
            description=f"{text} in the reporting time zone.",
        )
        for name, (cron, text) in CRONS.items()
    ]
