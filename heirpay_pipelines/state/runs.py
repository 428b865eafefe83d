"""The record of every run: what it was asked, how far it came, what was decided."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from heirpay_pipelines.state.database import State


@dataclass(frozen=True)
class Run:
    """One nightly run. Instants are UTC; `outcome` is one of
    running, published, refused, failed, interrupted."""

    run_id: str
    as_of: datetime
    started_at: datetime
    outcome: str
    reason: str | None = None
    pull_id: str | None = None
    requests: int | None = None
    rows_pulled: dict[str, int] | None = None
    job: str = "nightly"
    """The Dagster job that it is a run of."""
    is_evaluated: bool = False
    """Whether its incidents are recorded."""


def open_run(state: State, run_id: str, as_of: datetime, job: str = "nightly") -> Run:
    """Record that a run began. Runs that were left `running` were killed: mark them so.

    The caller holds the run lock, so no other run can be under way.
    """
    now = datetime.now(UTC)
    with state.transaction() as connection:
        connection.execute(
            "update runs set outcome = 'interrupted', is_cut = 1, ended_at = ?,"
            " reason = 'the process ended before the run did'"
            " where outcome = 'running' and run_id <> ?",
            (now.isoformat(), run_id),
        )
        connection.execute(
            "insert into runs (run_id, as_of, started_at, outcome, job)"
            " values (?, ?, ?, 'running', ?) on conflict (run_id) do nothing",
            (run_id, as_of.astimezone(UTC).isoformat(), now.isoformat(), job),
        )
    return read_run(state, run_id)


def record_pull(
    state: State, run_id: str, pull_id: str | None, requests: int, rows: dict[str, int]
) -> None:
    """Record what the pull brought: requests spent, rows by object."""
    with state.transaction() as connection:
        connection.execute(
            "update runs set pull_id = ?, requests = ?, rows_pulled = ? where run_id = ?",
            (pull_id, requests, json.dumps(rows, sort_keys=True), run_id),
        )


def mark_evaluated(state: State, run_id: str) -> None:
    """Record that what a run found has become incidents."""
    with state.transaction() as connection:
        connection.execute("update runs set is_evaluated = 1 where run_id = ?", (run_id,))


def mark_cut(state: State, run_id: str) -> None:
    """Record that a run's process ended before its steps did: what begins next is the same night
    again, also when the run had been published."""
    with state.transaction() as connection:
        connection.execute("update runs set is_cut = 1 where run_id = ?", (run_id,))


def cut_since(state: State) -> str | None:
    """The as-of instant (ISO 8601, UTC) of the first night that was cut since the last one that
    came to its end; None when the last one did."""
    found = state.rows(
        "select min(as_of) as instant from runs where is_cut = 1 and job = 'nightly'"
        " and started_at > coalesce((select max(started_at) from runs where is_cut = 0"
        " and outcome <> 'running' and job = 'nightly'), '')"
    )
    return found[0]["instant"]  # type: ignore[no-any-return]


def close_run(state: State, run_id: str, outcome: str, reason: str | None) -> bool:
    """Record how a run ended; False when it was closed already, and stays as it is."""
    with state.transaction() as connection:
        closed = connection.execute(
            "update runs set outcome = ?, reason = ?, ended_at = ?"
            " where run_id = ? and outcome = 'running'",
            (outcome, reason, datetime.now(UTC).isoformat(), run_id),
        ).rowcount
    return bool(closed)


def read_run(state: State, run_id: str) -> Run:
    """Raise LookupError when the run is not known."""
    found = state.rows("select * from runs where run_id = ?", (run_id,))
    if not found:
        raise LookupError(f"run {run_id} is not recorded in the state file")
    return _run(found[0])


def newest_ended_night(state: State) -> Run | None:
    """The newest night that was published or refused; None when there is none."""
    found = state.rows(
        "select * from runs where job = 'nightly' and outcome in ('published', 'refused')"
        " order by started_at desc limit 1"
    )
    return _run(found[0]) if found else None


def _run(row: dict[str, Any]) -> Run:
    return Run(
        run_id=row["run_id"],
        as_of=datetime.fromisoformat(row["as_of"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        outcome=row["outcome"],
        reason=row["reason"],
        pull_id=row["pull_id"],
        requests=row["requests"],
        rows_pulled=json.loads(row["rows_pulled"]) if row["rows_pulled"] else None,
        job=row["job"],
        is_evaluated=bool(row["is_evaluated"]),
    )
