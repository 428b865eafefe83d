"""The controls in Dagster: each an asset check on the table that it reads, and each framework an
asset with all of its results.

No postponed annotations here: Dagster reads them.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from heirpay_pipelines.controls import (
    ControlResult,
    RunContext,
    load_register,
    run_controls,
    store_results,
    verdict,
)
from heirpay_pipelines.controls.register import Control
from heirpay_pipelines.controls.specs import CheckSpec, check_specs, result_metadata
from heirpay_pipelines.orchestration.models import build_missing
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.scope import tables_read
from heirpay_pipelines.settings import Settings

CONTROL_RESULTS = dg.AssetKey(["compliance", "control_results"])
AUDIT_LOG = dg.AssetKey(["operations", "audit_log"])
FRAMEWORKS = {
    "pci_dss": "PCI DSS: account data, keys, access, logs",
    "sox": "SOX: controls over financial reporting",
    "gdpr": "GDPR: personal data in the payment domain",
    "regional": "Regional rules: taxes, strong authentication, invoices",
    "finance": "Finance: balances, payouts, MRR and tax add up",
    "data_quality": "Data quality: keys, references, ranges",
}


def framework_key(framework: str) -> dg.AssetKey:
    """`pci_dss` → controls/pci_dss."""
    return dg.AssetKey(["controls", framework])


def build_control_results(models: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """Evaluating every control, once all models are built."""
    frameworks = sorted({control.framework for control in load_register()})

    @dg.multi_asset(
        name="check",
        specs=[
            dg.AssetSpec(
                CONTROL_RESULTS,
                deps=models,
                group_name="controls",
                kinds={"duckdb", "greatexpectations"},
                description="What every control found in this run: compliance.control_results.",
            ),
            dg.AssetSpec(
                AUDIT_LOG,
                deps=models,
                group_name="operations",
                kinds={"duckdb"},
                description="Who did what and when: append-only, each entry hashed with the one"
                " before.",
            ),
            *(
                dg.AssetSpec(
                    framework_key(framework),
                    deps=[CONTROL_RESULTS],
                    group_name="controls",
                    kinds={"greatexpectations"},
                    description=f"{FRAMEWORKS[framework]}. Every control with what it found.",
                )
                for framework in frameworks
            ),
        ],
        can_subset=True,
        required_resource_keys={"night"},
    )
    def check(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        night: Night = context.resources.night
        night.say("check")
        selected = context.selected_asset_keys
        results = _evaluate(night, selected, context.log)
        found = verdict(results)
        night.say(f"check: {found}")
        said: dict[str, Any] = (
            {"as of": night.as_of.isoformat()} if night.is_whole else night.unpublished()
        )
        selected = context.selected_asset_keys
        if CONTROL_RESULTS in selected:
            yield dg.MaterializeResult(
                asset_key=CONTROL_RESULTS, metadata=said | _results_metadata(results)
            )
        if AUDIT_LOG in selected:
            yield dg.MaterializeResult(asset_key=AUDIT_LOG, metadata=said)
        for framework in frameworks:
            if framework_key(framework) in selected:
                of_it = [result for result in results if result.framework == framework]
                yield dg.MaterializeResult(
                    asset_key=framework_key(framework), metadata=said | framework_metadata(of_it)
                )

    return check


def _evaluate(
    night: Night, selected: Collection[dg.AssetKey], log: dg.DagsterLogManager
) -> list[ControlResult]:
    """Every control on the run's build, and of a selection those of its frameworks. A night's
    results are kept for ever, a selection's only as long as its run lasts."""
    if night.is_whole:
        pages = night.report_folder / "data_docs"
        results = run_controls(night.build, _run_context(night), data_docs=pages, tell=log.info)
        with night.state() as state:
            store_results(state, night.build, night.key, results)
        return results
    chosen = [
        control
        for control in load_register()
        if CONTROL_RESULTS in selected or framework_key(control.framework) in selected
    ]
    night.found = _of_selection(night, chosen, log)
    return night.found


def _of_selection(
    night: Night, chosen: list[Control], log: dg.DagsterLogManager
) -> list[ControlResult]:
    """The controls on the selection's build, once it holds what they read."""
    models = night.scope.graph.models
    reads_all = any(control.probe for control in chosen)
    for _ in build_missing(night, models if reads_all else tables_read(chosen, models)):
        pass
    return run_controls(
        night.build, _run_context(night), controls=chosen, is_recorded=False, tell=log.info
    )


def _run_context(night: Night) -> RunContext:
    return RunContext(night.run_id, night.as_of, night.settings, datetime.now(UTC), night.key)


def _results_metadata(results: list[ControlResult]) -> dict[str, Any]:
    # Imported here: drawing costs every start of Dagster half a second.
    from heirpay_pipelines.report.preview import controls_by_framework

    found = verdict(results)
    return {
        "chart": dg.MetadataValue.md(controls_by_framework(results)),
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


def framework_metadata(results: list[ControlResult]) -> dict[str, dg.MetadataValue]:
    """How many controls passed, which Dagster draws over the nights, and a row for each."""
    counted = Counter(result.status for result in results)
    passed = sum(result.passed for result in results)
    return {
        "controls": dg.MetadataValue.int(len(results)),
        "passed": dg.MetadataValue.int(passed),
        "not passed": dg.MetadataValue.int(len(results) - passed),
        "summary": dg.MetadataValue.text(
            ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counted.items())
        ),
        "results": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "status": result.status + (" (blocking)" if _blocks(result) else ""),
                        "control": result.key,
                        "violations": result.violations or 0,
                        "what it says": f"{result.title} ({result.requirement})",
                    }
                )
                for result in sorted(results, key=lambda result: (result.passed, result.key))
            ]
        ),
    }


def _blocks(result: ControlResult) -> bool:
    return result.severity == "blocking" and not result.passed


def assets_of_controls(
    settings: Settings, known: Collection[dg.AssetKey]
) -> dict[str, dg.AssetKey]:
    """Where each control's check hangs: on the table that it reads. A control that reads no table,
    or one that is no asset, is shown on its framework."""
    return {
        spec.name: key
        if (key := dg.AssetKey(list(spec.asset_key))) in known
        else framework_key(spec.metadata["framework"])
        for spec in check_specs(settings.project)
    }


def build_controls_check(
    settings: Settings, asset_of: dict[str, dg.AssetKey]
) -> dg.AssetChecksDefinition:
    """One check for each control of the register."""

    @dg.multi_asset_check(
        name="controls",
        specs=[
            dg.AssetCheckSpec(
                spec.name,
                asset=asset_of[spec.name],
                description=described(spec),
                metadata={**spec.metadata, "publication": publication_of(spec)},
                additional_deps=[CONTROL_RESULTS],
            )
            for spec in check_specs(settings.project)
        ],
        can_subset=True,
        required_resource_keys={"night"},
    )
    def controls(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        night: Night = context.resources.night
        wanted = {key.name for key in context.selected_asset_check_keys}
        for result in _results(night, wanted, context.log):
            if result.key in wanted:
                yield _check_result(result, asset_of[result.key])

    return controls


def described(spec: CheckSpec) -> str:
    """What the control says, whether it stops a publication, and what to do."""
    if not spec.blocking:
        return spec.description
    what_to_do = spec.metadata["what_to_do"]
    return f"Blocking: {spec.description}. {publication_of(spec)} What to do: {what_to_do}"


def publication_of(spec: CheckSpec) -> str:
    """What becomes of the night when the control does not pass."""
    if spec.blocking:
        return "Unless it passes or is waived, the night is not published."
    return "The night is published all the same."


def _results(
    night: Night, wanted: Collection[str], log: dg.DagsterLogManager
) -> list[ControlResult]:
    """What the step before found; a selection evaluates those of its own tables that it did not."""
    if night.is_whole:
        return night.control_results()
    found = night.found or []
    known = {result.key for result in found}
    missing = [c for c in load_register() if c.key in wanted and c.key not in known]
    return [*found, *(_of_selection(night, missing, log) if missing else [])]


def _check_result(result: ControlResult, asset: dg.AssetKey) -> dg.AssetCheckResult:
    # Publication itself waits for the blocking ones; in Dagster they show as errors.
    severity = (
        dg.AssetCheckSeverity.ERROR if result.severity == "blocking" else dg.AssetCheckSeverity.WARN
    )
    return dg.AssetCheckResult(
        passed=result.passed,
        check_name=result.key,
        asset_key=asset,
        severity=severity,
        metadata={"severity": result.severity, **result_metadata(result)},
    )
