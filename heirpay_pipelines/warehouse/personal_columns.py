"""The warehouse's half of the data map: the classes that the models' columns are tagged with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heirpay_pipelines.warehouse.project import documented_models


def tagged_columns() -> dict[tuple[str, str], str]:
    """(model, column) → class of personal data, from the dbt project's column meta."""
    tags: dict[tuple[str, str], str] = {}
    for model, column in _documented():
        meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
        if "personal_data" in meta:
            tags[(model, column["name"])] = str(meta["personal_data"])
    return tags


def documented_columns() -> set[tuple[str, str]]:
    """(model, column) of every column that the project describes."""
    return {(model, column["name"]) for model, column in _documented()}


def _documented() -> Iterator[tuple[str, dict[str, Any]]]:
    for _, model in documented_models():
        for column in model.get("columns", []):
            yield model["name"], column
