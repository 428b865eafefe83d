"""What of the reports is let go: control pages first, then the files beside the pages, then these.

The folder of a night that a month was closed on is evidence and stays as it is, and so do a month's
own exports (reports/2026-10) and what a link points at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from heirpay_pipelines.orchestration.keeping.policy import Policy
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State

PAGES = frozenset({"report.html", "report.json"})
DATA_DOCS = "data_docs"


def superfluous_reports(settings: Settings, state: State, policy: Policy) -> Iterator[Path]:
    """Files and folders of nights that the policy lets go."""
    nights = _nights(settings.reports_dir)
    evidence = closed_on(settings, state)
    newest = settings.reports_dir / "latest"
    kept_whole = {*nights[: policy.report_files], *_last_of_each_month(nights)}
    for place, day in enumerate(nights):
        folder = settings.report_folder(day)
        if day in evidence or (newest.is_symlink() and newest.resolve() == folder.resolve()):
            continue
        if place >= policy.report_pages and day not in kept_whole:
            yield folder
        elif day not in kept_whole:
            yield from (entry for entry in sorted(folder.iterdir()) if entry.name not in PAGES)
        elif place >= policy.great_expectations_pages and (folder / DATA_DOCS).is_dir():
            yield folder / DATA_DOCS


def closed_on(settings: Settings, state: State) -> set[date]:
    """Dates, in the reporting time zone, of the nights whose figures were frozen by a close."""
    return {
        _aware(row["as_of"]).astimezone(settings.zone).date()
        for row in state.rows("select as_of from period_closes")
    }


def _nights(reports: Path) -> list[date]:
    """Dates of the report folders, the newest first."""
    found = []
    for folder in reports.glob("????-??-??"):
        try:
            found.append(date.fromisoformat(folder.name))
        except ValueError:
            continue  # not ours
    return sorted(found, reverse=True)


def _last_of_each_month(nights: list[date]) -> set[date]:
    last: dict[tuple[int, int], date] = {}
    for day in nights:
        last.setdefault((day.year, day.month), day)
    return set(last.values())


def _aware(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=instant.tzinfo or UTC)
