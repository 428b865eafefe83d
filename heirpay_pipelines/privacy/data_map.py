"""The data map (GDPR article 30): which personal data is where, held against what is there."""

from __future__ import annotations

from dataclasses import dataclass

from heirpay_pipelines.controls.probes.personal_data import unclassified
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.personal.paths import personal_paths, state_columns
from heirpay_pipelines.warehouse.personal_columns import tagged_columns


@dataclass(frozen=True)
class Entry:
    """One place of personal data: `where` is landing, warehouse or state."""

    where: str
    place: str
    data_class: str


def data_map(home: Home) -> tuple[list[Entry], list[str]]:
    """Every place, and what is wrong: columns of the published warehouse that nobody classified,
    tags of columns that it does not have. Raises WarehouseError when nothing is published."""
    tags = tagged_columns()
    key = home.key
    with connect(home.warehouse, key, read_only=True) as connection:
        wrong = unclassified(connection)
        real = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where database_name = 'heirpay' order by all"
        ).fetchall()
    entries = [
        Entry("landing", f"{path.object_name} {path.path}", path.data_class)
        for path in personal_paths()
    ]
    entries += [
        Entry("warehouse", f"{schema}.{table}.{column}", tags[(table, column)])
        for schema, table, column in real
        if (table, column) in tags
    ]
    entries += [Entry("state", place, kind) for place, kind in state_columns().items()]
    there = {(table, column) for _, table, column in real}
    wrong += [f"{t}.{c}: tagged, but not there" for t, c in sorted(tags) if (t, c) not in there]
    return entries, wrong
