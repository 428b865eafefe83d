"""The steps after the models: check, publish, escalate, report, and the run's verdict.

No postponed annotations here: Dagster reads them.
"""

from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg

from heirpay_pipelines.audit import Action, append, head
from heirpay_pipelines.check import RunContext, run_controls, store_results, verdict
from heirpay_pipelines.duck import connect
from heirpay_pipelines.escalate import RunFacts as EscalationFacts
from heirpay_pipelines.escalate import process
from heirpay_pipelines.escalate.published import incident_rows
from heirpay_pipelines.model.breaks import record_breaks
from heirpay_pipelines.model.figures import record_figures
from heirpay_pipelines.nightly.checks import CONTROL_RESULTS
from heirpay_pipelines.nightly.night import Night
from heirpay_pipelines.nightly.preview import report_preview
from heirpay_pipelines.publish.swap import publish, record_published
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.report.write import write_report
from heirpay_pipelines.state.runs import close_run
from heirpay_pipelines.state.switches import ISOLATION, switch_reason

FINANCE, COMPLIANCE = ["team:finance"], ["team:compliance"]
PUBLICATION = dg.AssetKey(["publish", "publication"])
INCIDENTS = dg.AssetKey(["escalate", "incidents"])
REPORT = dg.AssetKey(["report", "domain_report"])


def build_control_results(models: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """Evaluating every control, once all models are built."""

    @dg.asset(
        key=CONTROL_RESULTS,
        deps=models,
        group_name="compliance",
        kinds={"duckdb", "greatexpectations"},
        owners=COMPLIANCE,
        description="What every control found in this run: compliance.control_results.",
        required_resource_keys={"night"},
    )
    def control_results(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        night: Night = context.resources.night
        run = night.run()
        night.say("check")
        given = RunContext(night.run_id, run.as_of, night.settings, datetime.now(UTC), night.key)
        results = run_controls(night.build, given, data_docs=night.report_folder / "data_docs")
        with night.state() as state:
            store_results(state, night.build, night.key, results)
        found = verdict(results)
        night.say(f"check: {found}")
        return dg.MaterializeResult(
            metadata={
                "verdict": found.reason or "may be published",
                "evidenced": f"{found.evidenced} of {found.total}",
                "not passed": dg.MetadataValue.md(
                    "\n".join(
                        f"- **{r.key}** ({r.severity}, {r.status}): {r.what_to_do}"
                        for r in results
                        if not r.passed
                    )
                    or "none"
                ),
            }
        )

    return control_results


@dg.asset(
    key=PUBLICATION,
    deps=[CONTROL_RESULTS],
    group_name="publish",
    kinds={"duckdb"},
    owners=FINANCE,
    description="The published warehouse: replaced by rename when no blocking control failed.",
    required_resource_keys={"night"},
)
def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Publish the build, or leave yesterday's and say why."""
    night: Night = context.resources.night
    found = verdict(night.control_results())
    with night.state() as state:
        isolated = switch_reason(state, ISOLATION)
        stopped = isolated and f"publication is stopped ({isolated}): heirpay incidents release"
        reason = found.reason or stopped
        outcome = "refused" if reason else "published"
        detail = {"run_id": night.run_id, "outcome": outcome, "reason": reason or ""}
        action = Action.RUN_REFUSED if reason else Action.RUN_PUBLISHED
        append(state, datetime.now(UTC), "nightly", action, night.run_id, detail)
        if not reason:
            with connect(night.build, night.key, read_only=False) as build:
                record_figures(build, state)
                record_breaks(build, state, night.run().as_of)
                record_published(build, night.run_id)
            publish(night.build, night.settings.warehouse, night.key)
        close_run(state, night.run_id, outcome, reason)
    night.say(f"publish: {reason or night.settings.warehouse}")
    return dg.MaterializeResult(
        metadata={
            "outcome": outcome,
            "reason": reason or "every blocking control passed",
            "warehouse": dg.MetadataValue.path(str(night.settings.warehouse)),
        }
    )


@dg.asset(
    key=INCIDENTS,
    deps=[PUBLICATION],
    group_name="escalate",
    owners=FINANCE,
    description="Incidents opened, struck, escalated and resolved by what this night found.",
    required_resource_keys={"night"},
)
def incidents(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Turn failures into incidents, try what can be tried, and tell who must act."""
    night: Night = context.resources.night
    run = night.run()
    facts = EscalationFacts(run.run_id, run.as_of, run.outcome, run.reason)
    rows = [asdict(result) for result in night.control_results()]
    looked_at = night.build if run.outcome == "refused" else night.settings.warehouse
    outcome = process(night.settings, facts, rows, looked_at)
    night.say(f"escalate: {outcome.unresolved} incidents are open")
    counted = {
        name: len(value) for name, value in asdict(outcome).items() if isinstance(value, tuple)
    }
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
    owners=FINANCE,
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
            "report": dg.MetadataValue.url(paths.html.as_uri()),
            "preview": dg.MetadataValue.md(report_preview(paths.document)),
            "audit chain head": chain,
        }
    )


@dg.asset(
    key=dg.AssetKey(["report", "verdict"]),
    deps=[REPORT],
    group_name="report",
    owners=FINANCE,
    description="Green when the night was published; red, with the reason, when it was refused.",
    required_resource_keys={"night"},
)
def final_verdict(context: dg.AssetExecutionContext) -> None:
    """Fail the run, after its report is written, when publication was refused."""
    night: Night = context.resources.night
    run = night.run()
    if run.outcome == "refused":
        raise dg.Failure(f"Publication was refused: {run.reason}", allow_retries=False)
