"""The published warehouse for notebooks and scripts: read-only, exact, audited like any query.

    from heirpay_pipelines import published

    frame = published.frame("select month, currency, mrr from finance.mrr_monthly")
    with published.connect() as warehouse:
        print(warehouse.sql("from finance.accounts limit 5"))

Settings come from the environment and `.env`, as for `heirpay query`; so does the encryption key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from heirpay_pipelines.duck import connect_shut
from heirpay_pipelines.query.audit_record import record_query
from heirpay_pipelines.query.one_select import RefusedSqlError, statement_of
from heirpay_pipelines.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PublishedError", "connect", "frame"]

THROUGH = "python:"


class PublishedError(Exception):
    """The SQL is wrong or does more than read. The message says which."""


@contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse as a DuckDB connection that can change nothing and reach no other
    file; whoever opens it is in the audit log.

    Money is DECIMAL in major units, with its currency beside it. Raises SettingsError, and
    WarehouseError when nothing is published yet.
    """
    settings = Settings.load()
    with _opened(settings) as connection:
        record_query(settings, connection, "from published", through=THROUGH)
        yield connection


def frame(sql: str) -> pd.DataFrame:
    """The result of one SELECT as a pandas frame whose columns are backed by Arrow.

    A DECIMAL stays a decimal (never a float), a date a date, and NULL is `pd.NA`. The query is
    recorded in the audit log before it runs. Raises PublishedError, SettingsError, WarehouseError.
    """
    import pandas as pd

    settings = Settings.load()
    with _opened(settings) as connection:
        record_query(settings, connection, sql, through=THROUGH)
        try:
            result: Any = connection.execute(statement_of(connection, sql)).to_arrow_table()
        except (duckdb.Error, RefusedSqlError) as error:
            raise PublishedError(str(error)) from None
    found: pd.DataFrame = result.to_pandas(types_mapper=pd.ArrowDtype)
    return found


@contextmanager
def _opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_shut(
        settings.warehouse,
        settings.key,
        memory_limit=settings.memory_limit,
        timezone=settings.timezone,
    ) as connection:
        yield connection
