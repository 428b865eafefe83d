"""The warehouse's half of the data map: the classes that the models' columns are tagged with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heirpay_pipelines.warehouse.project import documented_models


def tagged_columns() -> dict[tuple[str, str], str]:
    """(model, column) → class of personal data, from the dbt project's column meta."""
    tags: dict[tuple[str, str], str] = {}
    for model, column in _documented():
        meta = _meta(column)
        if "personal_data" in meta:
            tags[(model, column["name"])] = str(meta["personal_data"])
    return tags


def documented_columns() -> set[tuple[str, str]]:
    """(model, column) of every column that the project describes."""
    return {(model, column["name"]) for model, column in _documented()}


def _meta(column: dict[str, Any]) -> dict[str, Any]:
    return (column.get("config") or {}).get("meta") or column.get("meta") or {}


def _documented() -> Iterator[tuple[str, dict[str, Any]]]:
    for _, model in documented_models():
        for column in model.get("columns", []):
            yield model["name"], column


def kept_columns() -> dict[tuple[str, str], tuple[str, str]]:
    """(model, column) → the object and field of the landing that a law demands kept, so that what
    the column says of a person stays after an erasure (personal/paths.yaml has the clause)."""
    kept = {}
    for model, column in _documented():
        object_name, _, field = str(_meta(column).get("kept_by_law", "")).rpartition(".")
        if object_name:
            kept[(model, column["name"])] = (object_name, field)
    return kept


def payload_columns() -> dict[tuple[str, str], tuple[str, bool]]:
    """(model, column) of JSON as Stripe sent it → the column that names the object, and whether it
    holds only what fields of the object held before."""
    return {
        (model, column["name"]): (str(meta["payload_of"]), bool(meta.get("previous")))
        for model, column in _documented()
        if "payload_of" in (meta := _meta(column))
    }
