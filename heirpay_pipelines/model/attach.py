"""The dbt-duckdb plugin that attaches the build database, plain or encrypted.

dbt-duckdb loads it by the name in `dbt/profiles.yml`. The key comes from the environment, so it
stands neither in the profile nor in anything that dbt writes.
"""

from __future__ import annotations

import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from heirpay_pipelines.land.read import use_key

KEY_VARIABLE = "DBT_ENV_SECRET_ENCRYPTION_KEY"


class Plugin(BasePlugin):
    """Attaches `database` as `heirpay` before dbt-duckdb looks for it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.database = str(plugin_config["database"])

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        key = os.environ.get(KEY_VARIABLE)
        options = ""
        if key:
            use_key(conn, key)
            options = f" (encryption_key '{_quoted(key)}')"
            conn.execute("set temp_file_encryption = true")
        conn.execute(f"attach '{_quoted(self.database)}' as heirpay{options}")

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        cursor.execute("use heirpay")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
