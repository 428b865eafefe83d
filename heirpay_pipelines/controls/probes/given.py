"""What every probe is given."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from heirpay_pipelines.controls.results import RunContext


@dataclass(frozen=True)
class ProbeInput:
    """The build database (read-only) and the run."""

    connection: duckdb.DuckDBPyConnection
    run: RunContext
