"""What two nights are compared by."""

from __future__ import annotations

from collections.abc import Collection

from installed import Installation

from heirpay_pipelines.duck import connect

PUBLISHED = ("finance", "staging", "intermediate")
# These say which run they are of, or what that run asked of Stripe's reports: no figures.
OF_THE_RUN = ("int_changed_figures", "stg_stripe__report_runs", "stg_stripe__report_rows")


def fingerprint(
    night: Installation, left_out: Collection[str] = ()
) -> dict[str, tuple[object, ...]]:
    """Each published table's row count and a hash of its rows, whatever their order."""
    settings, found = night.settings, {}
    with connect(settings.warehouse, settings.key, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            f" where schema_name in {PUBLISHED} and table_name not in {OF_THE_RUN} order by all"
        ).fetchall()
        for schema, table in tables:
            rows = f'select count(*), bit_xor(hash(t::varchar)) from "{schema}"."{table}" t'
            found[f"{schema}.{table}"] = connection.execute(rows).fetchone() or ()
    return {table: figures for table, figures in found.items() if table not in left_out}


def last_run(night: Installation) -> dict[str, object]:
    rows = night.rows(
        "select run_id, outcome, requests from operations.run_history order by started_at desc"
    )
    return dict(zip(("run_id", "outcome", "requests"), rows[0], strict=True))
