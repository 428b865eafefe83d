"""The steps after the checks: publish, or refuse to, and escalate.

No postponed annotations here: Dagster reads them.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.published import hash_of
from heirpay_pipelines.books.adjustments import record_adjustments
from heirpay_pipelines.books.break_states import record_breaks
from heirpay_pipelines.books.published_figures import record_figures
from heirpay_pipelines.controls import Verdict, verdict
from heirpay_pipelines.duck import connect
from heirpay_pipelines.incidents import RunFacts as EscalationFacts
from heirpay_pipelines.incidents import evaluate, process
from heirpay_pipelines.incidents.incidents import unresolved
from heirpay_pipelines.incidents.published import changes_of, publish_incidents
from heirpay_pipelines.orchestration.checks import CONTROL_RESULTS
from heirpay_pipelines.orchestration.clock import is_landed
from heirpay_pipelines.orchestration.figures import published_figures
from heirpay_pipelines.orchestration.night import WITHOUT_REPORT, Night
from heirpay_pipelines.orchestration.past_nights import keep_published
from heirpay_pipelines.orchestration.placing import PUBLICATION
from heirpay_pipelines.state.database import State
from heirpay_pipelines.state.runs import close_run, mark_evaluated
from heirpay_pipelines.state.switches import ISOLATION, switch_reason
from heirpay_pipelines.warehouse.publication import publish, record_published

DECISION = dg.AssetKey(["publish", "decision"])
INCIDENTS = dg.AssetKey(["escalate", "incidents"])
NO_DECISION = "nothing to decide: this run is not a whole night"


@dg.multi_asset(
    name="publish",
    specs=[
        dg.AssetSpec(
            DECISION,
            deps=[CONTROL_RESULTS],
            group_name="publish",
            description="Whether this run may be published: yes when no blocking control failed.",
        ),
        dg.AssetSpec(
            PUBLICATION,
            deps=[DECISION],
            group_name="publish",
            kinds={"duckdb"},
            skippable=True,
            description="The published warehouse, which everyone reads. A refused run leaves it as"
            " it was, and then this asset grows old.",
        ),
    ],
    can_subset=True,
    required_resource_keys={"night"},
)
def publication(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Publish the build, or leave yesterday's and say why."""
    night: Night = context.resources.night
    if not night.is_whole:
        context.log.warning(f"{NO_DECISION}, so the published warehouse stays as it is.")
        if DECISION in context.selected_asset_keys:
            said = {"outcome": "none", "reason": NO_DECISION}
            yield dg.MaterializeResult(asset_key=DECISION, metadata=said | night.unpublished())
        return
    found = verdict(night.control_results())
    reason = _decide(context, night, found)
    night.say(f"publish: {reason or night.settings.warehouse}")
    as_of = night.as_of.isoformat()
    outcome = "refused" if reason else "published"
    said = {"outcome": outcome, "reason": reason or "every blocking control passed", "as of": as_of}
    blocking = blocking_controls(found)
    yield dg.MaterializeResult(asset_key=DECISION, metadata=said | blocking)
    if reason:
        context.log.error(f"Refused, as of {as_of}: {reason}")
        refused = {**said, **blocking, "run": night.run_id}
        context.log_event(
            dg.AssetObservation(PUBLICATION, description=f"Refused: {reason}", metadata=refused)
        )
    else:
        yield dg.MaterializeResult(
            asset_key=PUBLICATION,
            metadata={
                "as of": as_of,
                "run": night.run_id,
                "warehouse": dg.MetadataValue.path(str(night.settings.warehouse)),
            },
        )
        if is_landed(night.settings, night.as_of):
            context.log_event(keep_published(night))
    tables = sorted(night.scope.graph.models)
    for event in published_figures(night, tables, context.instance, context.log.warning):
        context.log_event(event)


def _decide(context: dg.AssetExecutionContext, night: Night, found: Verdict) -> str | None:
    """Publish unless something stands against it; what does. Either way the run is closed."""
    with night.state() as state:
        isolated = switch_reason(state, ISOLATION)
        stopped = isolated and f"publication is stopped ({isolated}): heirpay incidents release"
        reason = found.reason or stopped or None
        outcome = "refused" if reason else "published"
        detail: dict[str, Any] = {
            "run_id": night.run_id,
            "outcome": outcome,
            "reason": reason or "",
        }
        if reason:
            append(state, datetime.now(UTC), "nightly", Action.RUN_REFUSED, night.run_id, detail)
        else:
            with connect(night.build, night.key, read_only=False) as build:
                record_figures(build, state)
                record_breaks(build, state, night.as_of)
                record_adjustments(build, state, night.as_of, night.run_id)
                record_published(build, night.run_id)
            _incidents_of(night, state, context.log.exception)
            target = night.settings.warehouse

            def record(digest: str) -> None:
                given = detail | hash_of(night.settings, target, digest)
                now = datetime.now(UTC)
                append(state, now, "nightly", Action.RUN_PUBLISHED, night.run_id, given)

            logs = publish(night.build, target, night.key, record)
            night.report_logs(logs, context.log.warning)
        close_run(state, night.run_id, outcome, reason)
    return reason


def blocking_controls(found: Verdict) -> dict[str, Any]:
    """The blocking controls that did not pass, and for each what is at fault and what to do."""
    if not found.blocking_failures:
        return {}
    return {
        "blocking controls": ", ".join(result.key for result in found.blocking_failures),
        "what to do": dg.MetadataValue.md(
            "\n".join(
                f"- **{result.key}** ({result.requirement}): {result.fault}. {result.what_to_do}"
                for result in found.blocking_failures
            )
        ),
    }


def _incidents_of(night: Night, state: State, complain: Callable[[str], None]) -> None:
    """The night's own incidents into the file that is about to be published.

    They are told after it is. What breaks here keeps no figures from being published: the step
    `incidents` tries again, and then fails the run.
    """
    if night.job in WITHOUT_REPORT:
        return  # these runs evaluate nothing: the build has what the last night found
    try:
        evaluate(*_looked_at(night, "published", None))
        mark_evaluated(state, night.run_id)
        with connect(night.build, night.key, read_only=False) as build:
            publish_incidents(build, state, night.as_of)
    except Exception as error:  # noqa: BLE001
        complain(f"The published incidents are those of the night before: {error}")


def _looked_at(night: Night, outcome: str, reason: str | None) -> tuple[Any, ...]:
    """What incidents are made of: the arguments of `evaluate` and `process`."""
    run = night.run()
    facts = EscalationFacts(run.run_id, run.as_of, outcome, reason)
    rows = [asdict(result) for result in night.control_results()]
    found = night.build if night.build.is_file() else night.settings.warehouse
    return night.settings, facts, rows, found


@dg.asset(
    key=INCIDENTS,
    deps=[DECISION],
    group_name="escalate",
    description="Incidents opened, struck, escalated and resolved by what this night found.",
    required_resource_keys={"night"},
)
def incidents(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Turn failures into incidents, try what can be tried, and tell who must act."""
    night: Night = context.resources.night
    if not night.is_whole:
        with night.state() as state:
            counted = changes_of(state, night.as_of)
            is_open = len(unresolved(state))
        return dg.MaterializeResult(
            metadata={**counted, "open": is_open, "published": "no", "evaluated": "no"}
        )
    run = night.run()
    looked_at = _looked_at(night, run.outcome, run.reason)
    outcome = process(*looked_at, is_evaluated=run.is_evaluated)
    night.say(f"escalate: {outcome.unresolved} incidents are open")
    with night.state() as state:
        counted = changes_of(state, run.as_of)
    return dg.MaterializeResult(
        metadata={
            **counted,
            "open": outcome.unresolved,
            "messages waiting": outcome.messages_waiting,
        }
    )
