"""The link `reports/latest`."""

from __future__ import annotations

from pathlib import Path


def fault_of_latest(reports: Path) -> str | None:
    """What is wrong with `reports/latest`, or None: no report is written yet, or all is well."""
    latest = reports / "latest"
    if latest.is_symlink():
        return None if latest.is_dir() else f"points at {latest.readlink()}, which is no folder"
    if latest.exists():
        return "is no link to the newest report but a folder or file of its own"
    if any(reports.glob("????-??-??/report.html")):
        return "is missing"
    return None
