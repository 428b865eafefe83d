"""Writing a night's report: all of its files appear at once, or none does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.document import build_document
from heirpay_pipelines.report.drafts import draft_folder
from heirpay_pipelines.report.figures import key_figures
from heirpay_pipelines.report.handoffs import handoff_files
from heirpay_pipelines.report.page import framework_pages, render
from heirpay_pipelines.report.reading import open_reader
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.report.sections import frameworks
from heirpay_pipelines.report.tax_exports import write_exports
from heirpay_pipelines.report.workbook import write_workbook
from heirpay_pipelines.settings import Settings


@dataclass(frozen=True)
class ReportPaths:
    """Where the report is, and its document."""

    folder: Path
    html: Path
    json: Path
    workbook: Path
    document: dict[str, Any]


def write_report(
    settings: Settings,
    run: RunFacts,
    control_results: Sequence[Mapping[str, Any]],
    apart: Path | None = None,
) -> ReportPaths:
    """Write `reports/<as-of date>/` and point `reports/latest` at it; or write the folder `apart`
    and leave the night's as it is.

    `control_results` are rows of this run with the columns of `compliance.control_results`
    (and the register's `key`, `owner` and `what_to_do`), whether or not it was published. A report
    of the same date is replaced as a whole; files other steps wrote into its folder are kept.
    With an encryption key every file is sealed as it is written.
    Raises WarehouseError when the published file cannot be opened.
    """
    with open_reader(settings, run, control_results) as reader:
        context = ReportContext(settings, run, reader)
        folder = apart or settings.report_folder(context.calendar.as_of_date)
        with draft_folder(folder) as draft:
            document = _write_files(context, draft)
    if apart is None:
        _point_latest(settings.reports_dir, folder)
    return ReportPaths(
        folder,
        folder / "report.html",
        folder / "report.json",
        folder / "finance.xlsx",
        document,
    )


def write_month_exports(home: Home, month: date) -> Path:
    """Write the month's tax and journal files into `reports/<month>/exports/`, where no nightly
    report replaces them. Return the folder.

    Raises WarehouseError when the published file cannot be opened.
    """
    folder = home.reports_dir / f"{month:%Y-%m}"
    with (
        connect(home.warehouse, home.key, read_only=True) as connection,
        draft_folder(folder) as draft,
    ):
        write_exports(connection, draft / "exports", home.key, month)
    return folder / "exports"


def _write_files(context: ReportContext, draft: Path) -> dict[str, Any]:
    handoffs = handoff_files(context)
    key = context.home.key
    exports = write_exports(context.reader.connection, draft / "exports", key)
    names = [
        "report.html",
        "report.json",
        "finance.xlsx",
        *(f"frameworks/{item.key}.html" for item in frameworks(context)),
        *(f"handoffs/{item.name}" for item in handoffs),
        *(f"exports/{path.name}" for path in exports),
    ]
    figures = key_figures(context)
    document = build_document(context, figures, names)
    sealed.write(draft / "report.html", render(context, document, figures).encode(), key)
    sealed.write(draft / "report.json", _json(document), key)
    (draft / "frameworks").mkdir(mode=0o700)
    for name, page in framework_pages(context, document).items():
        sealed.write(draft / "frameworks" / name, page.encode(), key)
    write_workbook(context, draft / "finance.xlsx")
    (draft / "handoffs").mkdir(mode=0o700)
    for handoff in handoffs:
        sealed.write(draft / "handoffs" / handoff.name, _json(handoff.content), key)
    return document


def _point_latest(reports: Path, folder: Path) -> None:
    """Replace the link in one step: a reader finds the old report or the new one. A folder or file
    in its place, of another program or a copied backup, is set aside."""
    latest = reports / "latest"
    if latest.exists() and not latest.is_symlink():
        latest.rename(reports / f"set-aside-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-latest")
    link = reports / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    os.replace(link, latest)  # noqa: PTH105 - atomic, also over a link


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
