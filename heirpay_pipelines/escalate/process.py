"""One evaluation: observe, record, try, learn, tell. Killed anywhere, it is simply made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.escalate.attempts import learn_from_resolved, planner, run_planned
from heirpay_pipelines.escalate.facts import Night, Observed, RunFacts
from heirpay_pipelines.escalate.incidents import record, unresolved
from heirpay_pipelines.escalate.news import tell
from heirpay_pipelines.escalate.observe import observe
from heirpay_pipelines.escalate.outbox import deliver
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state


@dataclass(frozen=True)
class EscalationOutcome:
    """What one evaluation changed; ids of incidents, and how its message fared."""

    opened: tuple[str, ...]
    struck: tuple[str, ...]
    escalated: tuple[str, ...]
    resolved: tuple[str, ...]
    learned: tuple[str, ...]
    """Names of runbooks that are new to the library."""
    unresolved: int
    messages_sent: int
    messages_waiting: int


def process(
    settings: Settings,
    run_facts: RunFacts,
    control_results: Sequence[Mapping[str, Any]],
    warehouse_path: Path | None,
) -> EscalationOutcome:
    """Evaluate a night: open, strike, escalate and resolve incidents; send what is new.

    `control_results` are rows of compliance.control_results of this run; `warehouse_path` is the
    DuckDB file to look into (the published one, or the build of a refused run), None or missing
    when there is none. Never raises for a destination that does not answer.
    """
    with (
        open_state(settings.state_file) as state,
        _open(settings, warehouse_path) as warehouse,
    ):
        night = Night(settings, state, run_facts, control_results, warehouse, warehouse_path)
        return evaluate(night, observe(night))


def evaluate(night: Night, observed: Observed) -> EscalationOutcome:
    """Apply what was observed; the part of `process` after looking."""
    recorded = record(
        night.state, night.settings.project, night.run.as_of, observed, planner(night)
    )
    run_planned(night)
    learned = learn_from_resolved(night)
    escalated = tell(night)
    sending = deliver(night.settings, night.state, datetime.now(UTC))
    return EscalationOutcome(
        opened=recorded.opened,
        struck=recorded.struck,
        escalated=escalated,
        resolved=recorded.resolved,
        learned=tuple(learned),
        unresolved=len(unresolved(night.state)),
        messages_sent=sending.sent,
        messages_waiting=sending.waiting,
    )


@contextmanager
def _open(settings: Settings, path: Path | None) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse read-only, or None when there is none that can be read."""
    with ExitStack() as stack:
        connection = None
        if path is not None and path.is_file():
            key = settings.secret("encryption_key")
            with suppress(WarehouseError):  # doctor and the run say what is wrong with it
                connection = stack.enter_context(connect(path, key, read_only=True))
        yield connection
