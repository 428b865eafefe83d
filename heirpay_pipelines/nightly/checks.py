"""The controls as Dagster asset checks: each on the table it reads, with its clause."""

from collections.abc import Iterator

import dagster as dg

from heirpay_pipelines.check import ControlResult
from heirpay_pipelines.check.specs import check_specs, result_metadata
from heirpay_pipelines.nightly.night import Night
from heirpay_pipelines.settings import Settings

CONTROL_RESULTS = dg.AssetKey(["compliance", "control_results"])


def build_controls_check(settings: Settings, known: set[dg.AssetKey]) -> dg.AssetChecksDefinition:
    """One check for each control of the register. A control whose table is no asset (one that
    only exists in the build) is shown on compliance/control_results."""
    asset_of = {
        spec.name: key if (key := dg.AssetKey(list(spec.asset_key))) in known else CONTROL_RESULTS
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
                additional_deps=(
                    [] if asset_of[spec.name] == CONTROL_RESULTS else [CONTROL_RESULTS]
                ),
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
