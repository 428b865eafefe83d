"""The landing as tables: what the models read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from heirpay_pipelines.duck import identifier
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.read import relation, use_key

COVERAGE = pa.schema(
    [
        ("pull_id", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("endpoint", pa.string()),
        ("object_name", pa.string()),
        ("mode", pa.string()),
        ("covered_from", pa.string()),
        ("covered_until", pa.string()),
        ("rows", pa.int64()),
        ("requests", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("needed_for", pa.string()),
        ("api_version", pa.string()),
    ]
)

WRITE_PERMISSIONS = pa.schema(
    [
        ("pull_id", pa.string()),
        ("key_id", pa.string()),
        ("probed_at", pa.string()),
        ("resource", pa.string()),
        ("answer", pa.string()),
    ]
)


def create_landing_views(
    connection: duckdb.DuckDBPyConnection, home: Home, as_of: datetime
) -> None:
    """Create, in the existing schema `landing`, a view for each object with visible files, and the
    tables `coverage` and `write_permissions`. `as_of` is naive UTC. Files are verified against
    their checksums first."""
    landing = Landing.of(home)
    instant = as_of.replace(tzinfo=UTC)
    landing.verify(instant)
    use_key(connection, landing.key)
    for name, files in landing.files(instant).items():
        view = name.replace(".", "_")
        source = relation(landing, files)
        # Which pull brought a row says since when it is known: files are named <pull_id>-<n>.
        connection.execute(
            f"create view {identifier('landing', view)} as select *,"
            " regexp_extract(filename, '([^/]+)-[0-9]+[.]parquet$', 1) as pull_id"
            f" from {source}"
        )
    manifests = landing.manifests(instant)
    _create_table(connection, "coverage", COVERAGE, _coverage_lines(manifests))
    _create_table(connection, "write_permissions", WRITE_PERMISSIONS, _write_answers(manifests))


def _coverage_lines(manifests: list[Manifest]) -> list[dict[str, Any]]:
    return [
        {
            "pull_id": manifest.pull_id,
            "as_of": manifest.as_of.replace(tzinfo=None),
            "api_version": manifest.api_version,
            **line,
        }
        for manifest in manifests
        for line in manifest.coverage
    ]


def _write_answers(manifests: list[Manifest]) -> list[dict[str, Any]]:
    return [
        {
            "pull_id": manifest.pull_id,
            "key_id": manifest.write_probe["key"],
            "probed_at": manifest.write_probe["probed_at"],
            "resource": resource,
            "answer": answer,
        }
        for manifest in manifests
        if manifest.write_probe is not None
        for resource, answer in manifest.write_probe["answers"].items()
    ]


def _create_table(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: list[dict[str, Any]]
) -> None:
    connection.register("rows_of_manifests", pa.Table.from_pylist(rows, schema=schema))
    connection.execute(f"create table landing.{name} as select * from rows_of_manifests")
    connection.unregister("rows_of_manifests")
