"""What the dbt project declares of its tables' keys: the one place where a key is written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from heirpay_pipelines.model.project import PROJECT_DIR, documented_models


@dataclass(frozen=True)
class DeclaredKey:
    """The columns that identify a row of `table` (schema.name), and those of them that are never
    null: a key may hold columns that mean "none", such as the region of a country's own tax."""

    table: str
    columns: tuple[str, ...]
    required: tuple[str, ...]


@cache
def declared_keys() -> dict[str, DeclaredKey]:
    """The first key that each staging model and mart declares, by `schema.name`.

    A key is `unique_together` of the model or `unique` of a column; required are its columns with
    `not_null`.
    """
    found = {}
    for path, model in documented_models():
        folder = path.relative_to(PROJECT_DIR / "models").parts[0]
        if folder in ("staging", "marts"):
            key = _key_of(model, _table(folder, path.parent, model["name"]))
            if key is not None:
                found[key.table] = key
    return found


def _table(folder: str, where: Path, name: str) -> str:
    if folder == "staging":
        return f"staging.{name.removeprefix('stg_')}"
    # As dbt itself: the mart's own configuration before the folder's.
    sql = next(where.parent.rglob(f"{name}.sql")).read_text(encoding="utf-8")
    for schema in ("operations", "compliance"):
        if f"config(schema='{schema}')" in sql:
            return f"{schema}.{name}"
    return f"finance.{name}"


def _key_of(model: dict[str, Any], table: str) -> DeclaredKey | None:
    columns = model.get("columns", [])
    candidates = [
        list(test["unique_together"]["arguments"]["columns"])
        for test in model.get("data_tests", [])
        if isinstance(test, dict) and "unique_together" in test
    ]
    candidates += [[c["name"]] for c in columns if "unique" in c.get("data_tests", [])]
    if not candidates:
        return None
    never_null = {c["name"] for c in columns if "not_null" in c.get("data_tests", [])}
    key = candidates[0]
    # No figure is without a currency, whether its model says so or not.
    required = tuple(name for name in key if name in never_null or name == "currency")
    return DeclaredKey(table, tuple(key), required)
