"""Backfill by date: a past night computed again by today's rules from what had been landed then.

It asks Stripe for nothing, publishes nothing and changes no record: the result is a file beside the
published warehouse, `warehouse/nights/<date>.duckdb`.
"""

from datetime import UTC, date, datetime

import dagster as dg

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.published import hash_of
from heirpay_pipelines.controls import RunContext, run_controls, verdict
from heirpay_pipelines.controls.store import copy_results
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.pull_sequence import whole
from heirpay_pipelines.orchestration.models import build_request
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import build
from heirpay_pipelines.warehouse.publication import publish


class NoNightError(Exception):
    """Nothing was landed on that date; the message says which dates there are."""


def landed_nights(settings: Settings) -> dict[date, datetime]:
    """The newest as-of instant that was landed on each date in the reporting time zone."""
    landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
    return {m.as_of.astimezone(settings.zone).date(): m.as_of for m in landing.manifests()}


def night_of(settings: Settings, day: date) -> datetime:
    """The instant as of which a date's night was landed; NoNightError without one."""
    nights = landed_nights(settings)
    if day not in nights:
        raise NoNightError(
            f"No night was landed on {day}. Landed: {', '.join(map(str, nights)) or 'none'}."
        )
    return nights[day]


@dg.op(
    required_resource_keys={"night"},
    description="Models and controls as of the date's night, into a file of their own.",
)
def recompute_night(context: dg.OpExecutionContext) -> None:
    """Build, check and keep one past night."""
    night: Night = context.resources.night
    settings = night.settings
    day = date.fromisoformat(context.partition_key)
    as_of = night_of(settings, day)
    context.log.info(f"{day}: computed again as of {as_of.isoformat()}")
    for said in whole(settings.state_file, Landing(settings.landing_dir)):
        context.log.warning(said)
    build(build_request(night, as_of), settings)
    given = RunContext(night.run_id, as_of, settings, datetime.now(UTC), night.key)
    found = verdict(run_controls(night.build, given))
    target = settings.recomputed_night(day)
    with night.state() as state:
        with connect(night.build, night.key, read_only=False) as connection:
            copy_results(connection, state)
        detail = {"as_of": as_of.isoformat(), "verdict": found.reason or "may be published"}

        def record(digest: str) -> None:
            given = detail | hash_of(settings, target, digest)
            now = datetime.now(UTC)
            append(state, now, "backfill", Action.NIGHT_RECOMPUTED, str(day), given)

        publish(night.build, target, night.key, record)
    context.add_output_metadata(
        {
            "as of": as_of.isoformat(),
            "verdict": found.reason or "may be published",
            "warehouse": dg.MetadataValue.path(str(target)),
            "query": f'heirpay query --night {day} "from finance.mrr_monthly"',
        }
    )


def build_backfill(settings: Settings) -> dg.JobDefinition:
    """A job with a partition for each date from the first landed night on."""
    first = min(landed_nights(settings), default=datetime.now(settings.zone).date())

    @dg.job(
        name="backfill",
        partitions_def=dg.DailyPartitionsDefinition(
            start_date=first.isoformat(), timezone=settings.timezone, end_offset=1
        ),
        executor_def=dg.in_process_executor,
        description="Past nights computed again by today's rules, each from what had been landed by"
        " then: models and controls into warehouse/nights/DATE.duckdb. Nothing is asked of Stripe,"
        " published or reported.",
    )
    def backfill() -> None:
        recompute_night()

    return backfill
