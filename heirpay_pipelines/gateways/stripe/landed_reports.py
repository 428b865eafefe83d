"""Landing Stripe's own reports, beside what was pulled: the figures that ours are tied to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from heirpay_pipelines.gateways.coverage import COMPLETE, Coverage, verdict
from heirpay_pipelines.gateways.errors import PullError
from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.gateways.stripe.reports import REPORTS, Reports
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Writer

MODE = "report"
NOTHING_NEW = "no data is prepared that was not tied out before"


@dataclass(frozen=True)
class ReportOutcome:
    """What was landed: rows of all reports, and what each report type came to."""

    rows: int
    coverage: tuple[Coverage, ...]


def land_reports(
    account: StripeAccount, as_of: datetime, reports: Reports | None = None
) -> ReportOutcome:
    """Run and land each report of REPORTS up to `as_of` (UTC); call it after the night's pull.

    The first time over all the history that Stripe has, later from the first of the month before,
    or from where the last run ended when that is longer ago: what is older was tied out then. A
    report that cannot be run is a line of the coverage, with the reason, and stops nothing. For a
    night before the newest pull nothing is landed.
    """
    landing = Landing.of(account.home)
    newest = landing.newest()
    if newest is None or as_of < newest.as_of:
        return ReportOutcome(0, ())
    client = reports or Reports(account.api_key, account.api_base)
    earlier: dict[str, int] = {}
    for manifest in landing.manifests():
        for line in manifest.coverage:
            if line.get("mode") == MODE and line["status"] == COMPLETE and line["requests"] > 1:
                until = int(datetime.fromisoformat(line["covered_until"]).timestamp())
                earlier[line["endpoint"]] = max(until, earlier.get(line["endpoint"], 0))
    return asyncio.run(_land(account, landing, newest, as_of, client, earlier))


async def _land(
    account: StripeAccount,
    landing: Landing,
    newest: Manifest,
    as_of: datetime,
    client: Reports,
    earlier: dict[str, int],
) -> ReportOutcome:
    started = datetime.now(UTC)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-{started:%Y%m%dT%H%M%S%f}-reports"
    writer = Writer(
        landing,
        pull_id,
        newest.account,
        newest.api_version,
        as_of,
        suppressed=suppression_list(account.home),
    )
    coverage = [
        await _land_one(writer, client, report_type, as_of, earlier) for report_type in REPORTS
    ]
    files = await writer.finish()
    commit(
        account.home.state_file,
        landing,
        replace(
            newest,
            pull_id=pull_id,
            as_of=as_of,
            mode=MODE,
            started_at=started,
            ended_at=datetime.now(UTC),
            requests=client.requests,
            files=files,
            coverage=tuple(line.record() for line in coverage),
        ),
    )
    return ReportOutcome(sum(line.rows for line in coverage), tuple(coverage))


async def _land_one(
    writer: Writer, client: Reports, report_type: str, as_of: datetime, earlier: dict[str, int]
) -> Coverage:
    endpoint, before = f"reporting/{report_type}", client.requests
    rows, start, end = 0, 0, int(as_of.timestamp())
    try:
        first, last = client.available(report_type)
        start = first
        if endpoint in earlier:
            start = max(first, min(_month_before(as_of), earlier[endpoint]))
        end = min(last, end)
        if start >= end:
            return _line(endpoint, start, end, 0, client.requests - before, reason=NOTHING_NEW)
        run = client.run(report_type, start, end)
        with client.rows(run) as lines:
            for number, line in enumerate(lines):
                await writer.add(_record(run.id, number, report_type, line), MODE)
                rows += 1
        # Only now the run counts: half a report would show differences that are none.
        await writer.add(_finished(run.id, report_type, start, end, rows), MODE)
    except PullError as error:
        status, reason = verdict(error)
        requests = client.requests - before
        return _line(endpoint, start, end, rows, requests, status=status, reason=reason)
    return _line(endpoint, start, end, rows, client.requests - before)


def _record(run_id: str, number: int, report_type: str, line: dict[str, str]) -> dict[str, Any]:
    return {
        "id": f"{run_id}:{number}",
        "object": "report_row",
        "run_id": run_id,
        "report_type": report_type,
        "row": line,
    }


def _finished(run_id: str, report_type: str, start: int, end: int, rows: int) -> dict[str, Any]:
    return {
        "id": run_id,
        "object": "report_run",
        "report_type": report_type,
        "interval_start": start,
        "interval_end": end,
        "rows": rows,
    }


def _line(endpoint: str, start: int, end: int, rows: int, requests: int, **more: str) -> Coverage:
    return Coverage(
        endpoint=endpoint,
        object_name="report_row",
        mode=MODE,
        covered_from=datetime.fromtimestamp(start, UTC).isoformat(),
        covered_until=datetime.fromtimestamp(end, UTC).isoformat(),
        rows=rows,
        requests=requests,
        **more,
    )


def _month_before(as_of: datetime) -> int:
    """The first instant (UTC) of the month before that of `as_of`."""
    year, month = (as_of.year, as_of.month - 1) if as_of.month > 1 else (as_of.year - 1, 12)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())
