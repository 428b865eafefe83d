"""What the dbt project declares of its tables: keys, columns that hold a value, known values.

Its YAML is the one place where that is written down. dbt's own tests hold the models against it in
CI; a night holds its tables against it by controls: a few queries instead of hundreds of tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from heirpay_pipelines.warehouse.project import PROJECT_DIR, documented_models


@dataclass(frozen=True)
class DeclaredTable:
    """What `table` (schema.name) is declared to be: `keys`, each of columns that are unique
    together, `required` columns, which are never null, and the `values` that a column may have.

    A key may hold columns that mean "none" by null, such as the region of a country's own tax.
    """

    table: str
    keys: tuple[tuple[str, ...], ...]
    required: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]

    @property
    def schema(self) -> str:
        return self.table.partition(".")[0]

    @property
    def required_of_key(self) -> tuple[str, ...]:
        """The columns of the first key that are never null. No figure is without a currency,
        whether its model says so or not."""
        return tuple(name for name in self.keys[0] if name in self.required or name == "currency")


@cache
def declared_tables() -> Mapping[str, DeclaredTable]:
    """Every model that the YAML describes, by `schema.name`."""
    found = {}
    for path, model in documented_models():
        table = _table(path, model["name"])
        found[table] = DeclaredTable(table, _keys(model), _required(model), _values(model))
    return found


def _table(path: Path, name: str) -> str:
    folder = path.relative_to(PROJECT_DIR / "models").parts[0]
    if folder in ("staging", "intermediate"):
        return f"{folder}.{name}"
    # As dbt itself: the mart's own configuration before the folder's.
    sql = next(path.parent.parent.rglob(f"{name}.sql")).read_text(encoding="utf-8")
    for schema in ("operations", "compliance"):
        if f"config(schema='{schema}')" in sql:
            return f"{schema}.{name}"
    return f"finance.{name}"


def _keys(model: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    together = [
        tuple(given["arguments"]["columns"])
        for given in _arguments(model.get("data_tests", []), "unique_together")
    ]
    alone = [(c["name"],) for c in model.get("columns", []) if "unique" in c.get("data_tests", [])]
    return (*together, *alone)


def _required(model: dict[str, Any]) -> tuple[str, ...]:
    columns = model.get("columns", [])
    return tuple(c["name"] for c in columns if "not_null" in c.get("data_tests", []))


def _values(model: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        column["name"]: tuple(given["arguments"]["values"])
        for column in model.get("columns", [])
        for given in _arguments(column.get("data_tests", []), "accepted_values")
    }


def _arguments(tests: list[Any], name: str) -> Iterator[dict[str, Any]]:
    yield from (test[name] for test in tests if isinstance(test, dict) and name in test)
