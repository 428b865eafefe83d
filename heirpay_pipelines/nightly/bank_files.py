"""Bank statements that arrive in the day: a refresh lands and reconciles them."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import dagster as dg

from heirpay_pipelines.land.bank.files import new_files
from heirpay_pipelines.land.bank.folder import statement_files
from heirpay_pipelines.land.bank.names import relative_name
from heirpay_pipelines.nightly.lock import AnotherRunError, refuse_second_run
from heirpay_pipelines.nightly.night import REFRESH
from heirpay_pipelines.settings import Settings

SECONDS = 60
SETTLED_SECONDS = 30
"""A file that was written to since then may still be on its way."""


def _ask_for_a_refresh(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for a refresh when the folder has files that were never landed."""
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
    # Files are read whole only when the folder looks different from the last time.
    seen = json.dumps({name: [s.st_size, s.st_mtime_ns] for name, s in stats.items()})
    if seen == context.cursor:
        return dg.SkipReason("no new file")
    try:
        refuse_second_run(settings)
    except AnotherRunError:
        return dg.SkipReason("a run is under way")
    fresh = new_files(settings, now)
    if not fresh:
        return dg.SensorResult(skip_reason=dg.SkipReason("no new file"), cursor=seen)
    key = "-".join(sorted(digest[:16] for _, digest in fresh))
    names = ", ".join(relative_name(path, folder) for path, _ in fresh)
    request = dg.RunRequest(run_key=key, tags={"heirpay/bank_files": names})
    return dg.SensorResult(run_requests=[request], cursor=seen)


# Not by the decorator: it warns of a parameter that is not used here.
new_bank_files = dg.SensorDefinition(
    name="new_bank_files",
    evaluation_fn=_ask_for_a_refresh,
    job_name=REFRESH,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a refresh when a bank statement arrives that was never landed.",
)
