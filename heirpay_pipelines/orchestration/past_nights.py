"""Past nights as one asset, `nights/warehouse`, with a partition for each as-of date: computed
again by today's rules from what had been landed by then.

It asks Stripe for nothing, publishes nothing and changes no record: the result is a file beside the
published warehouse, `warehouse/nights/<date>.duckdb`. No postponed annotations: Dagster reads them.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.published import hash_of
from heirpay_pipelines.controls import RunContext, run_controls, verdict
from heirpay_pipelines.controls.store import copy_results
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.pull_sequence import whole
from heirpay_pipelines.orchestration.dbt_stream import stream_build
from heirpay_pipelines.orchestration.models import build_request
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.placing import placed
from heirpay_pipelines.orchestration.run_tags import AS_OF, NIGHT
from heirpay_pipelines.published_file import put_in_place
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.publication import publish

NIGHTS = dg.AssetKey(["nights", "warehouse"])


class NoNightError(Exception):
    """Nothing was landed on that date; the message says which dates there are."""


def landed_nights(settings: Settings) -> dict[date, datetime]:
    """The newest as-of instant that was landed on each date in the reporting time zone."""
    landing = Landing.of(settings)
    return {m.as_of.astimezone(settings.zone).date(): m.as_of for m in landing.manifests()}


def night_of(settings: Settings, day: date) -> datetime:
    """The instant as of which a date's night was landed; NoNightError without one."""
    nights = landed_nights(settings)
    if day not in nights:
        raise NoNightError(
            f"No night was landed on {day}. Landed: {', '.join(map(str, nights)) or 'none'}."
        )
    return nights[day]


def partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """A partition for each date from the first landed night on, today's included."""
    first = min(landed_nights(settings), default=datetime.now(settings.zone).date())
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(), timezone=settings.timezone, end_offset=1
    )


def build_nights_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset; a run computes one date."""

    @dg.multi_asset(
        name="recompute_night",
        specs=[
            placed(
                dg.AssetSpec(
                    NIGHTS,
                    group_name="nights",
                    kinds={"dbt", "duckdb"},
                    description="A past night computed again by today's rules, from what had been"
                    " landed by then: warehouse/nights/DATE.duckdb, read by `heirpay query --night"
                    " DATE`. A date is that of the as-of instant in the reporting time zone, the"
                    " newest landed on it. Nothing is asked of Stripe, published or reported.",
                ),
                settings,
            )
        ],
        partitions_def=partitions(settings),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        required_resource_keys={"night"},
    )
    def recompute_night(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Build, check and keep one past night."""
        night: Night = context.resources.night
        day = date.fromisoformat(context.partition_key)
        try:
            as_of = night_of(settings, day)
        except NoNightError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        night.tag({AS_OF: as_of.isoformat(), NIGHT: day.isoformat()})
        context.log.info(f"{day}: computed again as of {as_of.isoformat()}")
        for said in whole(settings.state_file, Landing(settings.landing_dir)):
            context.log.warning(said)
        return dg.MaterializeResult(
            asset_key=NIGHTS, metadata=_recompute(night, day, as_of, context.log.info)
        )

    return recompute_night


def _recompute(
    night: Night, day: date, as_of: datetime, tell: Callable[[str], object]
) -> dict[str, Any]:
    settings = night.settings
    request = build_request(night, as_of)
    prepare_build(request, settings)
    for result in stream_build(request):
        tell(f"{result.place} of {result.of}: {result.unique_id.rpartition('.')[2]}")
    given = RunContext(night.run_id, as_of, settings, datetime.now(UTC), night.key)
    found = verdict(run_controls(night.build, given, tell=tell))
    said = found.reason or "may be published"
    with night.state() as state:
        with connect(night.build, night.key, read_only=False) as connection:
            copy_results(connection, state)
        target = settings.recomputed_night(day)
        publish(night.build, target, night.key, _record(settings, state, day, as_of, said))
    return night_metadata(settings, day, as_of, said)


def keep_published(night: Night) -> dg.AssetMaterialization:
    """A night of the past that was just published, kept as its date's partition, too."""
    settings, as_of = night.settings, night.as_of
    day = as_of.astimezone(settings.zone).date()
    target = settings.recomputed_night(day)
    copy = night.build.with_name(f"{night.run_id}-{day}.duckdb")
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(settings.warehouse, copy)
    said = "was published"
    night.tag({NIGHT: day.isoformat()})
    with night.state() as state:
        put_in_place(copy, target, _record(settings, state, day, as_of, said))
    return dg.AssetMaterialization(
        NIGHTS, partition=day.isoformat(), metadata=night_metadata(settings, day, as_of, said)
    )


def _record(
    settings: Settings, state: State, day: date, as_of: datetime, said: str
) -> Callable[[str], object]:
    """Notes the file in the audit log, by its hash."""
    detail = {"as_of": as_of.isoformat(), "verdict": said}

    def record(digest: str) -> None:
        given = detail | hash_of(settings, settings.recomputed_night(day), digest)
        append(state, datetime.now(UTC), "backfill", Action.NIGHT_RECOMPUTED, str(day), given)

    return record


def night_metadata(settings: Settings, day: date, as_of: datetime, said: str) -> dict[str, Any]:
    """What the partition says of its file."""
    return {
        "as of": as_of.isoformat(),
        "verdict": said,
        "published": "no: the published warehouse is another file",
        "warehouse": dg.MetadataValue.path(str(settings.recomputed_night(day))),
        "query": f'heirpay query --night {day} "from finance.mrr_monthly"',
    }
