"""Hand-written Stripe objects, landed as Parquet and modelled by the SQL that dbt compiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from compiled_project import copy_ecb_rates, run_models

from heirpay_pipelines.duck import connect
from heirpay_pipelines.gateways.stripe.resources import BY_PATH
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.warehouse.build import LANDING_COLUMNS, begin_database, complete_landing
from heirpay_pipelines.warehouse.project import BuildRequest
from heirpay_pipelines.warehouse.state_copy import copy_state

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("object", pa.string()),
        ("account", pa.string()),
        ("livemode", pa.bool_()),
        ("created", pa.timestamp("us")),
        ("observed_at", pa.timestamp("us")),
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("api_version", pa.string()),
        ("payload", pa.string()),
        ("pull_id", pa.string()),
    ]
)


def epoch(instant: str) -> int:
    """Epoch seconds of an ISO instant in UTC; Stripe's own form of time."""
    return int(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp())


def naive(seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@dataclass
class Landing:
    """What pulls have landed so far: versions of objects."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    event_number: int = 0
    logs: dict[str, str] = field(default_factory=dict)
    """For the pull as of an instant: since when its event log is complete."""
    refused: dict[str, str | None] = field(default_factory=dict)
    """Lists that the key may not read, by endpoint; until when it could, if ever."""

    def version(
        self,
        payload: dict[str, Any],
        observed_at: str,
        source: str = "list",
        event_id: str | None = None,
        known_at: str | None = None,
    ) -> None:
        """One observed version, as a list or an event showed it; pulled `known_at`, else at once.

        A pull is named after its instant.
        """
        self.rows.append(
            {
                "id": payload["id"],
                "object": payload["object"],
                "account": "acct_test",
                "livemode": False,
                "created": naive(payload.get("created")),
                "observed_at": datetime.fromisoformat(observed_at),
                "source": source,
                "event_id": event_id,
                "api_version": "2026-10-28.endive",
                "payload": json.dumps(payload),
                "pull_id": datetime.fromisoformat(known_at or observed_at).isoformat(),
            }
        )

    def event(
        self,
        kind: str,
        payload: dict[str, Any],
        at: str,
        event_id: str | None = None,
        previous: dict[str, Any] | None = None,
        known_at: str | None = None,
    ) -> None:
        """An event and the version that it carried."""
        self.event_number += 1
        event_id = event_id or f"evt_{self.event_number:06d}"
        self.version(
            {
                "id": event_id,
                "object": "event",
                "created": epoch(at),
                "type": kind,
                "api_version": "2026-10-28.endive",
                "data": {"object": payload, "previous_attributes": previous},
            },
            at,
            source="event",
            event_id=event_id,
            known_at=known_at,
        )
        self.version(payload, at, source="event", event_id=event_id, known_at=known_at)

    def write(self, folder: Path, as_of: str) -> None:
        """Parquet files of the pulls up to `as_of`, under `objects/<object>/` as land has them."""
        known = [row for row in self.rows if row["pull_id"] <= as_of]
        for name in {row["object"] for row in known}:
            target = folder / "objects" / name
            target.mkdir(parents=True, exist_ok=True)
            rows = [row for row in known if row["object"] == name]
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), target / "pull-0.parquet")


@dataclass
class Warehouse:
    """A built database, read through `rows`."""

    database: Path

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with connect(self.database, None, read_only=True) as connection:
            yield connection

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.open() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, *parameters: Any) -> Any:
        (row,) = self.rows(sql, *parameters)
        return row[0]


def model(
    landing: Landing,
    folder: Path,
    as_of: str,
    select: str,
    timezone: str = "UTC",
    reporting_currency: str = "usd",
    tested: bool = True,
    state_file: Path | None = None,
    account_mapping: Path | None = None,
) -> Warehouse:
    """Land and build the selected models in this process; return the warehouse.

    `tested` runs the models' own tests, too.
    """
    request = BuildRequest(
        database=folder / "build.duckdb",
        work_dir=folder / "dbt",
        run_id="test",
        as_of=datetime.fromisoformat(as_of),
        timezone=timezone,
        reporting_currency=reporting_currency,
    )
    prepare(request, landing, folder, state_file, account_mapping)
    run_models(request, select, tested)
    return Warehouse(request.database)


def prepare(
    request: BuildRequest,
    landing: Landing,
    folder: Path,
    state_file: Path | None = None,
    account_mapping: Path | None = None,
) -> None:
    """The database in which the models are built: what was landed by then, rates, state."""
    begin_database(request)
    landing.write(folder / "landing", request.as_of.isoformat())
    with connect(request.database, None, read_only=False) as connection:
        connection.execute("create schema landing")
        with open_state(state_file or folder / "state.sqlite") as state:
            copy_state(connection, state)
        for path in sorted((folder / "landing" / "objects").iterdir()):
            connection.execute(
                f'create view landing."{path.name.replace(".", "_")}" as'
                f" select * from read_parquet('{path}/*.parquet')"
            )
        _cover(connection, landing, folder)
        complete_landing(connection, account_mapping)
        copy_ecb_rates(connection)


def _cover(connection: duckdb.DuckDBPyConnection, landing: Landing, folder: Path) -> None:
    """`landing.coverage`: a line of the event log for each pull that is known."""
    connection.execute(
        "create table landing.coverage (pull_id varchar, as_of timestamp, endpoint varchar,"
        " object_name varchar, mode varchar, status varchar, covered_from varchar,"
        " covered_until varchar, rows bigint, requests bigint, reason varchar,"
        " needed_for varchar, api_version varchar)"
    )
    for path in sorted((folder / "landing" / "objects").iterdir()):
        connection.execute(
            "insert into landing.coverage by name select distinct pull_id,"
            " cast(pull_id as timestamp) as as_of,"
            " '/v1/events' as endpoint, 'event' as object_name, 'created' as mode,"
            " 'complete' as status, pull_id as covered_until"
            f" from read_parquet('{path}/*.parquet')"
            " where pull_id not in (select pull_id from landing.coverage)"
        )
    newest = "(select max(as_of) from landing.coverage where object_name = 'event')"
    for endpoint, known_until in landing.refused.items():
        path, _, expanded = endpoint.removeprefix("/v1/").partition("?expand[]=data.")
        kind = expanded.removesuffix("s") or BY_PATH[path].object_name
        connection.execute(
            f"insert into landing.coverage by name select 'refused' as pull_id, {newest} as as_of,"
            " ? as endpoint, ? as object_name, 'full' as mode, 'forbidden' as status",
            [endpoint, kind],
        )
        if known_until:
            connection.execute(
                "insert into landing.coverage by name select 'before' as pull_id, cast($1 as"
                " timestamp) as as_of, $2 as endpoint, $3 as object_name, 'events' as mode,"
                " 'complete' as status, $1 as covered_until",
                [known_until, endpoint, kind],
            )
    for pull_id, covered_from in landing.logs.items():
        connection.execute(
            "update landing.coverage set covered_from = ?"
            " where as_of = ? and object_name = 'event'",
            [covered_from, pull_id],
        )


__all__ = ["LANDING_COLUMNS", "Landing", "Warehouse", "epoch", "model"]
