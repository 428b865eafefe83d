"""Bank statements that arrive in the day: a refresh lands and reconciles them."""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from heirpay_pipelines.bank.files import new_files
from heirpay_pipelines.bank.folder import statement_files
from heirpay_pipelines.bank.names import relative_name
from heirpay_pipelines.orchestration.asking import pause_after_failures, waiting_run
from heirpay_pipelines.orchestration.night import REFRESH
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.run_lock import AnotherRunError, refuse_second_run

SECONDS = 60
FILES_TAG = "heirpay/bank_files_digest"
SETTLED_SECONDS = 30
"""A file that was written to since then may still be on its way."""


def _ask_for_a_refresh(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for a refresh when the folder has files that were never landed, and again when it failed
    to land them."""
    settings = Settings.load()
    if not settings.has_own_key:
        return dg.SkipReason("STRIPE_API_KEY is not set: a refresh could pull nothing")
    now = datetime.now(UTC)
    folder = settings.bank_dir
    stats = {}
    for path in statement_files(folder):
        with suppress(OSError):  # taken away meanwhile
            stats[relative_name(path, folder)] = path.stat()
    if any(now.timestamp() - stat.st_mtime < SETTLED_SECONDS for stat in stats.values()):
        return dg.SkipReason("a file is still being written")
    # Files are read whole only when the folder looks different from when all of it was landed.
    seen = json.dumps({name: [s.st_size, s.st_mtime_ns] for name, s in stats.items()})
    if seen == context.cursor:
        return dg.SkipReason("no new file")
    reason = waiting_run(context.instance, REFRESH)
    if reason := reason or pause_after_failures(context.instance, REFRESH, now):
        return dg.SkipReason(reason)
    try:
        refuse_second_run(settings)
    except AnotherRunError:
        return dg.SkipReason("a run is under way")
    fresh = new_files(settings, now)
    if not fresh:
        return dg.SensorResult(skip_reason=dg.SkipReason("no new file"), cursor=seen)
    return dg.SensorResult(run_requests=[_request(context.instance, fresh, folder)])


def _request(
    instance: dg.DagsterInstance, fresh: list[tuple[Path, str]], folder: Path
) -> dg.RunRequest:
    """A refresh for these files (and their digests). Dagster starts one run for a key, ever: the
    number of runs that these files have had makes the next try another one."""
    files = hashlib.sha256("".join(sorted(digest for _, digest in fresh)).encode()).hexdigest()[:32]
    tried = instance.get_runs_count(dg.RunsFilter(tags={FILES_TAG: files}))
    names = ", ".join(relative_name(path, folder) for path, _ in fresh)
    tags = {"heirpay/bank_files": names, FILES_TAG: files}
    return dg.RunRequest(run_key=f"{files}-{tried}", tags=tags)


# Not by the decorator: it warns of a parameter that is not used here.
new_bank_files = dg.SensorDefinition(
    name="new_bank_files",
    evaluation_fn=_ask_for_a_refresh,
    job_name=REFRESH,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a refresh when a bank statement arrives that was never landed.",
)
