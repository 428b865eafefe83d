"""Why a step failed, in one line: what its run's record, the terminal and the incident say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance

RAISED_BY = re.compile(r"^((heirpay_pipelines|dagster)[\w.]*: )+")
"""The classes of our own errors before their words, which are for people, and Dagster's."""
INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
INTERRUPTED = "it was interrupted (Ctrl-C, or the end of its process): start it again"


def first_failure(events: Iterable[Any]) -> str | None:
    """The first of some step failure events: the step and the innermost reason."""
    for event in events:
        if said := _reason(event.step_failure_data.error):
            return f"{event.step_key}: {said}"
    return None


def failure_before_steps(events: Iterable[Any]) -> str | None:
    """Why a run ended before its first step: what all of them need was not to be had."""
    for event in events:
        if said := _reason(getattr(event.event_specific_data, "error", None)):
            return said
    return None


def failure_of(instance: DagsterInstance, run_id: str) -> str | None:
    """Why a run that is still open failed; None when none of its steps did, or nobody can say."""
    return first_failure(_step_failures(instance, run_id))


def failed_with(instance: DagsterInstance, run_id: str, error_class: str) -> bool:
    """Whether an error of this class, or of what it was raised from, ended a step of the run."""
    for event in _step_failures(instance, run_id):
        error = event.step_failure_data.error
        while error is not None:
            if error.cls_name == error_class:
                return True
            error = error.cause
    return False


def is_interrupted(instance: DagsterInstance, run_id: str) -> bool:
    """Whether a person or the operating system asked a run that is still open to end."""
    return (first_failure(_step_failures(instance, run_id)) or "").endswith(INTERRUPTED)


def _step_failures(instance: DagsterInstance, run_id: str) -> list[Any]:
    from dagster import DagsterEventType

    try:
        records = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    except Exception:  # noqa: BLE001 - the disk that ended the run may refuse this, too
        return []
    return [record.get_dagster_event() for record in records]


def _reason(error: Any) -> str | None:
    """The first line of the innermost error, without the class that Dagster puts before it."""
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return None
    if error.cls_name in INTERRUPTIONS:
        return INTERRUPTED
    lines = RAISED_BY.sub("", error.message.strip()).splitlines()
    return lines[0] if lines and lines[0] else str(error.cls_name)
