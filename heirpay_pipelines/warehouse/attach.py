"""The dbt-duckdb plugin that attaches the build database, plain or encrypted, and tells each of its
sessions as of when it computes.

dbt-duckdb loads it by the name in `dbt/profiles.yml`. The key comes from the environment, so it
stands neither in the profile nor in anything that dbt writes.
"""

from __future__ import annotations

import os

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from heirpay_pipelines.duck import MEMORY_LIMIT, quoted
from heirpay_pipelines.landing.read import use_key

KEY_VARIABLE = "DBT_ENV_SECRET_ENCRYPTION_KEY"
AS_OF_UNSAID = "1970-01-01T00:00:00"


class Plugin(BasePlugin):
    """Attaches the file `DBT_BUILD_DATABASE` as `heirpay` before dbt-duckdb looks for it, within
    `DBT_MEMORY_LIMIT`, spilling into `DBT_TEMP_DIRECTORY`. Sets the session variables `as_of`
    (TIMESTAMP, UTC) and `run_id` that models read."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        database = os.environ.get("DBT_BUILD_DATABASE", "build.duckdb")
        key = os.environ.get(KEY_VARIABLE)
        options = ""
        # Once, when the database is opened: dbt-duckdb repeats a profile's `settings` for each
        # cursor, and DuckDB refuses to be told its temporary directory again once it has spilled.
        conn.execute(
            f"set memory_limit = {quoted(os.environ.get('DBT_MEMORY_LIMIT', MEMORY_LIMIT))}"
        )
        spill = os.environ.get("DBT_TEMP_DIRECTORY", "build.tmp")
        conn.execute(f"set temp_directory = {quoted(spill)}")
        if key:
            use_key(conn, key)
            options = f" (encryption_key {quoted(key)})"
            conn.execute("set temp_file_encryption = true")
        # Not in the profile: it changes from night to night, and dbt would parse anew.
        if limit := os.environ.get("DBT_SPILL_LIMIT"):
            conn.execute(f"set max_temp_directory_size = {quoted(limit)}")
        conn.execute(f"attach {quoted(database)} as heirpay{options}")

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        as_of = os.environ.get("DBT_AS_OF", AS_OF_UNSAID)
        cursor.execute("use heirpay")
        cursor.execute(f"set variable as_of = timestamp {quoted(as_of)}")
        cursor.execute(f"set variable run_id = {quoted(os.environ.get('DBT_RUN_ID', 'none'))}")
