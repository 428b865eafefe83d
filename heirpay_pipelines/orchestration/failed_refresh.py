"""A scheduled refresh that failed is asked for again before its next tick, less and less often."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import SCHEDULE_NAME_TAG

from heirpay_pipelines.orchestration.asking import FAILED, pause_after_failures
from heirpay_pipelines.orchestration.night import NIGHTLY, REFRESH
from heirpay_pipelines.orchestration.step_failure import failed_with
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.run_lock import AnotherRunError, refuse_second_run

SECONDS = 60
AGAIN_TAG = "heirpay/again_after"
"""Names the run that failed, on the one that is asked for because of it."""


def _ask_again(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a refresh when the newest one failed that the schedule had asked for."""
    instance = context.instance
    failed = _failed_run(instance)
    if failed is None:
        return dg.SkipReason("no scheduled refresh has failed since the last that succeeded")
    if reason := pause_after_failures(instance, REFRESH, datetime.now(UTC)):
        return dg.SkipReason(reason)
    if failed_with(instance, failed, "KeyRefusedError"):
        return dg.SkipReason("the key is not accepted: another try would end as the last one did")
    try:
        refuse_second_run(Settings.load())
    except AnotherRunError:
        return dg.SkipReason("a run is under way")
    return dg.RunRequest(run_key=f"again-after-{failed}", tags={AGAIN_TAG: failed})


def _failed_run(instance: dg.DagsterInstance) -> str | None:
    """The newest refresh, if it failed, nobody started it by hand, and no night has done since what
    it was to do."""
    newest = instance.get_run_records(dg.RunsFilter(job_name=REFRESH), limit=1)
    if not newest or newest[0].dagster_run.status not in FAILED:
        return None
    if not newest[0].dagster_run.tags.keys() & {SCHEDULE_NAME_TAG, AGAIN_TAG}:
        return None
    nights = dg.RunsFilter(
        job_name=NIGHTLY,
        statuses=[dg.DagsterRunStatus.SUCCESS],
        created_after=newest[0].create_timestamp,
    )
    return None if instance.get_runs_count(nights) else newest[0].dagster_run.run_id


# Not by the decorator: it warns of a parameter that is not used here.
failed_refresh = dg.SensorDefinition(
    name="failed_refresh",
    evaluation_fn=_ask_again,
    job_name=REFRESH,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks again for a scheduled refresh that failed, less and less often.",
)
