"""Controls on what the dbt project declares of its tables, over all of them at once."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from heirpay_pipelines.controls.declared import declared_tables
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge
from heirpay_pipelines.duck import quoted


def required_values(given: ProbeInput) -> Outcome:
    """Every column that is declared `not_null` holds a value in each row."""
    wrong = {
        table.table: {name: f'"{name}" is null' for name in table.required}
        for table in declared_tables().values()
    }
    return _judge_rows(given.connection, wrong)


def known_values(given: ProbeInput) -> Outcome:
    """Every column with declared `accepted_values` holds one of them, or null."""
    wrong = {
        table.table: {
            name: f'"{name}" not in ({", ".join(map(quoted, values))})'
            for name, values in table.values.items()
        }
        for table in declared_tables().values()
    }
    return _judge_rows(given.connection, wrong)


def working_keys(given: ProbeInput) -> Outcome:
    """Every declared key is unique that has no control of its own: all keys of intermediate
    tables, and any further key of the others."""
    offenders, looked_at = {}, 0
    for table in declared_tables().values():
        for key in table.keys if table.schema == "intermediate" else table.keys[1:]:
            columns = ", ".join(f'"{name}"' for name in key)
            looked_at += 1
            doubled = _counts(
                given.connection,
                # As dbt's tests: a column that is unique alone may be null more than once.
                f"select count(*) from (select 1 from {table.table}"
                f"{f' where {columns} is not null' if len(key) == 1 else ''}"
                f" group by {columns} having count(*) > 1)",
            )
            offenders[f"{table.table} ({', '.join(key)})"] = doubled[0]
    return _judge(looked_at, offenders, "keys")


def _judge_rows(
    connection: duckdb.DuckDBPyConnection, wrong: Mapping[str, Mapping[str, str]]
) -> Outcome:
    """`wrong` gives, by table and column, what is true of an offending row: one scan a table."""
    offenders: dict[str, int] = {}
    for table, conditions in wrong.items():
        if conditions:
            counted = ", ".join(
                f"count(*) filter (where {condition})" for condition in conditions.values()
            )
            counts = _counts(connection, f"select {counted} from {table}")
            offenders |= {f"{table}.{c}": n for c, n in zip(conditions, counts, strict=True)}
    return _judge(len(offenders), offenders, "columns")


def _counts(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return connection.execute(sql).fetchone() or ()


def _judge(looked_at: int, offenders: Mapping[str, int], unit: str) -> Outcome:
    named = [f"{name}: {count} rows" for name, count in offenders.items() if count]
    return judge(looked_at, named, sum(offenders.values()), unit=unit)
