"""The report in a few lines of Markdown, for the asset's page in Dagster."""

from __future__ import annotations

from typing import Any


def report_preview(document: dict[str, Any]) -> str:
    """Verdict and what to do first, of a report document."""
    status = document["project_status"]
    lines = [f"**{status['verdict']}** as of {status['as_of']}"]
    issues = document["blocking_issues"]
    lines += [f"{n}. {issue['title']}: {issue['what_to_do']}" for n, issue in enumerate(issues, 1)]
    return "\n\n".join(lines)
