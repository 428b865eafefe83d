"""The published schema as a data contract in the Open Data Contract Standard (ODCS 3.0.2):
keys, what is never null, known values and the class of personal data as the dbt project has them.

https://bitol-io.github.io/open-data-contract-standard/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heirpay_pipelines.controls.declared import DeclaredTable, declared_tables
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.domain import controls
from heirpay_pipelines.report.handoff import Handoff
from heirpay_pipelines.warehouse.personal_columns import tagged_columns

ODCS = "v3.0.2"
LOGICAL = (
    ("DECIMAL", "number"), ("BIGINT", "integer"), ("HUGEINT", "integer"), ("INTEGER", "integer"),
    ("SMALLINT", "integer"), ("DOUBLE", "number"), ("BOOLEAN", "boolean"), ("DATE", "date"),
    ("TIMESTAMP", "date"), ("STRUCT", "object"),
)  # fmt: skip


def data_contract(context: ReportContext) -> Handoff:
    """Every published table and column, from what is published and what dbt declares of it."""
    columns: dict[str, list[dict[str, Any]]] = {}
    for row in context.fact("published_columns").rows:
        columns.setdefault(row["table_name"], []).append(row)
    classes = tagged_columns()
    known = declared_tables()
    schema = [
        _table(name, found, known.get(name), classes) for name, found in sorted(columns.items())
    ]
    described = [c["description"] for found in columns.values() for c in found]
    keyed = [table for table in schema if any(p.get("primaryKey") for p in table["properties"])]
    declared = [name for name in columns if name in known and known[name].keys]
    pci = controls.evidencing(context, "stored_card_data")
    return Handoff(
        "data",
        "data-contract.json",
        "payment_schema_requirements",
        "Every published table and column: type, key, what is never null, personal data",
        {
            "apiVersion": ODCS,
            "kind": "DataContract",
            "id": f"heirpay-{context.home.project}",
            "name": f"Published payments data of {context.home.project}",
            "version": "1.0.0",
            "status": "active",
            "description": {
                "purpose": "Finance, compliance and operations figures of the payments domain",
                "usage": "Read-only, by `heirpay query` or the published DuckDB file",
                "limitations": "Amounts are exact decimals beside their currency; time is UTC",
            },
            "schema": schema,
        },
        (
            ("tables are published", bool(schema)),
            ("every column is described", bool(described) and all(described)),
            ("every declared key is in the contract", len(keyed) == len(declared) > 0),
            ("PCI_data_requirements_met", controls.all_passed(pci) is True),
        ),
    )


def _table(
    name: str,
    columns: list[dict[str, Any]],
    declared: DeclaredTable | None,
    classes: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    key = declared.keys[0] if declared and declared.keys else ()
    return {
        "name": name,
        "physicalName": name,
        "physicalType": "table",
        "logicalType": "object",
        "properties": [
            _property(name.partition(".")[2], column, declared, key, classes) for column in columns
        ],
    }


def _property(
    table: str,
    column: dict[str, Any],
    declared: DeclaredTable | None,
    key: tuple[str, ...],
    classes: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    name = column["column_name"]
    found: dict[str, Any] = {
        "name": name,
        "physicalType": column["data_type"],
        "logicalType": _logical(column["data_type"]),
        "description": column["description"],
        "required": declared is not None and name in declared.required,
        "classification": classes.get((table, name), "none"),
    }
    if name in key:
        found |= {
            "primaryKey": True,
            "primaryKeyPosition": key.index(name) + 1,
            "unique": len(key) == 1,
        }
    if declared and name in declared.values:
        values = list(declared.values[name])
        found["quality"] = [{"type": "library", "rule": "invalidValues", "validValues": values}]
    return found


def _logical(physical: str) -> str:
    if physical.endswith("[]"):
        return "array"
    return next((logical for start, logical in LOGICAL if physical.startswith(start)), "string")
