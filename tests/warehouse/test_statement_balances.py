"""A bank statement is whole by itself, or by the one before it; a gap between two shows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model

from heirpay_pipelines.bank.document import documents_of
from heirpay_pipelines.bank.records import records
from heirpay_pipelines.bank.register import Register
from heirpay_pipelines.bank.statement import Line, Statement

AS_OF = "2026-05-01T00:00:00"


def statement(day: int, opening: int | None, amount: int, closing: int | None) -> stripe.JsonObject:
    on = date(2026, 1, day)
    made = Statement(
        "DE75", "eur", f"2026-01-{day:02d}", (Line(on, on, amount, "", ""),),
        opening, closing, on, on,
    )  # fmt: skip
    return records([made], f"{day}.ofx", f"{day}", "ofx")[0]


CASES = Path(__file__).parents[1] / "bank" / "bank_cases"
BALANCE = (
    '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{}</Amt>'
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{}</Dt></Dt></Bal>"
)
ENTRY = (
    '<Ntry><Amt Ccy="EUR">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
    "<BookgDt><Dt>{}</Dt></BookgDt><AddtlNtryInf>{}</AddtlNtryInf></Ntry>"
)


def camt(
    account: str,
    opening: tuple[str, str],
    closing: tuple[str, str],
    *entries: str,
    message: str = "Stmt",
) -> bytes:
    """A statement without a period: its balances' dates tell it."""
    balances = BALANCE.format("OPBD", *opening) + BALANCE.format("CLBD", *closing)
    return (
        f"<Document><{message}><Id>{closing[1]}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id>"
        f"</Acct>{balances}{''.join(entries)}</{message}></Document>"
    ).encode()


def csv(account: str, *rows: str) -> bytes:
    head = "Account,Booking date,Amount,Currency,Reference,Balance\n"
    return (head + "".join(f"{account},{row}\n" for row in rows)).encode()


def ofx(day: str, balance_of: str, balance: str) -> bytes:
    """A statement of one day with one booking of 10.00, and the balance of a day."""
    return (
        "<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>OFX</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>{day}<DTEND>{day}<STMTTRN><DTPOSTED>{day}<TRNAMT>10.00"
        f"<FITID>{day}</STMTTRN></BANKTRANLIST>"
        f"<LEDGERBAL><BALAMT>{balance}<DTASOF>{balance_of}</LEDGERBAL></STMTRS></OFX>"
    ).encode()


def read_files() -> list[stripe.JsonObject]:
    """Files that follow each other, overlap, or replace each other, as they are landed."""
    a, kept = ENTRY.format("1.00", "2026-01-09", "a"), ENTRY.format("1.00", "2026-01-05", "kept")
    march = ENTRY.format("1.00", "2026-03-09", "a")
    gone = ENTRY.format("2.00", "2026-01-05", "taken back")
    awaited = ENTRY.format("7.00", "2026-01-06", "in no statement yet")
    files = [
        camt("MONTHS", ("1.00", "2026-01-01"), ("2.00", "2026-01-31"), a),
        # February is missing.
        camt("MONTHS", ("5.00", "2026-03-01"), ("6.00", "2026-03-31"), march),
        csv("OVER", "2026-01-02,1.00,EUR,a,11.00", "2026-01-15,2.00,EUR,b,13.00"),
        csv("OVER", "2026-01-15,2.00,EUR,b,13.00", "2026-01-20,3.00,EUR,c,16.00"),
        csv("OVER", "2026-01-21,3.00,EUR,d,19.00"),
        camt("DAY", ("1.00", "2026-01-05"), ("4.00", "2026-01-05"), kept, gone, message="Rpt"),
        camt("DAY", ("1.00", "2026-01-05"), ("2.00", "2026-01-05"), kept),
        camt("DAY", ("2.00", "2026-01-06"), ("9.00", "2026-01-06"), awaited, message="Rpt"),
        ofx("20260103", "20260103", "10.00"),
        ofx("20260105", "20260109", "99.00"),  # asked for days later: holds what is not listed
        ofx("20260106", "20260106", "30.00"),
        *(path.read_bytes() for path in sorted((CASES / "bank/pages").iterdir())),
    ]
    register = Register()
    found: list[stripe.JsonObject] = []
    for number, data in enumerate(files):
        (document,) = documents_of(f"{number}.csv", data, None)
        assert document.refusal is None, document.refusal
        name = f"file {number:02d}"
        found += records(document.statements, name, name, document.kind or "", register)
    return found


def statements_of_one_account() -> list[stripe.JsonObject]:
    return [
        statement(1, 1000, 500, 1500),
        statement(2, None, -200, 1300),  # OFX: 1500 before its lines
        statement(5, 1300, 100, 1400),
        statement(9, 1450, 50, 1500),  # 0.50 came in between
        statement(10, None, 70, None),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    landing = Landing()
    stripe.land(landing, [*statements_of_one_account(), *read_files()], AS_OF)
    folder = tmp_path_factory.mktemp("statements")
    return model(landing, folder, AS_OF, "+bank_statements +int_bank_lines")


def gaps(warehouse: Warehouse, account: str) -> list[tuple[object, ...]]:
    return warehouse.rows(
        "select file_name, difference_to_previous from finance.bank_statements"
        " where bank_account = ? and difference_to_previous <> 0 order by 1",
        account,
    )


def test_a_missing_statement_shows_at_the_next(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select statement_id, verified_by, difference_to_previous from finance.bank_statements"
        " where bank_account = 'DE75' order by 1"
    )
    assert rows == [
        ("2026-01-01", "itself", None),
        ("2026-01-02", "previous statement", 0),
        ("2026-01-05", "itself", 0),
        ("2026-01-09", "itself", 0.5),
        ("2026-01-10", "nothing", None),
    ]


def test_a_missing_month_shows_without_periods(warehouse: Warehouse) -> None:
    assert gaps(warehouse, "MONTHS") == [("file 01", 3)]


def test_pages_and_overlapping_files_are_no_gap(warehouse: Warehouse) -> None:
    assert gaps(warehouse, "1234567") == []
    assert gaps(warehouse, "OVER") == []
    followed = (
        "select count(previous_statement_id) from finance.bank_statements where bank_account = ?"
    )
    assert warehouse.value(followed, "OVER") == 2
    assert warehouse.value(followed, "1234567") == 1
    lines = (
        "select count(*), sum(amount) from intermediate.int_bank_lines where bank_account = 'OVER'"
    )
    assert warehouse.rows(lines) == [(4, 900)]


def test_a_balance_of_a_later_day_proves_no_gap(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select statement_id, closing_balance, difference_to_previous, verified_by"
        " from finance.bank_statements where bank_account = 'OFX' order by 1"
    )
    assert rows == [
        ("OFX/2026-01-03", 10, None, "nothing"),
        ("OFX/2026-01-05", 99, None, "nothing"),
        ("OFX/2026-01-06", 30, None, "nothing"),  # the one before it states no balance of its day
    ]


def test_a_report_before_the_statement_counts_until_the_statement(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select booked_on::varchar, amount from intermediate.int_bank_lines"
        " where bank_account = 'DAY' order by 1"
    )
    assert rows == [("2026-01-05", 100), ("2026-01-06", 700)]
    assert gaps(warehouse, "DAY") == []
