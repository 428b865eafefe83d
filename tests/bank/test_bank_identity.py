"""Which lines are one booking: statements are compared, and what is landed keeps its ids."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import bank_files
import pytest
from test_bank_statements import AS_OF, installation, landed, put

from heirpay_pipelines.bank.files import land_bank_statements
from heirpay_pipelines.bank.overlap import HeldLine, HeldStatement, claimed
from heirpay_pipelines.bank.records import records
from heirpay_pipelines.bank.register import Register
from heirpay_pipelines.bank.statement import Line, Statement
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import write_manifest
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.settings import Settings

CASES = Path(__file__).parent / "bank_cases"
DAY = date(2026, 1, 5)


def line(amount: int, text: str = "STRIPE", day: date = DAY, reference: str = "") -> Line:
    return Line(day, day, amount, reference, text)


def statement(*lines: Line, opening: int | None = None, number: str = "") -> Statement:
    days = [each.booked_on for each in lines]
    total = sum(each.amount for each in lines)
    return Statement(
        "DE75", "eur", number or f"{min(days)}/{max(days)}", lines, opening,
        None if opening is None else opening + total, min(days), max(days),
        is_numbered=bool(number),
    )  # fmt: skip


def entered(*statements: tuple[Statement, str]) -> list[list[str]]:
    """The ids of the lines of statements that are landed one after the other."""
    register = Register()
    return [register.enter(each, kind)[0] for each, kind in statements]


def bookings(*statements: Statement, kind: str = "csv") -> int:
    """How many bookings all of them hold together."""
    return len({id for ids in entered(*((s, kind) for s in statements)) for id in ids})


def test_equal_bookings_of_files_that_follow_each_other_are_two() -> None:
    first = statement(line(1250), opening=10_000)
    second = statement(line(1250), opening=11_250)
    assert bookings(first, second) == 2
    assert bookings(second, first) == 2
    # Without balances: what else the day holds shows that neither is part of the other.
    assert bookings(statement(line(1250), line(7)), statement(line(1250), line(8))) == 4
    # By the bank's own numbers, where a balance does not move.
    there = (line(1250), line(-1250))
    one, two = (
        statement(*there, opening=5, number="7/1"),
        statement(*there, opening=5, number="8/1"),
    )
    assert bookings(one, two, kind="mt940") == 4
    assert bookings(one, replace(two, lines=(line(1250),), closing=1255), kind="mt940") == 3
    # Three of a day, each following the one before it.
    assert bookings(first, second, statement(line(1250), opening=12_500)) == 3


def test_the_same_lines_read_again_are_one() -> None:
    whole = statement(line(1250), line(1250), line(-3, "FEE"), opening=10_000)
    assert bookings(whole, whole) == 3
    assert bookings(replace(whole, opening=None, closing=None), whole) == 3
    # A longer file, a shorter one, and one that begins where the first ended.
    longer = statement(*whole.lines, line(9, day=DAY + timedelta(1)), opening=10_000)
    assert bookings(whole, longer) == 4
    assert bookings(longer, whole) == 4
    later = statement(*longer.lines[3:], line(8, day=DAY + timedelta(2)), opening=12_497)
    assert bookings(longer, later) == 5
    assert bookings(whole, later, longer) == 5
    # A month over its days, in either order; one day has two statements with equal bookings.
    days = [
        statement(line(1250), opening=0),
        statement(line(1250), opening=1250),
        statement(line(1250, day=DAY + timedelta(1)), opening=2500),
    ]
    month = statement(*(each.lines[0] for each in days), opening=0)
    assert bookings(*days, month) == 3
    assert bookings(month, *days) == 3
    # One that moves nothing, with the same number.
    still = statement(line(5), line(-5), opening=9, number="7/1")
    assert bookings(still, still, kind="mt940") == 2


def test_another_format_of_the_same_days_is_the_same_bookings() -> None:
    as_csv = statement(line(1250, "STRIPE PAYOUT"), line(1250, "STRIPE po_2"), line(-3, "FEE"))
    as_camt = statement(
        line(-3, "FEE charged", reference="A1"),
        line(1250, "Stripe po_2 GUTSCHRIFT", reference="A2"),
        line(1250, "STRIPE po_1 PAYOUT", reference="A3"),
        opening=100,
    )
    first, second = entered((as_csv, "csv"), (as_camt, "camt.053"))
    assert set(first) == set(second)
    assert second[2] == first[0]  # by the words they share
    # The same format with other references: other bookings.
    one = statement(line(1250, reference="F1"), line(4, reference="F2"))
    two = statement(line(1250, reference="F3"), line(4, reference="F4"))
    assert bookings(one, two, kind="ofx") == 4


def test_ids_do_not_depend_on_the_register_when_nothing_is_equal() -> None:
    whole = statement(line(1250), line(1250))
    (ids,) = entered((whole, "csv"))
    assert len(set(ids)) == 2
    assert ids == [r["id"] for r in records([whole], "x", "0", "csv")[1:]]


def test_interim_lines_keep_their_ids_and_never_replace_a_statement() -> None:
    interim = replace(statement(line(1250, reference="R"), line(7, "other")), is_final=False)
    final = statement(line(1250, reference="R"), line(9, "later"), opening=0)
    register = Register()
    first, _, _ = register.enter(interim, "camt.052")
    second, _, settled = register.enter(final, "camt.053")
    assert second[0] == first[0]
    assert second[1] not in first
    assert not settled
    # The report again, after the statement: what the statement holds is left out.
    _, _, settled = register.enter(interim, "camt.052")
    assert 0 in settled


def bookings_landed(settings: Settings) -> Counter[str]:
    rows = landed(settings, "select id, count(*) from landing.bank_transaction group by 1")
    return Counter({str(id): int(str(count)) for id, count in rows})


def test_what_release_0_1_0_landed_keeps_its_ids(tmp_path: Path) -> None:
    """Its landed objects, as commit 5b3cf8e wrote them, and the files again in new deliveries."""
    settings = installation(tmp_path)
    written = json.loads((CASES / "landed_by_0_1_0.json").read_text())
    landing = Landing(settings.landing_dir)

    async def land() -> None:
        writer = Writer(landing, "old-bank", "acct_1", "2026-10-28.endive", AS_OF, suppressed=None)
        for objects in written.values():
            for record in objects:
                await writer.add(record, "bank")
        newest = landing.newest()
        assert newest is not None
        files = await writer.finish()
        write_manifest(
            landing.manifests_dir, replace(newest, pull_id="old-bank", mode="bank", files=files)
        )

    asyncio.run(land())
    before = bookings_landed(settings)
    assert len(before) == 11
    us = bank_files.BAI2.replace(b"DE75512108001245126199", b"US1")
    export = bank_files.CSV.replace(b"DE75512108001245126199", b"CSV1")
    again = b"CSV1,2026-01-05,2026-01-05,-20.01,EUR,,RENT,1009.98\n"
    camt = bank_files.CAMT053.replace(b"<EndToEndId>", b"<InstrId>I1</InstrId><EndToEndId>")
    put(settings.bank_dir, "camt.xml", camt + b"\n")
    put(
        settings.bank_dir,
        "new.sta",
        (CASES / "bank/mt940_structured_eref.sta").read_bytes() + b"\r\n",
    )
    put(
        settings.bank_dir,
        "plain.sta",
        bank_files.MT940.replace(b"DE75512108001245126199", b"DE00") + b"\n",
    )
    put(settings.bank_dir, "tz.ofx", (CASES / "bank/ofx_tz_minus5.ofx").read_bytes() + b"\n")
    put(settings.bank_dir, "us.bai", us + b"\n")
    put(
        settings.bank_dir,
        "export.csv",
        export + again + b"CSV1,2026-01-06,,1.00,EUR,,NEW,1010.98\n",
    )
    outcome = land_bank_statements(settings, AS_OF)
    assert outcome.quarantined == ()
    after = bookings_landed(settings)
    assert len(after) == 12  # the new line alone
    assert all(after[id] == 2 for id in before)


def test_two_files_of_one_day_land_as_two_bookings(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    first = bank_files.CSV.splitlines()[:2]
    second = [first[0], first[1].replace(b"1050.00", b"1100.00")]
    put(settings.bank_dir, "morning.csv", b"\n".join(first))
    put(settings.bank_dir, "noon.csv", b"\n".join(second))
    land_bank_statements(settings, AS_OF)
    assert len(bookings_landed(settings)) == 2
    # On the next night the whole day comes again.
    put(settings.bank_dir, "day.csv", b"\n".join([*first, second[1], b""]))
    land_bank_statements(settings, AS_OF + timedelta(days=1))
    assert len(bookings_landed(settings)) == 2


@pytest.mark.parametrize("key", [None, "a key of thirty-two characters!!"])
def test_a_camt_052_and_then_its_camt_053(tmp_path: Path, key: str | None) -> None:
    settings = installation(tmp_path)
    if key is not None:
        settings = Settings(HEIRPAY_HOME=tmp_path, HEIRPAY_ENCRYPTION_KEY=key)
    report = (CASES / "bank/camt_052.xml").read_bytes()
    put(settings.bank_dir, "1.xml", report)
    land_bank_statements(settings, AS_OF)
    (first,) = bookings_landed(settings)
    final = report.replace(b"BkToCstmrRpt>", b"BkToCstmrStmt>").replace(b"Rpt>", b"Stmt>")
    put(settings.bank_dir, "2.xml", final)
    put(settings.bank_dir, "3.xml", report + b"\n")
    land_bank_statements(settings, datetime(2026, 2, 2, tzinfo=UTC))
    assert dict(bookings_landed(settings)) == {first: 2}
    finals = landed(
        settings, "select payload ->> '$.is_final' from landing.bank_transaction order by 1"
    )
    assert finals == [("false",), ("true",)]


def test_a_line_whose_text_was_erased_is_still_the_same_line() -> None:
    whole = statement(line(1250, "JANE DOE"), line(1250, "JANE DOE"), line(7, "JOHN"), opening=0)
    (ids,) = entered((whole, "csv"))
    erased = HeldStatement(
        "csv", whole.statement_id, whole.opening, whole.closing, whole.first_on, whole.last_on,
        lines=[HeldLine(id, DAY, each.amount, "", "cus_erased")
               for id, each in zip(ids, whole.lines, strict=True)],
    )  # fmt: skip
    assert claimed(whole, "csv", [erased]) == dict(enumerate(ids))
