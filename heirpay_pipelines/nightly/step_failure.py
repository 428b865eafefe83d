"""Why a step failed, in one line: what its run's record, the terminal and the incident say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance

RAISED_BY = re.compile(r"^(heirpay_pipelines(\.\w+)+: )+")
"""The classes of our own errors before their words, which are for people."""
INTERRUPTED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def first_failure(events: Iterable[Any]) -> str | None:
    """The first of some step failure events: the step and the innermost reason."""
    for event in events:
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            if error.cls_name in INTERRUPTED:
                return f"{event.step_key}: it was interrupted (Ctrl-C, or the end of its process)"
            said = RAISED_BY.sub("", error.message.strip().splitlines()[0])
            return f"{event.step_key}: {said}"
    return None


def failure_of(instance: DagsterInstance, run_id: str) -> str | None:
    """Why a run that is still open failed; None when none of its steps did, or nobody can say."""
    from dagster import DagsterEventType

    try:
        records = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    except Exception:  # noqa: BLE001 - the disk that ended the run may refuse this, too
        return None
    return first_failure(record.get_dagster_event() for record in records)
