"""The report in a few lines of Markdown, for the asset's page in Dagster."""

from __future__ import annotations

from typing import Any


def report_preview(document: dict[str, Any], *, is_sealed: bool) -> str:
    """Verdict and what to do first, of a report document; of a sealed one the verdict alone, for
    Dagster's storage is not encrypted."""
    status = document["project_status"]
    lines = [f"**{status['verdict']}** as of {status['as_of']}"]
    if is_sealed:
        return "\n\n".join([*lines, "Sealed: `heirpay report --to FOLDER`"])
    issues = document["blocking_issues"]
    lines += [f"{n}. {issue['title']}: {issue['what_to_do']}" for n, issue in enumerate(issues, 1)]
    return "\n\n".join(lines)
