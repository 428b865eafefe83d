"""Building the warehouse: a fresh database with the landing, the rates and the state, then dbt."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import yaml

from heirpay_pipelines.duck import connect, identifier
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.warehouse.accounts import load_account_mapping
from heirpay_pipelines.warehouse.ecb import load_ecb_rates
from heirpay_pipelines.warehouse.project import PROJECT_DIR, BuildRequest
from heirpay_pipelines.warehouse.run_dbt import run_dbt
from heirpay_pipelines.warehouse.state_copy import copy_state
from heirpay_pipelines.warehouse.tax_ids import load_tax_id_checks

LANDING_COLUMNS = (
    "id varchar, object varchar, account varchar, livemode boolean, created timestamp,"
    " observed_at timestamp, source varchar, event_id varchar, api_version varchar,"
    " payload varchar, pull_id varchar"
)

COMPUTED = ("account_mapping", "coverage", "ecb_rates", "tax_id_checks")
"""Sources that are no landed object: made when the build begins."""


def prepare_build(request: BuildRequest, home: Home) -> None:
    """Create the build database anew with the schemas `landing` and `state`.

    A file that an interrupted run left is replaced: nothing in it is the only copy of anything.
    """
    begin_database(request)
    with connect(request.database, request.encryption_key, read_only=False) as connection:
        connection.execute("create schema landing")
        create_landing_views(connection, home, request.as_of)
        complete_landing(connection, home.account_mapping)
        load_ecb_rates(connection, request.work_dir)
        with open_state(home.state_file) as state:
            copy_state(connection, state)


def build(request: BuildRequest, home: Home, select: str | None = None) -> None:
    """Prepare the database and build the models (those that `select` names, else all)."""
    prepare_build(request, home)
    run_dbt(request, ["build", *(["--select", select] if select else [])])


def begin_database(request: BuildRequest) -> None:
    """Make the folders and remove the build file of an earlier attempt."""
    # Files that DuckDB and dbt create take their mode from the umask: for the owner only.
    os.umask(0o077)
    for folder in (request.database.parent, request.work_dir):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for leftover in (request.database, request.database.with_name(request.database.name + ".wal")):
        leftover.unlink(missing_ok=True)


def complete_landing(
    connection: duckdb.DuckDBPyConnection, account_mapping: Path | None = None
) -> None:
    """Give each landing source of the project that was never pulled an empty table, and make those
    that are computed. `account_mapping` is the user's file, if there is one."""
    sources = yaml.safe_load((PROJECT_DIR / "models" / "sources.yml").read_text())["sources"]
    present = {
        row[0]
        for row in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'landing'"
        ).fetchall()
    }
    for source in sources:
        for table in source["tables"] if source["name"] == "landing" else []:
            if table["name"] not in present and table["name"] not in COMPUTED:
                connection.execute(
                    f"create table {identifier('landing', table['name'])} ({LANDING_COLUMNS})"
                )
    load_tax_id_checks(connection)
    load_account_mapping(connection, account_mapping)
