"""Keeping results: in the state file for ever, in the build for analysts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.controls.results import ControlResult
from heirpay_pipelines.duck import connect
from heirpay_pipelines.state.database import State

CONTROL_COLUMNS = {
    "run_id": ("varchar", "Run that evaluated the control."),
    "control_id": ("varchar", "PAYMENT.<PROJECT>.<OPERATION>.<TOOL>.20000.<STEP>."),
    "framework": ("varchar", "data_quality, finance, pci_dss, sox, gdpr or regional."),
    "requirement": ("varchar", "Clause that the control answers to."),
    "title": ("varchar", "What the control demands."),
    "severity": ("varchar", "blocking: stops publication; warning: does not."),
    "status": (
        "varchar",
        "pass, attested, fail, waived (a failure accepted until a date), not_evaluated (counts as"
        " not passed) or not_applicable.",
    ),
    "checked": ("bigint", "How many objects were looked at."),
    "violations": ("bigint", "How many of them are wrong."),
    "evidence": ("json", "Ids of up to 20 offending objects, counts or the reason, as JSON."),
    "checked_at": ("timestamp", "When it was evaluated, UTC."),
}
AUDIT_COLUMNS = {
    "sequence": ("bigint", "Position in the chain, from 1 without a gap."),
    "occurred_at": ("timestamp", "When it happened, UTC."),
    "actor": ("varchar", "Who did it: a user, or a part of the pipeline."),
    "action": ("varchar", "What was done."),
    "subject": ("varchar", "What it was done to."),
    "detail": ("json", "More, as canonical JSON."),
    "previous_hash": ("varchar", "Hash of the record before; zeros for the first."),
    "hash": ("varchar", "SHA-256 over the canonical JSON of the other columns."),
}
ARROW = {
    "varchar": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "timestamp": pa.timestamp("us"),
}


def store_results(
    state: State, build_database: Path, key: str | None, results: Sequence[ControlResult]
) -> None:
    """Write one run's results into the state file, and with all earlier runs' into the build.

    The audit log is copied beside them. Storing the same run again replaces its rows.
    """
    with state.transaction() as connection:
        for result in results:
            connection.execute(
                "insert or replace into control_results (run_id, control_id, framework,"
                " requirement, title, severity, status, checked, violations, evidence, checked_at)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _row(result),
            )
    with connect(build_database, key, read_only=False) as build:
        copy_results(build, state)


def copy_results(build: duckdb.DuckDBPyConnection, state: State) -> None:
    """Every recorded run's results, and the audit log, into a build."""
    _copy(build, state, "control_results", "compliance", CONTROL_COLUMNS)
    build.execute(
        "comment on table compliance.control_results is 'One row per control and run: what was"
        " demanded, what was found. N of M controls evidenced is never a claim of compliance.'"
    )
    copy_audit_log(build, state)


def read_results(state: State, run_id: str, project: str) -> list[ControlResult]:
    """The stored results of one run. What only the register knows (key, owner, what to do) is
    taken from it, so a result of a control that is no longer in it is left out."""
    register = {control.identifier(project): control for control in load_register()}
    rows = state.rows("select * from control_results where run_id = ? order by rowid", (run_id,))
    return [
        ControlResult(
            **row
            | {
                "evidence": json.loads(row["evidence"]),
                "checked_at": datetime.fromisoformat(row["checked_at"]),
                "key": control.key,
                "owner": control.owner,
                "what_to_do": control.what_to_do,
            }
        )
        for row in rows
        if (control := register.get(row["control_id"])) is not None
    ]


def copy_audit_log(build: duckdb.DuckDBPyConnection, state: State) -> None:
    """operations.audit_log, as the chain is now."""
    _copy(build, state, "audit_log", "operations", AUDIT_COLUMNS)
    build.execute(
        "comment on table operations.audit_log is 'Append-only, hash-chained log of runs, settings"
        " and user actions; heirpay audit verify checks the chain.'"
    )


def _row(result: ControlResult) -> tuple[object, ...]:
    return (
        result.run_id,
        result.control_id,
        result.framework,
        result.requirement,
        result.title,
        result.severity,
        result.status,
        result.checked,
        result.violations,
        json.dumps(dict(result.evidence), sort_keys=True, default=str),
        result.checked_at.isoformat(),
    )


def _copy(
    build: duckdb.DuckDBPyConnection,
    state: State,
    table: str,
    schema: str,
    columns: dict[str, tuple[str, str]],
) -> None:
    rows = state.rows(f"select {', '.join(columns)} from {table} order by 1, 2")
    instants = [name for name, (kind, _) in columns.items() if kind == "timestamp"]
    for row in rows:
        for name in instants:
            row[name] = datetime.fromisoformat(row[name]).astimezone(UTC).replace(tzinfo=None)
    types = {name: ARROW[kind] for name, (kind, _) in columns.items()}
    build.register("copied", pa.Table.from_pylist(rows, schema=pa.schema(types)))
    selected = ", ".join(f"cast({name} as {kind}) as {name}" for name, (kind, _) in columns.items())
    build.execute(f"create schema if not exists {schema}")
    build.execute(f"create or replace table {schema}.{table} as select {selected} from copied")
    build.unregister("copied")
    for name, (_, comment) in columns.items():
        quoted = comment.replace("'", "''")
        build.execute(f"comment on column {schema}.{table}.{name} is '{quoted}'")
