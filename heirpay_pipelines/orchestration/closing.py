"""The steps after the checks: publish, escalate, report, and the run's verdict.

No postponed annotations here: Dagster reads them.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from heirpay_pipelines.audit import Action, append, head
from heirpay_pipelines.audit.published import hash_of
from heirpay_pipelines.books.adjustments import record_adjustments
from heirpay_pipelines.books.break_states import record_breaks
from heirpay_pipelines.books.published_figures import record_figures
from heirpay_pipelines.controls import verdict
from heirpay_pipelines.duck import connect
from heirpay_pipelines.incidents import RunFacts as EscalationFacts
from heirpay_pipelines.incidents import evaluate, process
from heirpay_pipelines.incidents.published import changes_of, incident_rows, publish_incidents
from heirpay_pipelines.orchestration.checks import CONTROL_RESULTS
from heirpay_pipelines.orchestration.night import WITHOUT_REPORT, Night
from heirpay_pipelines.orchestration.preview import report_preview
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.report.write import write_report
from heirpay_pipelines.state.database import State
from heirpay_pipelines.state.runs import close_run, mark_evaluated
from heirpay_pipelines.state.switches import ISOLATION, switch_reason
from heirpay_pipelines.warehouse.publication import publish, record_published

DECISION = dg.AssetKey(["publish", "decision"])
PUBLICATION = dg.AssetKey(["publish", "publication"])
INCIDENTS = dg.AssetKey(["escalate", "incidents"])
REPORT = dg.AssetKey(["report", "domain_report"])


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
    required_resource_keys={"night"},
)
def publication(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Publish the build, or leave yesterday's and say why."""
    night: Night = context.resources.night
    found = verdict(night.control_results())
    with night.state() as state:
        isolated = switch_reason(state, ISOLATION)
        stopped = isolated and f"publication is stopped ({isolated}): heirpay incidents release"
        reason = found.reason or stopped
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
                record_breaks(build, state, night.run().as_of)
                record_adjustments(build, state, night.run().as_of, night.run_id)
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
    night.say(f"publish: {reason or night.settings.warehouse}")
    said = {"outcome": outcome, "reason": reason or "every blocking control passed"}
    yield dg.MaterializeResult(asset_key=DECISION, metadata=said)
    if not reason:
        yield dg.MaterializeResult(
            asset_key=PUBLICATION,
            metadata={
                "as of": night.run().as_of.isoformat(),
                "warehouse": dg.MetadataValue.path(str(night.settings.warehouse)),
            },
        )


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
            publish_incidents(build, state, night.run().as_of)
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


@dg.asset(
    key=REPORT,
    deps=[INCIDENTS],
    group_name="report",
    kinds={"html", "json", "excel"},
    description="The domain report: what finance reads in the morning, and what programs read.",
    required_resource_keys={"night"},
)
def domain_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Write report.html, report.json and finance.xlsx, whether or not the night was published."""
    night: Night = context.resources.night
    run = night.run()
    with night.state() as state:
        known = incident_rows(state)
        chain = str(head(state))
    facts = RunFacts(
        run_id=run.run_id,
        as_of=run.as_of,
        verdict="published" if run.outcome == "published" else "refused",
        reason=run.reason,
        requests=run.requests,
        rows=run.rows_pulled or {},
        coverage=night.coverage(),
        incidents=known,
        audit_head=chain,
    )
    paths = write_report(
        night.settings, facts, [asdict(result) for result in night.control_results()]
    )
    night.say(f"report: {paths.html}")
    return dg.MaterializeResult(
        metadata={
            # No link: a browser opens no file from a page that came over HTTP.
            "report": dg.MetadataValue.path(str(paths.html)),
            "open it": "heirpay report --open",
            "preview": dg.MetadataValue.md(
                report_preview(paths.document, is_sealed=bool(night.key))
            ),
            "audit chain head": chain,
        }
    )


@dg.asset(
    key=dg.AssetKey(["report", "verdict"]),
    # Runs that write no report (a refresh, a month end) are judged, too: after the decision.
    deps=[DECISION, REPORT],
    group_name="report",
    description="Green when the night was published; red, with the reason, when it was refused.",
    required_resource_keys={"night"},
)
def final_verdict(context: dg.AssetExecutionContext) -> None:
    """Fail the run, after its report if it writes one, when publication was refused."""
    night: Night = context.resources.night
    run = night.run()
    if run.outcome == "refused":
        raise dg.Failure(f"Publication was refused: {run.reason}", allow_retries=False)
