"""Between two nights: delivered webhooks are drained into landing, waiting messages are sent."""

from datetime import UTC, datetime

import dagster as dg

from heirpay_pipelines.orchestration.asking import pause_after_failures, waiting_run
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.run_lock import AnotherRunError, refuse_second_run

SECONDS = 60
DRAIN = "drain_webhooks"


@dg.op(
    required_resource_keys={"night"},
    description="Land what Stripe has delivered to `heirpay receive` since the last time.",
)
def drain_inbox(context: dg.OpExecutionContext) -> None:
    """Land the waiting events; the next build sees them."""
    from heirpay_pipelines.gateways.stripe.account import stripe_account
    from heirpay_pipelines.receive.drain import drain

    night: Night = context.resources.night
    outcome = drain(stripe_account(night.settings), datetime.now(UTC), pull_follows=False)
    context.add_output_metadata(
        {
            "events": outcome.events,
            "versions": outcome.versions,
            "left to the pull": outcome.left_to_pull,
            "set aside": outcome.set_aside,
            "pull": outcome.pull_id or outcome.reason or "",
        }
    )


@dg.job(
    name=DRAIN,
    executor_def=dg.in_process_executor,
    description="Delivered webhooks into landing.",
)
def drain_webhooks() -> None:
    drain_inbox()


def _ask_for_a_drain(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a drain when there is something to land and nobody holds the run lock."""
    from heirpay_pipelines.gateways.stripe.account import stripe_account
    from heirpay_pipelines.receive.drain import waiting

    settings = Settings.load()
    now = datetime.now(UTC)
    with open_state(settings.state_file) as state:
        count = waiting(stripe_account(settings), state, now)
    if not count:
        return dg.SkipReason("nothing waits to be landed")
    reason = waiting_run(context.instance, DRAIN)
    if reason := reason or pause_after_failures(context.instance, DRAIN, now):
        return dg.SkipReason(reason)
    try:
        refuse_second_run(settings)
    except AnotherRunError:
        return dg.SkipReason("a run is under way")
    return dg.RunRequest()


def _send_what_is_due(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Send what is due; starts no run."""
    from heirpay_pipelines.incidents.outbox import deliver

    settings = Settings.load()
    with open_state(settings.state_file) as state:
        done = deliver(settings, state, datetime.now(UTC))
    return dg.SkipReason(f"{done.sent} sent, {done.failed} failed, {done.waiting} waiting")


# Not by the decorator: it warns, on every command, of a parameter that is not used here.
webhooks_waiting = dg.SensorDefinition(
    name="webhooks_waiting",
    evaluation_fn=_ask_for_a_drain,
    job=drain_webhooks,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a drain when webhooks wait in the inbox and no run is under way.",
)
outbox = dg.SensorDefinition(
    name="outbox",
    evaluation_fn=_send_what_is_due,
    job=drain_webhooks,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends notifications that have not arrived yet, again and again until they do.",
)
