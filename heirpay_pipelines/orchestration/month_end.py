"""The month end: a night as of the month's last instant, and what still blocks the close.

No postponed annotations here: Dagster reads them.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from heirpay_pipelines.books.close import Blocker, blockers, last_instant, month_start
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.orchestration.closing import DECISION
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.settings import Settings

MONTH_END = dg.AssetKey(["publish", "month_end"])
CHECK = "nothing_blocks_the_close"


class MonthConfig(dg.Config):
    """The month that is closed, like 2026-10; else the last that has ended."""

    month: str | None = None


@dg.asset(
    key=MONTH_END,
    deps=[DECISION],
    group_name="month_end",
    description="What still blocks the close of the month that has ended: what `heirpay close"
    " MONTH --check` lists. Close it with `heirpay close MONTH`. Its tax and journal"
    " files are in reports/MONTH/exports.",
    check_specs=[dg.AssetCheckSpec(CHECK, asset=MONTH_END, description="The month can be closed.")],
    required_resource_keys={"night"},
)
def month_end(
    context: dg.AssetExecutionContext, config: MonthConfig
) -> Iterator[dg.MaterializeResult[None]]:
    """List the blockers of the published month, and write its exports."""
    # Imported here: what writes files for people costs every start of Dagster a second.
    from heirpay_pipelines.report.write import write_month_exports

    night: Night = context.resources.night
    given = config.month or f"{last_ended_month(night.settings, datetime.now(UTC)):%Y-%m}"
    month = month_start(given)
    standing = blockers(night.settings, month)
    night.say(f"close {given}: {len(standing)} blockers")
    # Of a month that is not over in what is published, files would be those of its middle.
    is_over = all(blocker.what != "publication" for blocker in standing)
    written = write_month_exports(night.settings, month) if is_over else None
    yield dg.MaterializeResult(
        metadata={
            "month": given,
            "blockers": dg.MetadataValue.int(len(standing)),
            "list": dg.MetadataValue.md("\n".join(map(_line, standing)) or "none"),
            "exports": str(written or "none: the month is not over"),
            "next": f"heirpay close {given}",
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                passed=not standing,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"blockers": len(standing)},
            )
        ],
    )


def _line(blocker: Blocker) -> str:
    return f"- **{blocker.what}** {blocker.subject}: {blocker.detail}"


def month_end_config(settings: Settings) -> dg.ConfigMapping:
    """The job's one question, `month` (default: the last that has ended), as the steps' config."""

    def steps(given: Mapping[str, Any]) -> dict[str, Any]:
        month = given.get("month") or f"{last_ended_month(settings, datetime.now(UTC)):%Y-%m}"
        instant = month_end_instant(settings, month_start(month)).isoformat()
        return {
            "ops": {
                "pull_and_land": {"config": {"as_of": instant}},
                MONTH_END.to_python_identifier(): {"config": {"month": month}},
            }
        }

    field = dg.Field(str, is_required=False, description="Like 2026-10; else the last one.")
    return dg.ConfigMapping(config_fn=steps, config_schema={"month": field})


def last_ended_month(settings: Settings, now: datetime) -> date:
    """The first day of the month before the one that `now` lies in."""
    today = now.astimezone(settings.zone).date()
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_end_instant(settings: Settings, month: date) -> datetime:
    """The month's last instant. Once a later night was pulled, that night's instant: it holds the
    whole month, and what was landed before it may lack the last hours."""
    end = last_instant(month, settings.zone)
    newest = Landing.of(settings).newest()
    return end if newest is None or newest.as_of <= end else newest.as_of
