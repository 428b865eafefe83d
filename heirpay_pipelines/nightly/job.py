"""The nightly job, its schedule, and what happens when a run fails."""

from __future__ import annotations

from functools import cache

import dagster as dg

from heirpay_pipelines.nightly.assets import pull_and_land_asset
from heirpay_pipelines.nightly.checks import build_controls_check
from heirpay_pipelines.nightly.closing import (
    build_control_results,
    domain_report,
    final_verdict,
    incidents,
    publication,
)
from heirpay_pipelines.nightly.failure import failed_run_sensor
from heirpay_pipelines.nightly.manifest import current_manifest
from heirpay_pipelines.nightly.models import build_models_asset
from heirpay_pipelines.nightly.night import night_resource
from heirpay_pipelines.nightly.webhooks import drain_webhooks, outbox, webhooks_waiting
from heirpay_pipelines.settings import Settings

NIGHTLY_CRON = "0 3 * * *"


@cache
def definitions(settings: Settings) -> dg.Definitions:
    """Everything that Dagster loads, for one installation."""
    nightly = dg.define_asset_job(
        "nightly",
        selection=dg.AssetSelection.all(),
        # One process: DuckDB has one writer, and a process for each step costs 5 s of imports.
        executor_def=dg.in_process_executor,
        description="Pull, land, model, check, publish, report: last night's close.",
    )
    schedule = dg.ScheduleDefinition(
        name="nightly",
        job=nightly,
        cron_schedule=NIGHTLY_CRON,
        execution_timezone=settings.timezone,
        description="Every night at 03:00 in the reporting time zone.",
    )
    models = build_models_asset(current_manifest(settings))
    controls = build_control_results(sorted(models.keys))
    assets = [
        pull_and_land_asset, models, controls, publication, incidents, domain_report, final_verdict,
    ]  # fmt: skip
    known = {key for asset in assets for key in asset.keys}
    return dg.Definitions(
        assets=assets,
        asset_checks=[build_controls_check(settings, known)],
        jobs=[nightly, drain_webhooks],
        schedules=[schedule],
        sensors=[failed_run_sensor, webhooks_waiting, outbox],
        resources={"night": night_resource(settings)},
        executor=dg.in_process_executor,
    )
