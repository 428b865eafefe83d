"""The controls in Dagster: each an asset check on the table that it reads, and each framework an
asset with all of its results.

No postponed annotations here: Dagster reads them.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from heirpay_pipelines.controls import (
    ControlResult,
    RunContext,
    load_register,
    run_controls,
    store_results,
    verdict,
)
from heirpay_pipelines.controls.specs import check_specs, result_metadata
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.report.preview import controls_by_framework
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
        required_resource_keys={"night"},
    )
    def check(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        night: Night = context.resources.night
        run = night.run()
        night.say("check")
        given = RunContext(night.run_id, run.as_of, night.settings, datetime.now(UTC), night.key)
        results = run_controls(night.build, given, data_docs=night.report_folder / "data_docs")
        with night.state() as state:
            store_results(state, night.build, night.key, results)
        found = verdict(results)
        night.say(f"check: {found}")
        yield dg.MaterializeResult(
            asset_key=CONTROL_RESULTS,
            metadata={
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
            },
        )
        yield dg.MaterializeResult(asset_key=AUDIT_LOG)
        for framework in frameworks:
            of_it = [result for result in results if result.framework == framework]
            yield dg.MaterializeResult(
                asset_key=framework_key(framework), metadata=framework_metadata(of_it)
            )

    return check


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


def build_controls_check(settings: Settings, known: set[dg.AssetKey]) -> dg.AssetChecksDefinition:
    """One check for each control of the register. A control that reads no table, or one that is
    no asset, is shown on its framework."""
    asset_of = {
        spec.name: key
        if (key := dg.AssetKey(list(spec.asset_key))) in known
        else framework_key(spec.metadata["framework"])
        for spec in check_specs(settings.project)
    }

    @dg.multi_asset_check(
        name="controls",
        specs=[
            dg.AssetCheckSpec(
                spec.name,
                asset=asset_of[spec.name],
                description=spec.description,
                metadata=spec.metadata,
                additional_deps=[CONTROL_RESULTS],
            )
            for spec in check_specs(settings.project)
        ],
        required_resource_keys={"night"},
    )
    def controls(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        night: Night = context.resources.night
        for result in night.control_results():
            yield _check_result(result, asset_of[result.key])

    return controls


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
        metadata=result_metadata(result),
    )
