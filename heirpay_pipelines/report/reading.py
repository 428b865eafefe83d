"""Reading facts: named SQL files over the published warehouse and this run's control results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.report.run_facts import Calendar, RunFacts

Row = dict[str, Any]
PARAMETER = re.compile(r"\$([a-z_]+)")
HEADER = re.compile(r"^-- (title|asset|rows): (.+)$", re.MULTILINE)

TEXT = pa.string()
CONTROL_COLUMNS = pa.schema(
    {
        "run_id": TEXT,
        "control_id": TEXT,
        "key": TEXT,
        "framework": TEXT,
        "requirement": TEXT,
        "title": TEXT,
        "severity": TEXT,
        "status": TEXT,
        "checked": pa.int64(),
        "violations": pa.int64(),
        "evidence": TEXT,
        "what_to_do": TEXT,
        "owner": TEXT,
        "checked_at": TEXT,
    }
)
COVERAGE_COLUMNS = pa.schema(
    {
        "endpoint": TEXT,
        "object_name": TEXT,
        "mode": TEXT,
        "covered_from": TEXT,
        "covered_until": TEXT,
        "rows": pa.int64(),
        "requests": pa.int64(),
        "status": TEXT,
        "reason": TEXT,
        "api_version": TEXT,
    }
)


@dataclass(frozen=True)
class Fact:
    """The rows of one named query.

    `missing` says why there can be none: its table is not published (yet). `query` is what a
    person pastes after `heirpay query` to see the rows behind it; `asset` is Dagster's name.
    """

    name: str
    title: str
    asset: str
    query: str
    rows: tuple[Row, ...] = ()
    missing: str | None = None

    @property
    def command(self) -> str:
        return f'heirpay query "{self.query}"'

    def one(self) -> Row:
        """The first row; empty when there is none."""
        return dict(self.rows[0]) if self.rows else {}


@dataclass
class Reader:
    """Answers facts. `published` is False when no warehouse is published yet."""

    connection: duckdb.DuckDBPyConnection
    parameters: Mapping[str, Any]
    published: bool
    known: dict[str, Fact] = field(default_factory=dict)

    def fact(self, name: str) -> Fact:
        """Run `facts/<name>.sql` once; a table or column that is missing makes no error."""
        if name not in self.known:
            self.known[name] = self._read(name)
        return self.known[name]

    @property
    def not_available(self) -> list[Fact]:
        """The facts asked for so far that could not be read."""
        return [fact for fact in self.known.values() if fact.missing]

    def _read(self, name: str) -> Fact:
        sql = _sql(name)
        header = {match[0]: match[1].strip() for match in HEADER.findall(sql)}
        used = set(PARAMETER.findall(sql.split("\n\n", 1)[-1]))
        base = Fact(name, header["title"], header["asset"], self._literal(header["rows"]))
        given = {key: value for key, value in self.parameters.items() if key in used}
        try:
            cursor = self.connection.execute(sql, given)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            return Fact(base.name, base.title, base.asset, base.query, missing=self._why(error))
        names = [column[0] for column in cursor.description or ()]
        rows = tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
        return Fact(base.name, base.title, base.asset, base.query, rows)

    def _why(self, error: duckdb.Error) -> str:
        if not self.published:
            return "nothing is published yet"
        return str(error).splitlines()[0].partition(":")[2].strip() or "not published yet"

    def _literal(self, query: str) -> str:
        """The query with its parameters written out, so that it can be pasted."""

        def text(match: re.Match[str]) -> str:
            value = self.parameters[match[1]]
            quoted = str(value).replace("'", "''")
            return f"date '{quoted}'" if isinstance(value, date) else f"'{quoted}'"

        return PARAMETER.sub(text, query)


@cache
def _sql(name: str) -> str:
    return files(__package__).joinpath("facts", f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def open_reader(
    home: Home, run: RunFacts, control_results: Sequence[Mapping[str, Any]]
) -> Iterator[Reader]:
    """Open the published warehouse read-only, with this run's own results as temporary tables.

    Without a published warehouse everything but this run's results reads as missing.
    Raises WarehouseError when the file is there and cannot be opened.
    """
    published = home.warehouse.is_file()
    parameters = parameters_of(home, run)
    if published:
        key = home.key
        with connect(home.warehouse, key, read_only=True) as connection:
            bring(connection, run, control_results)
            yield Reader(connection, parameters, True)
        return
    connection = duckdb.connect(":memory:")
    try:
        bring(connection, run, control_results)
        yield Reader(connection, parameters, False)
    finally:
        connection.close()


def parameters_of(home: Home, run: RunFacts) -> dict[str, Any]:
    """What the facts' queries may refer to as `$name`."""
    return {
        **Calendar.at(run.as_of, home.zone).__dict__,
        "as_of": run.as_of.replace(tzinfo=None),
        "run_id": run.run_id,
        "reporting_currency": home.reporting_currency,
    }


def bring(
    connection: duckdb.DuckDBPyConnection,
    run: RunFacts,
    control_results: Sequence[Mapping[str, Any]],
) -> None:
    """Make the run's own facts tables: `run_controls`, `run_coverage`."""
    connection.execute("set threads = 2")
    for table, rows, schema in (
        ("run_controls", control_results, CONTROL_COLUMNS),
        ("run_coverage", run.coverage, COVERAGE_COLUMNS),
    ):
        connection.register("given", pa.Table.from_pylist(_fitting(rows, schema), schema=schema))
        connection.execute(f"create temp table {table} as select * from given")
        connection.unregister("given")


def _fitting(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> list[Row]:
    def value(row: Mapping[str, Any], column: pa.Field) -> Any:
        found = row.get(column.name)
        if isinstance(found, Mapping):
            return json.dumps(found, default=str, ensure_ascii=False)
        return str(found) if found is not None and column.type == TEXT else found

    return [{column.name: value(row, column) for column in schema} for row in rows]
