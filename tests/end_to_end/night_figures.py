"""What two nights are compared by."""

from __future__ import annotations

from installed import Installation

PUBLISHED = ("finance", "staging", "intermediate")
# These say which run they are of, or what that run asked of Stripe's reports: no figures.
OF_THE_RUN = ("int_changed_figures", "stg_stripe__report_runs", "stg_stripe__report_rows")


def fingerprint(night: Installation) -> dict[str, tuple[object, ...]]:
    """Each published table's row count and a hash of its rows, whatever their order."""
    tables = night.rows(
        "select schema_name, table_name from duckdb_tables()"
        f" where schema_name in {PUBLISHED} and table_name not in {OF_THE_RUN} order by all"
    )
    return {
        f"{schema}.{table}": night.rows(
            f'select count(*), bit_xor(hash(t::varchar)) from "{schema}"."{table}" t'
        )[0]
        for schema, table in tables
    }


def last_run(night: Installation) -> dict[str, object]:
    rows = night.rows(
        "select run_id, outcome, requests from operations.run_history order by started_at desc"
    )
    return dict(zip(("run_id", "outcome", "requests"), rows[0], strict=True))
