"""A night that pulls everything again: a person who was erased stays away, and each bank file that
is refused is named while the night is published."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from installed import NOW, Installation
from nights import copy_home

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount

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


CASES = Path(__file__).parents[1] / "bank" / "bank_cases"
REFUSED = {
    "bai2_cut_after_detail.bai2": "the file's trailer (99) is missing",
    "bai2_group_status_test.bai2": "the file is a test",
    "camt_closing_other_ccy.xml": "opening balances are in eur",
    "01_decimal_comma_default/x.csv": "line 2: column Amount",
    "25_unclosed_quote/x.csv": "line 2, column 2: a quote is not closed",
    "28_amount_and_none_mapping/x.csv": "the mapping names no amount",
    "35_balance_each_day/x.csv": "line 5: the balance says 99900",
    "endless.ofx": "the file holds no statement",
    "picture.png": "no statement in a known format",
}


@dataclass(frozen=True)
class PulledAgain:
    """The night, the person who was erased before it, the totals before that."""

    night: Installation
    person: tuple[str, ...]
    totals: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def again(
    published: Installation, account: EmbeddedAccount, tmp_path_factory: pytest.TempPathFactory
) -> PulledAgain:
    home = tmp_path_factory.mktemp("again") / "home"
    copy_home(published.home, home)
    night = replace(published, home=home, account=account)
    person = tuple(str(value) for value in night.rows(BUSIEST)[0])
    totals = night.rows(TOTALS)
    assert next(named(night, person), None)
    asked = ("gdpr", "erase", person[0], "--reason", "letter 7", "--by", "Dana")
    erased = night.heirpay(*asked)
    assert erased.returncode == 0, erased.stderr
    assert night.rows(TOTALS) == totals
    bank = home / "bank" / "refused"
    bank.mkdir()
    for name in REFUSED:
        if "/" in name:
            folder = Path(name).parent
            shutil.copytree(CASES / "csv" / folder, bank / folder)
        elif (CASES / "bank" / name).is_file():
            shutil.copy(CASES / "bank" / name, bank / name)
    (bank / "endless.ofx").write_bytes(b"<OFX>" + b" " * 60_000 + b"</OFX>")
    (bank / "picture.png").write_bytes(b"\x89PNG\r\n" + os.urandom(99).replace(b"\0", b"1"))
    run = night.heirpay("run", "--full", "--as-of", NOW)
    assert run.returncode == 0, run.stderr[-3000:]
    return PulledAgain(night, person, totals)


@pytest.mark.slow
def test_everything_pulled_again_brings_nobody_back(again: PulledAgain) -> None:
    (row,) = again.night.rows(
        "select rows_pulled::json ->> '$.customer', outcome from operations.run_history"
        " order by started_at desc limit 1"
    )
    assert int(str(row[0])) > 100  # Stripe told of everybody again, of the person, too
    assert list(named(again.night, again.person)) == []
    assert again.night.rows(TOTALS) == again.totals
    erased = "select count(*) from staging.stg_stripe__customers where id like 'cus_erased%'"
    assert again.night.rows(erased) == [(1,)]


@pytest.mark.slow
def test_a_night_with_refused_bank_files_is_published_and_lists_each(again: PulledAgain) -> None:
    listed = again.night.heirpay("quarantine", "list").stdout
    report = (again.night.home / "reports" / "latest" / "report.json").read_text()
    for name, reason in REFUSED.items():
        assert f"bank statement refused/{name}: " in listed
        assert f"bank statement refused/{name}: " in report
        assert reason in listed
