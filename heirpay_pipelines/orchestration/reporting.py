"""The last steps: the report, and the run's verdict.

No postponed annotations here: Dagster reads them.
"""

from dataclasses import asdict
from typing import Any

import dagster as dg

from heirpay_pipelines.audit import head
from heirpay_pipelines.controls import verdict
from heirpay_pipelines.controls.store import read_results
from heirpay_pipelines.incidents.published import incident_rows
from heirpay_pipelines.orchestration.closing import (
    DECISION,
    INCIDENTS,
    NO_DECISION,
    blocking_controls,
)
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.preview import report_preview
from heirpay_pipelines.orchestration.report_pages import path_of_page
from heirpay_pipelines.report.drafts import UNPUBLISHED_REPORT
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.state.runs import Run, newest_ended_night

REPORT = dg.AssetKey(["report", "domain_report"])
VERDICT = dg.AssetKey(["report", "verdict"])


@dg.asset(
    key=REPORT,
    deps=[INCIDENTS],
    group_name="report",
    kinds={"html", "json", "excel"},
    description="The domain report: what finance reads in the morning, and what programs read."
    " Materialised alone it is the newest night's again, in reports/unpublished: the night's own"
    " stays as it was written.",
    required_resource_keys={"night"},
)
def domain_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Write report.html, report.json and finance.xlsx, whether or not the night was published."""
    # Imported here: what draws charts and writes sheets costs every start of Dagster a second.
    from heirpay_pipelines.report.write import write_report

    night: Night = context.resources.night
    settings = night.settings
    run = night.run() if night.is_whole else _newest_night(night)
    with night.state() as state:
        known = incident_rows(state)
        chain = str(head(state))
        results = read_results(state, run.run_id, settings.project)
    from heirpay_pipelines.orchestration.job import CRONS  # which loads the assets
    from heirpay_pipelines.orchestration.schedule_command import is_running

    facts = RunFacts(
        run_id=run.run_id,
        as_of=run.as_of,
        verdict="published" if run.outcome == "published" else "refused",
        reason=run.reason,
        requests=run.requests,
        rows=run.rows_pulled or {},
        coverage=night.coverage(run.as_of),
        incidents=known,
        audit_head=chain,
        schedules=[
            {"job": job, "cron": cron, "when": when, "on": is_running(context.instance, job)}
            for job, (cron, when) in CRONS.items()
        ],
    )
    apart = None if night.is_whole else settings.reports_dir / UNPUBLISHED_REPORT
    paths = write_report(settings, facts, [asdict(result) for result in results], apart)
    night.say(f"report: {paths.html}")
    said: dict[str, Any] = {"published": "no"} if apart else {}
    return dg.MaterializeResult(
        metadata={
            **said,
            "as of": run.as_of.isoformat(),
            "run": run.run_id,
            # Of the server that shows this page, wherever it is reached.
            "read it": dg.MetadataValue.url(path_of_page(settings, paths.html)),
            "file": dg.MetadataValue.path(str(paths.html)),
            "preview": dg.MetadataValue.md(
                report_preview(paths.document, is_sealed=bool(night.key))
            ),
            "audit chain head": chain,
        }
    )


def _newest_night(night: Night) -> Run:
    with night.state() as state:
        run = newest_ended_night(state)
    if run is None:
        raise dg.Failure("No night has ended yet: start `heirpay run`.", allow_retries=False)
    return run


@dg.asset(
    key=VERDICT,
    # Runs that write no report (a refresh, a month end) are judged, too: after the decision.
    deps=[DECISION, REPORT],
    group_name="report",
    description="Green when the night was published; red, with the reason and what to do, when it"
    " was refused.",
    required_resource_keys={"night"},
)
def final_verdict(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Fail the run, after its report if it writes one, when publication was refused."""
    night: Night = context.resources.night
    if not night.is_whole:
        return dg.MaterializeResult(
            metadata={"verdict": "none", "reason": NO_DECISION, "published": "no"}
        )
    run = night.run()
    said: dict[str, Any] = {
        "verdict": run.outcome,
        "as of": run.as_of.isoformat(),
        "run": run.run_id,
    }
    if run.outcome == "refused":
        refused = {
            **said,
            "reason": run.reason or "",
            **blocking_controls(verdict(night.control_results())),
            "published": "still the file of the night before",
        }
        # The failure is the run's; the asset's own page shows what was observed of it.
        reason = f"Publication was refused: {run.reason}"
        context.log_event(dg.AssetObservation(VERDICT, description=reason, metadata=refused))
        raise dg.Failure(reason, metadata=refused, allow_retries=False)
    return dg.MaterializeResult(metadata={**said, "what to do": "nothing: the figures can be used"})
