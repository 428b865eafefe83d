"""The steps before and after the models, as Dagster assets. Each calls its step and shows what
it did; what a step does is in its own folder.

No postponed annotations here: Dagster reads them to find the config.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.storage.tags import SCHEDULE_NAME_TAG

from heirpay_pipelines.gateways.errors import RefusedError, TransientError, UnreachableError
from heirpay_pipelines.gateways.stripe.resources import DERIVED, RESOURCES
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.pull_sequence import whole
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.state.runs import record_pull
from heirpay_pipelines.warehouse.leftovers import clear_leftovers
from heirpay_pipelines.warehouse.publication import discard_builds

if TYPE_CHECKING:
    from heirpay_pipelines.bank.files import BankOutcome
    from heirpay_pipelines.gateways.stripe.landing_run import PullOutcome

LANDED = sorted({resource.object_name for resource in RESOURCES} | set(DERIVED))


class PullConfig(dg.Config):
    """What one night is asked for."""

    as_of: str | None = None
    full: bool = False


HOST_TRIES, HOST_WAIT_SECONDS = 30, 60
"""How often, and after how many seconds, a scheduled run tries a host that takes no connection."""


@contextmanager
def one_try_unless_transient(is_scheduled: bool) -> Iterator[None]:
    """Dagster tries a step again; only what may pass by itself is worth that. A host that cannot be
    reached is tried for half an hour where nobody waits; a person is told at once."""
    try:
        yield
    except UnreachableError as error:
        if is_scheduled:
            raise dg.RetryRequested(HOST_TRIES, HOST_WAIT_SECONDS) from error
        raise dg.Failure(str(error), allow_retries=False) from error
    except (TransientError, RefusedError):
        raise
    except Exception as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def landing_key(object_name: str) -> dg.AssetKey:
    """`radar.early_fraud_warning` → landing/radar_early_fraud_warning, as its view is named."""
    return dg.AssetKey(["landing", object_name.replace(".", "_")])


BANK = landing_key("bank_transaction")


@dg.multi_asset(
    name="pull_and_land",
    specs=[
        dg.AssetSpec(
            landing_key(name),
            group_name="land",
            description=f"Every observed version of each Stripe `{name}`, as pulled, in Parquet.",
            kinds={"stripe", "parquet"},
        )
        for name in LANDED
    ]
    + [
        dg.AssetSpec(
            BANK,
            group_name="land",
            description="Lines of bank statements: camt.053, MT940, BAI2, OFX and CSV files.",
            kinds={"parquet"},
        )
    ],
    can_subset=True,
    required_resource_keys={"night"},
    # A night that an outage spoils is worth another try; nothing half pulled is ever visible.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def pull_and_land_asset(
    context: dg.AssetExecutionContext, config: PullConfig
) -> Iterator[dg.MaterializeResult[None]]:
    """Pull what changed since the last night (or everything), and commit it."""
    # Imported here: what talks to a gateway and reads files costs every start of Dagster seconds.
    from heirpay_pipelines.bank.files import land_bank_statements
    from heirpay_pipelines.gateways.stripe.account import stripe_account
    from heirpay_pipelines.gateways.stripe.landed_reports import land_reports
    from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
    from heirpay_pipelines.orchestration.logged_progress import LoggedProgress
    from heirpay_pipelines.privacy.night import go_on_with_erasures, tidy_inbox
    from heirpay_pipelines.receive.drain import drain

    night: Night = context.resources.night
    night.begin(config.as_of)
    as_of = night.as_of.astimezone(UTC)
    with one_try_unless_transient(SCHEDULE_NAME_TAG in context.run.tags):
        if night.is_whole:
            discard_builds(night.build.parent)
        night.report_logs(clear_leftovers(night.settings), context.log.warning)
        for said in whole(night.settings.state_file, Landing.of(night.settings)):
            context.log.warning(said)
            night.say(f"landing: {said}")
        go_on_with_erasures(night.settings, datetime.now(UTC), context.log.warning)
        account = stripe_account(night.settings)
        drained = drain(account, as_of)
        tidy_inbox(night.settings)
        context.log.info(
            f"webhooks: {drained.events} events landed; {drained.reason or 'inbox empty'}"
        )
        with LoggedProgress(context.log.info) as progress:
            outcome = pull_and_land(account, as_of, config.full, progress)
        tied = land_reports(account, as_of)
        for line in tied.coverage:
            if line.reason is not None:
                context.log.warning(f"{line.endpoint} is {line.status}: {line.reason}")
        bank = land_bank_statements(night.settings, as_of)
        for note in bank.notes:
            context.log.warning(f"Bank statements: {note}")
        for refused in bank.quarantined:
            context.log.warning(
                f"Bank statement {refused.file_name} is quarantined: {refused.reason}"
            )
    if night.is_whole:
        with night.state() as state:
            record_pull(
                state, night.run_id, outcome.manifest.pull_id, outcome.requests, outcome.rows
            )
    yield from _shown(context, outcome, bank)


def _shown(
    context: dg.AssetExecutionContext, outcome: "PullOutcome", bank: "BankOutcome"
) -> Iterator[dg.MaterializeResult[None]]:
    """A pull is of everything: what it brought of objects that were not selected is shown, too."""
    said: dict[dg.AssetKey, Any] = {
        **{landing_key(name): _landed(name, outcome) for name in LANDED},
        BANK: {
            "new lines": bank.lines,
            "new files": bank.files,
            "quarantined files": len(bank.quarantined),
        },
    }
    for key, metadata in said.items():
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        else:
            context.log_event(dg.AssetMaterialization(key, metadata=metadata))


def _landed(name: str, outcome: "PullOutcome") -> dict[str, dg.MetadataValue]:
    lines = [line for line in outcome.manifest.coverage if line["object_name"] == name]
    return {
        "new versions": dg.MetadataValue.int(outcome.rows.get(name, 0)),
        "requests": dg.MetadataValue.int(sum(line["requests"] for line in lines)),
        "coverage": dg.MetadataValue.text(
            "; ".join(line["reason"] or line["status"] for line in lines) or "inside other objects"
        ),
        "pull": dg.MetadataValue.text(outcome.manifest.pull_id),
    }
