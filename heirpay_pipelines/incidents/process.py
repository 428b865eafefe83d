"""One evaluation: observe, record, try, learn, tell. Killed anywhere, it is simply made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.home import Home
from heirpay_pipelines.incidents.attempts import learn_from_resolved, planner, run_planned
from heirpay_pipelines.incidents.facts import Night, Observed, RunFacts
from heirpay_pipelines.incidents.incidents import record, unresolved
from heirpay_pipelines.incidents.notifications import tell
from heirpay_pipelines.incidents.observe import observe
from heirpay_pipelines.incidents.outbox import deliver
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
    messages_sent: int = 0
    messages_waiting: int = 0


def process(
    settings: Settings,
    run_facts: RunFacts,
    control_results: Sequence[Mapping[str, Any]],
    warehouse_path: Path | None,
    *,
    is_evaluated: bool = False,
) -> EscalationOutcome:
    """Evaluate a night, then send what is new and what still waits.

    One that `is_evaluated` is not looked at again: what was tried may have changed what there is to
    see. What was cut off is finished. Never raises for a destination that does not answer.
    """
    outcome = evaluate(settings, run_facts, control_results, warehouse_path, is_evaluated)
    with open_state(settings.state_file) as state:
        sending = deliver(settings, state, datetime.now(UTC))
    return replace(outcome, messages_sent=sending.sent, messages_waiting=sending.waiting)


def evaluate(
    settings: Settings,
    run_facts: RunFacts,
    control_results: Sequence[Mapping[str, Any]],
    warehouse_path: Path | None,
    is_evaluated: bool = False,
) -> EscalationOutcome:
    """Open, strike, escalate and resolve incidents, try what can be tried; send nothing.

    `control_results` are rows of compliance.control_results of this run; `warehouse_path` is the
    DuckDB file to look into (the published one, or the build of a refused run), None or missing
    when there is none.
    """
    with (
        open_state(settings.state_file) as state,
        _open(settings, warehouse_path) as warehouse,
    ):
        account = stripe_account(settings)
        night = Night(
            settings, account, state, run_facts, control_results, warehouse, warehouse_path
        )
        return _apply(night, Observed(frozenset()) if is_evaluated else observe(night))


def _apply(night: Night, observed: Observed) -> EscalationOutcome:
    recorded = record(
        night.state,
        night.home.project,
        night.run.as_of,
        observed,
        planner(night),
        night.home.zone,
    )
    run_planned(night)
    learned = learn_from_resolved(night)
    escalated = tell(night)
    return EscalationOutcome(
        opened=recorded.opened,
        struck=recorded.struck,
        escalated=escalated,
        resolved=recorded.resolved,
        learned=tuple(learned),
        unresolved=len(unresolved(night.state)),
    )


@contextmanager
def _open(home: Home, path: Path | None) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse read-only, or None when there is none that can be read."""
    with ExitStack() as stack:
        connection = None
        if path is not None and path.is_file():
            key = home.key
            with suppress(WarehouseError):  # doctor and the run say what is wrong with it
                connection = stack.enter_context(connect(path, key, read_only=True))
        yield connection
