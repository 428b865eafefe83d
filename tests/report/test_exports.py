"""Tax returns and the journal as files: what a spreadsheet and an accounting system read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from heirpay_pipelines.report.iif import HEADER, _text
from heirpay_pipelines.report.tax_exports import write_exports

TABLES = """
create schema finance; create schema intermediate;
create table intermediate.currencies as select * from (values ('usd', 2), ('eur', 2), ('kwd', 3))
    as rows(currency, exponent);
create table finance.journal_entries as
select * from (values
    ('txn_1', 1, date '2026-01-05', '1100', 'Stripe balance', 97.1, 0, 'usd', 'charge'),
    ('txn_1', 2, date '2026-01-05', '1200', 'Customers', 0, 100, 'usd', 'charge'),
    ('txn_1', 3, date '2026-01-05', '6100', 'Fees', 2.9, 0, 'usd', 'charge'),
    ('txn_2', 1, date '2026-01-06', '1100', 'Stripe balance', 0, 1.234, 'kwd', 'refund'),
    ('txn_2', 2, date '2026-01-06', '1210', 'Refunds', 1.234, 0, 'kwd', 'refund')
) as rows(entry_id, line_number, date, account, account_name, debit, credit, currency, category);
alter table finance.journal_entries add column posted_on date;
update finance.journal_entries set posted_on = date;
alter table finance.journal_entries add column account_type varchar default 'asset';
update finance.journal_entries set account_type = 'expense' where account = '6100';
create table finance.tax_transactions as
select * from (values
    ('in_1', 'US', 'NY', 'New York', 'state', 4.0, 'standard_rated', date '2026-01-05',
        date '2026-01-05', 100.0, 4.0),
    ('in_1', 'US', 'NY', '=HYPERLINK("x")', 'city', 4.5, 'standard_rated', date '2026-01-05',
        date '2026-01-05', 100.0, 4.5),
    ('cn_1', 'DE', null, 'Germany', 'country', 19.0, 'standard_rated', date '2026-02-05',
        date '2026-01-05', -10.0, -1.9),
    ('in_2', 'DE', null, 'Germany', 'country', 19.0, 'reverse_charge', date '2026-02-05',
        date '2026-02-05', 500.0, 0.0)
) as rows(document_id, country, region, jurisdiction, jurisdiction_level, rate, taxability_reason,
    occurred_on, supplied_on, taxable_amount, tax_amount);
alter table finance.tax_transactions add column line_id varchar default 'il_1';
alter table finance.tax_transactions add column document_type varchar default 'invoice';
alter table finance.tax_transactions add column movement varchar default 'finalised';
alter table finance.tax_transactions add column invoice_id varchar default 'in_1';
alter table finance.tax_transactions add column customer_id varchar default 'cus_1';
alter table finance.tax_transactions add column tax_type varchar default 'vat';
alter table finance.tax_transactions add column is_inclusive boolean default false;
alter table finance.tax_transactions add column currency varchar default 'eur';
alter table finance.tax_transactions add column tax_amount_reporting decimal(24, 3) default 1;
alter table finance.tax_transactions add column tax_movement_id varchar default 'x';
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(TABLES)
        write_exports(connection, tmp_path / "exports")
    yield tmp_path / "exports"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_only_what_is_published_is_written_and_for_the_owner_only(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "journal.csv", "journal-usd.iif", "journal-kwd.iif",
        "tax-lines.csv", "us-sales-tax.csv", "vat-return.csv",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_files_of_a_month_hold_that_month_alone(tmp_path: Path) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute(TABLES)
        connection.execute(
            "insert into finance.journal_entries select * replace (date '2026-02-01' as posted_on)"
            " from finance.journal_entries where entry_id = 'txn_2'"
        )
        for month in (1, 2):
            write_exports(connection, tmp_path / str(month), None, date(2026, month, 1))
    for month in (1, 2):
        folder = tmp_path / str(month)
        name = f"2026{month:02}"
        assert {row["journal_number"][:6] for row in rows(folder / "journal.csv")} == {name}
        assert {row["occurred_on"][:7] for row in rows(folder / "tax-lines.csv")} == {
            f"2026-{month:02}"
        }
        numbers = {
            line.split("\t")[5][:6]
            for path in folder.glob("*.iif")
            for line in path.read_text().splitlines()
            if line.startswith(("TRNS", "SPL"))
        }
        assert numbers == {name}
    assert not (tmp_path / "2" / "journal-usd.iif").exists()


def test_text_that_a_spreadsheet_would_compute_stays_text(folder: Path) -> None:
    cities = {row["city"] for row in rows(folder / "us-sales-tax.csv")}
    assert cities == {"", '\'=HYPERLINK("x")'}
    amounts = {row["tax_amount"] for row in rows(folder / "vat-return.csv")}
    assert amounts == {"-1.90", "0.00"}


def test_amounts_have_the_decimals_of_their_currency_and_rates_no_idle_zeros(folder: Path) -> None:
    entries = rows(folder / "journal.csv")
    assert {row["debit"] for row in entries if row["currency"] == "USD"} == {
        "97.10",
        "2.90",
        "0.00",
    }
    assert {row["debit"] for row in entries if row["currency"] == "KWD"} == {"0.000", "1.234"}
    assert {row["rate"] for row in rows(folder / "us-sales-tax.csv")} == {"4", "4.5"}


def test_a_spreadsheet_is_told_that_it_is_utf8(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), path


def test_boxes_by_rate_and_reason_with_corrections_apart(folder: Path) -> None:
    found = {row["box"]: row for row in rows(folder / "vat-return.csv")}
    assert set(found) == {"taxable at 19 %", "reverse charge"}
    assert Decimal(found["taxable at 19 %"]["corrects_earlier_periods"]) == Decimal("-1.9")
    assert Decimal(found["reverse charge"]["net_amount"]) == 500


def test_journal_balances_per_day_and_memo(folder: Path) -> None:
    entries = rows(folder / "journal.csv")
    for key in {(row["date"], row["memo"], row["currency"]) for row in entries}:
        same = [row for row in entries if (row["date"], row["memo"], row["currency"]) == key]
        assert sum(Decimal(r["debit"]) - Decimal(r["credit"]) for r in same) == 0


def test_a_journal_is_numbered_by_day_and_currency(folder: Path) -> None:
    numbers = [row["journal_number"] for row in rows(folder / "journal.csv")]
    assert set(numbers) == {"20260105USD", "20260106KWD"}


def test_iif_names_its_accounts_with_their_types_first(folder: Path) -> None:
    lines = (folder / "journal-usd.iif").read_text(encoding="cp1252").splitlines()
    accounts = lines[: lines.index(HEADER[0])]
    assert accounts == [
        "!ACCNT\tNAME\tACCNTTYPE\tACCNUM",
        "ACCNT\tStripe balance\tOCASSET\t1100",
        "ACCNT\tCustomers\tOCASSET\t1200",
        "ACCNT\tFees\tEXP\t6100",
    ]


@pytest.mark.parametrize("currency", ["usd", "kwd"])
def test_iif_transactions_add_up_to_nothing(folder: Path, currency: str) -> None:
    lines = (folder / f"journal-{currency}.iif").read_text(encoding="cp1252").splitlines()
    start = lines.index(HEADER[0])
    named = {line.split("\t")[1] for line in lines[1:start]}
    assert tuple(lines[start : start + 3]) == HEADER
    kinds = []
    total = Decimal(0)
    for line in lines[start + 3 :]:
        kind, *fields = line.split("\t")
        kinds.append(kind)
        if kind == "ENDTRNS":
            assert total == 0
            continue
        assert len(fields) == HEADER[0].count("\t")
        assert fields[2] in named
        assert len(fields[4]) <= 11  # QuickBooks cuts a longer number
        total += Decimal(fields[3])
    assert kinds[0] == "TRNS"
    assert kinds[-1] == "ENDTRNS"
    assert kinds.count("TRNS") == kinds.count("ENDTRNS") == 1
    assert kinds.count("SPL") >= 1


def test_text_of_the_users_accounts_cannot_break_an_iif_line() -> None:
    assert _text('Fees:\tall\n"of" them') == "Fees all 'of' them"
