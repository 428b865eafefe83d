"""Whose personal data is past its period: one query, for the control and for the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import duckdb
import pyarrow as pa

from heirpay_pipelines.controls.retention.rules import Rule, load_rules
from heirpay_pipelines.home import Home
from heirpay_pipelines.personal.pseudonyms import Pseudonyms, pseudonyms
from heirpay_pipelines.state.database import State, open_state

RULES = pa.schema([
    ("data_class", pa.string()), ("country", pa.string()), ("months", pa.int64()),
    ("from_year_end", pa.bool_()), ("is_member", pa.bool_()), ("rule", pa.string()),
])  # fmt: skip
ERASED = pa.schema([("hash", pa.string()), ("data_class", pa.string())])


@dataclass(frozen=True)
class Due:
    """A class of personal data of one subject that is to go: `subject` is a customer, or a payment
    (ch_…) that has none; `country` is where they lived, as far as it is known; instants are UTC."""

    subject: str
    data_class: str
    country: str | None
    last_active_at: datetime
    since: datetime
    rule: str


def due(connection: duckdb.DuckDBPyConnection, home: Home, as_of: datetime) -> list[Due]:
    """What is past its period as of an aware instant, in a database with the staging tables; the
    longest overdue first. Raises RetentionError when the company's own file is wrong."""
    _register(connection, "retention_rules", RULES, [_row(rule) for rule in load_rules(home)])
    with open_state(home.state_file) as state:
        _register(connection, "erased_classes", ERASED, _erased(state))
        key: Pseudonyms = pseudonyms(state, as_of)
    key.create_macro(connection)
    sql = files(__package__).joinpath("due.sql").read_text()
    found = connection.execute(
        sql, {"as_of": as_of.astimezone(UTC).replace(tzinfo=None), "zone": home.timezone}
    ).fetchall()
    return [
        Due(subject, kind, country, last.replace(tzinfo=UTC), since.replace(tzinfo=UTC), rule)
        for subject, kind, country, last, since, rule in found
    ]


def _erased(state: State) -> list[tuple[str, str]]:
    rows = state.rows(
        "select hash, classes from erased_ids join erasures using (pseudonym)"
        " where completed_at is not null"
    )
    return [(row["hash"], kind) for row in rows for kind in row["classes"].split()]


def _row(rule: Rule) -> tuple[str, str, int, bool, bool, str]:
    return (
        rule.data_class, rule.country, rule.months, rule.from_year_end, rule.is_member, str(rule)
    )  # fmt: skip


def _register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    schema: pa.Schema,
    rows: Sequence[tuple[object, ...]],
) -> None:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    connection.register(name, pa.table(arrays, schema=schema))
