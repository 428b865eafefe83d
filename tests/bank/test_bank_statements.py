"""Bank statements: every format read alike, wrong ones refused with a reason, landed once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import bank_files
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirpay_pipelines.bank.files import land_bank_statements, read_file
from heirpay_pipelines.bank.statement import StatementError, minor_units
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest, write_manifest
from heirpay_pipelines.landing.views import create_landing_views
from heirpay_pipelines.settings import Settings

AS_OF = datetime(2026, 2, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 1)  # noqa: DTZ001 - naive UTC


def put(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", bank_files.EVERY_FORMAT)
def test_every_format_says_the_same(tmp_path: Path, name: str) -> None:
    kind, data = bank_files.EVERY_FORMAT[name]
    found, (statement,) = read_file(put(tmp_path, name, data))
    assert found == kind
    assert statement.account == "DE75512108001245126199"
    assert statement.currency == "eur"
    assert [line.amount for line in statement.lines] == [5000, -2001]
    assert "TRACE-1" in statement.lines[0].reference
    assert "STRIPE" in statement.lines[0].description
    assert statement.closing == 102_999
    if kind != "ofx":  # it states no opening balance
        assert statement.opening == 100_000
    if kind != "bai2":  # it books everything on the statement's day
        assert [x.booked_on for x in statement.lines] == [date(2026, 1, 2), date(2026, 1, 5)]


def test_a_mapping_explains_a_csv(tmp_path: Path) -> None:
    put(tmp_path, "mapping.yaml", bank_files.GERMAN_MAPPING.encode())
    _, (statement,) = read_file(put(tmp_path, "umsatz-01.csv", bank_files.GERMAN_CSV))
    assert [line.amount for line in statement.lines] == [105_000, -2001]
    assert statement.lines[0].booked_on == date(2026, 1, 2)


@pytest.mark.parametrize("name", ["a.xml", "a.sta", "a.csv"])
def test_a_changed_amount_is_found_by_the_balance(tmp_path: Path, name: str) -> None:
    _, data = bank_files.EVERY_FORMAT[name]
    wrong = data.replace(b"20.01", b"20.02").replace(b"20,01", b"20,02")
    with pytest.raises(StatementError, match=r"102998|102999"):
        read_file(put(tmp_path, name, wrong))


def test_a_changed_closing_balance_of_bai2_is_found(tmp_path: Path) -> None:
    wrong = bank_files.BAI2.replace(b"015,102999", b"015,103000").replace(b"210000", b"210001")
    with pytest.raises(StatementError, match="closing balance says 103000"):
        read_file(put(tmp_path, "a.bai", wrong))


HOSTILE = {
    "empty.xml": b"",
    "noise.sta": b":20:\x00\x01 :25: nothing",
    "cut.sta": bank_files.MT940[:150],
    "cut.xml": bank_files.CAMT053[:600],
    "other.xml": b"<Document><Other/></Document>",
    "bomb.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><Document><Stmt>&b;</Stmt></Document>',
    "bomb.ofx": bank_files.OFX.replace(b"<OFX>", b'<!DOCTYPE a SYSTEM "file:///x"><OFX>'),
    "cut.bai": bank_files.BAI2[:120],
    "cut.ofx": bank_files.OFX[:500],
    "head.csv": b"Account,Booking date\n",
    "columns.csv": b"Konto,Datum\n1,2\n",
    "amount.csv": bank_files.CSV.replace(b"50.00", b"fifty"),
    "decimals.csv": bank_files.CSV.replace(b"50.00", b"50.001"),
    "currency.csv": bank_files.CSV.replace(b"EUR", b"XXQ"),
    "day.csv": bank_files.CSV.replace(b"2026-01-05", b"2026-13-05"),
    "picture.png": b"\x89PNG\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_statement_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(StatementError) as refused:
        read_file(put(tmp_path, name, HOSTILE[name]))
    assert len(str(refused.value)) > 10


def installation(tmp_path: Path) -> Settings:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    pulled = Manifest(
        "pull-1",
        AS_OF,
        "acct_1",
        False,
        "2026-10-28.endive",
        "full",
        {"event": 7},
        AS_OF,
        AS_OF,
        1,
        (),
    )
    write_manifest(Landing(settings.landing_dir).manifests_dir, pulled)
    return settings


def landed(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(":memory:") as connection:  # as of a later night, too
        connection.execute("create schema landing")
        create_landing_views(connection, settings, LATER)
        return connection.execute(sql).fetchall()


def test_a_bad_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    put(settings.bank_dir, "good.xml", bank_files.CAMT053)
    put(settings.bank_dir, "bad.sta", bank_files.MT940.replace(b"1029,99", b"1,00"))
    outcome = land_bank_statements(settings, AS_OF)
    assert (outcome.files, outcome.lines) == (1, 2)
    assert [q.file_name for q in outcome.quarantined] == ["bad.sta"]
    assert "closing balance says 100" in outcome.quarantined[0].reason
    assert landed(settings, "select count(*) from landing.bank_transaction") == [(2,)]
    assert landed(settings, "select endpoint, status from landing.coverage order by 1") == [
        ("bank/bad.sta", "quarantined"),
        ("bank/good.xml", "complete"),
    ]
    # The next pull goes on from where the last one was.
    newest = Landing(settings.landing_dir).newest()
    assert newest is not None
    assert newest.cursors == {"event": 7}


def test_landing_again_lands_nothing(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    put(settings.bank_dir, "good.xml", bank_files.CAMT053)
    put(settings.bank_dir, "bad.csv", bank_files.GERMAN_CSV)
    land_bank_statements(settings, AS_OF)
    again = land_bank_statements(settings, AS_OF)
    assert (again.files, again.lines, again.quarantined) == (0, 0, ())
    put(
        settings.bank_dir,
        "mapping.yaml",
        bank_files.GERMAN_MAPPING.replace("umsatz*", "bad").encode(),
    )
    third = land_bank_statements(settings, AS_OF)
    assert (third.files, third.lines) == (1, 2)


def test_overlapping_files_hold_one_booking_once(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    twice = b"\n".join(bank_files.CSV.splitlines()[:2]) + b"\n"
    put(settings.bank_dir, "january.csv", bank_files.CSV)
    put(settings.bank_dir, "first-days.csv", twice)
    land_bank_statements(settings, AS_OF)
    assert landed(
        settings, "select count(*), count(distinct id) from landing.bank_transaction"
    ) == [(3, 2)]


@given(st.integers(-(10**12), 10**12), st.sampled_from([("jpy", 0), ("eur", 2), ("kwd", 3)]))
def test_minor_units_are_exact(amount: int, currency: tuple[str, int]) -> None:
    name, exponent = currency
    assert minor_units(Decimal(amount).scaleb(-exponent), name) == amount
