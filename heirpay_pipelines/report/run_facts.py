"""What the report is told of the run it is written for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Verdict = Literal["published", "refused", "failed"]


@dataclass(frozen=True)
class RunFacts:
    """One run. `as_of` is aware UTC; `rows` counts what was pulled, by Stripe object.

    `coverage` is the pull's coverage statement (columns of `operations.coverage`): given for a
    night that was refused, whose build nobody can read.
    """

    run_id: str
    as_of: datetime
    verdict: Verdict
    reason: str | None = None
    requests: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    coverage: Sequence[Mapping[str, Any]] = ()
    incidents: Sequence[Mapping[str, Any]] | None = None
    """Rows of `operations.incidents` as they are now; None: read the published ones."""
    audit_head: str | None = None
    """`sequence:hash` of the audit chain as it is now: a copy outside proves the log."""
    schedules: Sequence[Mapping[str, Any]] = ()
    """Each schedule's `job`, its `cron` and `when` that is, in words."""


@dataclass(frozen=True)
class Calendar:
    """The dates that the report speaks of, in the reporting time zone.

    `day` is the last complete day before the as-of instant and `day_before` the one it is compared
    with; `month` is the month of `day`, so that on the first of a month the finished one is shown.
    """

    as_of_date: date
    day: date
    day_before: date
    month: date

    @classmethod
    def at(cls, as_of: datetime, zone: ZoneInfo) -> Calendar:
        """The calendar as of an aware instant."""
        today = as_of.astimezone(zone).date()
        day = today - timedelta(days=1)
        return cls(today, day, today - timedelta(days=2), day.replace(day=1))
