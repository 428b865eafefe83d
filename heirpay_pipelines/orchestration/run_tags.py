"""The tags by which Dagster's lists tell runs apart: as of when, how it ended, what refused it."""

from __future__ import annotations

from collections.abc import Sequence

from heirpay_pipelines.controls.results import ControlResult

AS_OF, OUTCOME, CONTROLS = "as_of", "outcome", "controls"
NIGHT = "heirpay/night"
"""The date whose file in warehouse/nights a run wrote: its run is kept as long as the file."""
FAILED = "failed"
OUTCOMES = {"published": "published", "refused": "refused"}
"""Every other end of a night (failed, interrupted) is a failed run."""
NAMED = 20


def outcome_tags(outcome: str, results: Sequence[ControlResult]) -> dict[str, str]:
    """How a night ended, and which blocking controls refused it (the first `NAMED`)."""
    shown = OUTCOMES.get(outcome, FAILED)
    refused = [result.key for result in results if result.stops] if shown == "refused" else []
    more = [f"and {len(refused) - NAMED} more"] if len(refused) > NAMED else []
    controls = {CONTROLS: ", ".join(refused[:NAMED] + more)} if refused else {}
    return {OUTCOME: shown, **controls}
