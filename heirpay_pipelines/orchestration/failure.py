"""What happens when a run fails: it is recorded, and whoever must act hears of it."""

from __future__ import annotations

import warnings

import dagster as dg

from heirpay_pipelines.orchestration.dead_runs import fail_dead_runs
from heirpay_pipelines.orchestration.night import NIGHTLY, close_failed
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

# Dagster warns of a parameter of its own that this sensor does not give.
warnings.filterwarnings("ignore", message="Parameter `owners` of initializer `SensorDefinition")


@dg.run_failure_sensor(
    name="failed_run",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A run that failed or was killed is recorded as failed, with the step's reason.",
)
def failed_run_sensor(context: dg.RunFailureSensorContext) -> None:
    """Close the run's record. A run that ended by itself has done so already; one whose process
    was killed has not."""
    run = context.dagster_run
    reason = context.failure_event.message or "the run failed"
    with open_state(Settings.load().state_file) as state:
        close_failed(state, run.root_run_id or run.run_id, reason)


def _look_for_dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark failed what no process does any more; starts no run."""
    failed = fail_dead_runs(context.instance, Settings.load())
    return dg.SkipReason(f"{len(failed)} runs marked failed: {', '.join(failed) or 'none'}")


dead_runs = dg.SensorDefinition(
    name="dead_runs",
    evaluation_fn=_look_for_dead_runs,
    job_name=NIGHTLY,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks a run failed whose process is gone, so that what waits behind it goes on.",
)
