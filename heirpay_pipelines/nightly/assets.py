"""The steps before and after the models, as Dagster assets. Each calls its step and shows what
it did; what a step does is in its own folder."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from heirpay_pipelines.nightly.night import Night
from heirpay_pipelines.pull.resources import RESOURCES

OWNERS = ["team:finance"]


class PullConfig(dg.Config):
    """What one night is asked for."""

    as_of: str | None = None
    full: bool = False


def landing_key(object_name: str) -> dg.AssetKey:
    """`radar.early_fraud_warning` → landing/radar_early_fraud_warning, as its view is named."""
    return dg.AssetKey(["landing", object_name.replace(".", "_")])


LANDED = sorted({resource.object_name for resource in RESOURCES})


@dg.multi_asset(
    name="pull_and_land",
    specs=[
        dg.AssetSpec(
            landing_key(name),
            group_name="land",
            description=f"Every observed version of each Stripe `{name}` object, as pulled.",
            kinds={"stripe", "parquet"},
            owners=OWNERS,
        )
        for name in LANDED
    ],
    required_resource_keys={"night"},
    # A night that Stripe's own outage spoils is worth another try; what was landed stays.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def pull_and_land(
    context: dg.AssetExecutionContext, config: PullConfig
) -> Iterator[dg.MaterializeResult]:
    """Pull what changed since the last night, or everything, into immutable Parquet."""
    night: Night = context.resources.night
    run = night.begin(config.as_of)
    discard_builds(night.build.parent)
    outcome = land(night.settings, run.as_of, config.full, progress_for(context))
    with night.state() as state:
        record_pull(state, night.run_id, outcome.pull_id, outcome.requests, outcome.rows)
    for name in LANDED:
        yield dg.MaterializeResult(
            asset_key=landing_key(name),
            metadata={"dagster/row_count": outcome.rows.get(name, 0)},
        )
