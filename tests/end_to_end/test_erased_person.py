"""Everything is pulled again: a person who was erased stays away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from compiled_project import run_models
from installed import NOW, Installation
from nights import copy_home

from heirpay_pipelines.gateways.progress import TerminalProgress
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest

BUSIEST = """
select customers.id, customers.email, customers.name
from staging.stg_stripe__customers as customers
inner join staging.stg_stripe__charges as charges on charges.customer_id = customers.id
where customers.email is not null and customers.name is not null
    and not exists (
        select 1 from staging.stg_stripe__customers as other
        where other.id <> customers.id
            and (other.email = customers.email or other.name = customers.name)
    )
group by all
order by count(*) desc, customers.id
limit 1
"""
TOTALS = """
select 'charge' as kind, currency, count(*), sum(amount)
from staging.stg_stripe__charges as charges group by all
union all
select 'invoice', currency, count(*), sum(total) from staging.stg_stripe__invoices group by all
union all
select 'mrr', currency, count(*), sum(mrr) from finance.mrr_monthly group by all
union all
select 'balance', currency, count(*), sum(net) from staging.stg_stripe__balance_transactions
group by all
order by all
"""


Row = tuple[object, ...]


def named(
    landing: Landing, warehouse: duckdb.DuckDBPyConnection, texts: tuple[str, ...]
) -> set[str]:
    """Where any of the texts stands: landed payloads, every table of the warehouse."""
    sought = " or ".join(f"contains(row::varchar, '{text}')" for text in texts)
    found = set()
    with open_files(landing) as connection:
        for name, files in landing.files().items():
            rows = f"select id, payload from {relation(landing, files)}"
            if connection.execute(f"select 1 from ({rows}) as row where {sought}").fetchone():
                found.add(f"landing {name}")
    tables = "select schema_name, table_name from duckdb_tables() where database_name = ?"
    (database,) = warehouse.execute("select current_database()").fetchone() or ()
    for schema, table in warehouse.execute(tables, [database]).fetchall():
        rows = f'select 1 from "{schema}"."{table}" as row where {sought} limit 1'
        if warehouse.execute(rows).fetchone():
            found.add(f"{schema}.{table}")
    return found


@pytest.mark.slow
def test_everything_pulled_again_brings_nobody_back(
    published: Installation, account: EmbeddedAccount, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    copy_home(published.home, home)
    night = replace(published, home=home, account=account)
    settings, landing = night.settings, Landing(night.settings.landing_dir)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        person = tuple(str(value) for value in warehouse.execute(BUSIEST).fetchone() or ())
        totals = warehouse.execute(TOTALS).fetchall()
        assert len(named(landing, warehouse, person)) > 5
    erased = night.heirpay("gdpr", "erase", person[0], "--reason", "letter 7", "--by", "Dana")
    assert erased.returncode == 0, erased.stderr
    assert night.rows(TOTALS) == totals

    reached = Settings(
        HEIRPAY_HOME=home, STRIPE_API_KEY=account.key, STRIPE_API_BASE=account.base_url
    )
    said = TerminalProgress(lambda line: None)
    outcome = pull_and_land(stripe_account(reached), datetime.fromisoformat(NOW), True, said)
    assert outcome.rows["customer"] > 100  # Stripe told of everybody again, of the person, too
    as_of = datetime.fromisoformat(NOW).astimezone(UTC).replace(tzinfo=None)
    request = BuildRequest(tmp_path / "build.duckdb", tmp_path, "again", as_of)
    prepare_build(request, settings)
    run_models(request, "+path:models")
    with duckdb.connect(str(request.database), read_only=True) as warehouse:
        assert named(landing, warehouse, person) == set()
        assert warehouse.execute(TOTALS).fetchall() == totals
        pseudonyms = (
            "select count(*) from staging.stg_stripe__customers where id like 'cus_erased%'"
        )
        assert warehouse.execute(pseudonyms).fetchall() == [(1,)]
