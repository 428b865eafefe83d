"""When a run is asked for, and when not: none waits behind another of its job, and one that failed
is asked for again, less and less often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
]
FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=2)
LOOKED_AT = 8
"""So many failures in a row make the longest pause."""


def waiting_run(instance: dg.DagsterInstance, job: str) -> str | None:
    """Why no further run of the job is asked for: one that does the same waits already."""
    waiting = instance.get_run_ids(dg.RunsFilter(job_name=job, statuses=WAITING), limit=1)
    return f"the run {waiting[0]} waits already and will do it" if waiting else None


def pause_after_failures(instance: dg.DagsterInstance, job: str, now: datetime) -> str | None:
    """Why a run of the job is not asked for yet: those before it failed, and what made them fail
    may take a while."""
    pause, ended = FIRST_PAUSE, None
    for record in instance.get_run_records(dg.RunsFilter(job_name=job), limit=LOOKED_AT):
        if record.dagster_run.status not in FAILED:
            break
        if ended is None:
            ended = datetime.fromtimestamp(record.end_time or 0, UTC)
        else:
            pause = min(pause * 2, LONGEST_PAUSE)
    # An end in the future is of a clock that was put right since.
    if ended is None or not ended <= now < ended + pause:
        return None
    return f"the last run of {job} failed; the next is asked for at {ended + pause:%H:%M:%S} UTC"


def scheduled_run(context: dg.ScheduleEvaluationContext, job: str) -> dg.RunRequest | dg.SkipReason:
    """What a schedule asks for: one run, unless one waits already."""
    reason = waiting_run(context.instance, job)
    return dg.SkipReason(reason) if reason else dg.RunRequest()
