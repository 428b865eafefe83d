"""`heirpay query`."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, cast

import click

from heirpay_pipelines.settings import Settings

if TYPE_CHECKING:
    from heirpay_pipelines.query.run_query import Format


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--night", type=click.DateTime(["%Y-%m-%d"]), help="A night that was recomputed.")
def query(sql: str, form: str, night: datetime | None) -> None:
    """Run read-only SQL on the published warehouse and print the result.

    \b
    heirpay query "select * from finance.mrr_monthly order by month desc limit 6"
    heirpay query "from finance.payout_reconciliation" --format csv > payouts.csv
    """
    from heirpay_pipelines.duck import WarehouseError
    from heirpay_pipelines.query.run_query import QueryError, run_query

    if form == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is binary: send it to a file with > result.parquet")
    settings = Settings.load()
    try:
        day = night.date() if night else None
        run_query(settings, sql, cast("Format", form), sys.stdout.buffer, day)
    except QueryError as error:
        raise click.UsageError(str(error)) from None
    except WarehouseError as error:
        raise click.ClickException(str(error)) from None
