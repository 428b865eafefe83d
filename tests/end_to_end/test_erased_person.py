"""A person who was erased stays away when everything is pulled again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from installed import NOW, Installation

from heirpay_pipelines.land.landing import Landing
from heirpay_pipelines.land.read import open_files, relation
from heirpay_pipelines.nightly.embedded import EmbeddedAccount

BUSIEST = """
select customers.id, customers.email, customers.name
from staging.customers as customers
inner join staging.charges as charges on charges.customer_id = customers.id
where customers.email is not null and customers.name is not null
    and not exists (
        select 1 from staging.customers as other
        where other.id <> customers.id
            and (other.email = customers.email or other.name = customers.name)
    )
group by all
order by count(*) desc, customers.id
limit 1
"""
TOTALS = """
select 'charge' as kind, currency, count(*), sum(amount) from staging.charges group by all
union all
select 'invoice', currency, count(*), sum(total) from staging.invoices group by all
union all
select 'mrr', currency, count(*), sum(mrr) from finance.mrr_monthly group by all
union all
select 'balance', currency, count(*), sum(net) from staging.balance_transactions group by all
order by all
"""


def named(night: Installation, texts: tuple[str, ...]) -> Iterator[str]:
    """Where any of the texts stands: landed payloads, every table of the warehouse."""
    sought = " or ".join(f"contains(row::varchar, '{text}')" for text in texts)
    landing = Landing(night.settings.landing_dir)
    with open_files(landing) as connection:
        for name, files in landing.files().items():
            rows = f"select id, payload from {relation(landing, files)}"
            if connection.execute(f"select 1 from ({rows}) as row where {sought}").fetchone():
                yield f"landing {name}"
    for schema, table in night.rows(
        "select schema_name, table_name from duckdb_tables() where database_name = 'heirpay'"
    ):
        if night.rows(f'select 1 from "{schema}"."{table}" as row where {sought} limit 1'):
            yield f"{schema}.{table}"


@pytest.mark.slow
def test_everything_pulled_again_brings_nobody_back(
    published_copy: Installation, account: EmbeddedAccount
) -> None:
    night = replace(published_copy, account=account)
    person = tuple(str(value) for value in night.rows(BUSIEST)[0])
    totals = night.rows(TOTALS)
    assert next(named(night, person), None)
    asked = ("gdpr", "erase", person[0], "--reason", "letter 7", "--by", "Dana")
    erased = night.heirpay(*asked)
    assert erased.returncode == 0, erased.stderr
    assert night.rows(TOTALS) == totals

    again = night.heirpay("run", "--full", "--as-of", NOW)
    assert again.returncode == 0, again.stderr[-3000:]
    (row,) = night.rows(
        "select rows_pulled::json ->> '$.customer', outcome from operations.run_history"
        " order by started_at desc limit 1"
    )
    assert int(str(row[0])) > 100  # Stripe told of everybody again, of the person, too
    assert list(named(night, person)) == []
    assert night.rows(TOTALS) == totals
    assert night.rows("select count(*) from staging.customers where id like 'cus_erased%'") == [
        (1,)
    ]
