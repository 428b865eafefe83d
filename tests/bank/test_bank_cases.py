"""Statements as banks send them: shapes that were refused, read wrongly or ended the night.

The files of `bank_cases/` stand each for a kind; the other forms of the kind are written here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import bank_files
import pytest

from heirpay_pipelines.bank.csv_mapping import mapping_file, mapping_text
from heirpay_pipelines.bank.document import Document, documents_of
from heirpay_pipelines.bank.guard import GuardedReader
from heirpay_pipelines.bank.statement import Line, Statement

CASES = Path(__file__).parent / "bank_cases"
NOV = "2026-11-"


@pytest.fixture(scope="module")
def reader() -> Iterator[GuardedReader]:
    with GuardedReader() as reader:
        yield reader


def read_case(reader: GuardedReader, name: str) -> Document:
    path = CASES / name
    (document,) = reader.read(path, mapping_text(mapping_file(path, path.parent)))
    return document


def read(data: bytes, name: str = "x.dat", mapping: str | None = None) -> tuple[Statement, ...]:
    """In this process: what a reader understands."""
    (document,) = documents_of(name, data, mapping)
    assert document.refusal is None, document.refusal
    return document.statements


def refused(data: bytes, name: str = "x.dat", mapping: str | None = None) -> str:
    (document,) = documents_of(name, data, mapping)
    assert document.refusal is not None, document.statements
    return document.refusal


def booked(statements: tuple[Statement, ...]) -> list[tuple[str, str, int]]:
    return [(line.booked_on.isoformat(), s.currency, line.amount)
            for s in statements for line in s.lines]  # fmt: skip


ACCEPTED = {
    "bank/ofx_no_tranlist.ofx": [],
    "bank/ofx_tz_minus5.ofx": [("2026-11-30", "aud", 1200)],
    "bank/ofx_bankid10.ofx": [("2026-12-01", "aud", 1200)],
    "bank/ofx_lang_fre.ofx": [("2026-12-01", "aud", 1200)],
    "bank/bai2_latin1.bai2": [("2026-11-26", "cad", 1200)],
    "bank/bai2_code_925.bai2": [("2026-11-26", "usd", 1200), ("2026-11-26", "usd", 0)],
    "bank/camt_only_valdt.xml": [(NOV + "02", "eur", 5000)],
    "bank/camt_two_days_several_balances.xml": [
        (NOV + "02", "eur", 5000), (NOV + "03", "eur", 2500),
    ],
    "bank/camt_creditor_ref.xml": [(NOV + "02", "eur", 5000)],
    "bank/camt_in.zip": [(NOV + "02", "eur", 5000)],
    "bank/camt_052.xml": [(NOV + "02", "eur", 5000)],
    "bank/mt940_rc_alone.sta": [("2026-10-02", "eur", 25000), ("2026-10-02", "eur", -25000)],
    "bank/mt940_two_in_one.sta": [("2026-10-02", "eur", 25000), ("2026-10-02", "eur", 500)],
    "bank/mt940_pages.sta": [("2026-10-02", "eur", 25000), ("2026-10-02", "eur", -5000)],
    "csv/02_paren_negative/x.csv": [(NOV + "02", "eur", -1250)],
    "csv/04_dollar/x.csv": [(NOV + "02", "usd", 123450)],
    "csv/05_swiss_apostrophe/x.csv": [(NOV + "02", "chf", 123450)],
    "csv/06_unicode_minus/x.csv": [(NOV + "02", "eur", -1250)],
    "csv/07_narrow_nbsp/x.csv": [(NOV + "02", "eur", 123450)],
    "csv/11_preamble/x.csv": [(NOV + "02", "eur", 1250)],
    "csv/13_footer/x.csv": [(NOV + "02", "eur", 1250)],
    "csv/18_pending/x.csv": [(NOV + "02", "gbp", 1250)],
    "csv/26_quote_inside/x.csv": [(NOV + "02", "gbp", 1250)],
}  # fmt: skip

REFUSED = {
    "bank/bai2_cut_after_detail.bai2": ("trailer (99) is missing", "ask the bank"),
    "bank/bai2_group_status_test.bai2": ("is a test (group status 4)",),
    "bank/camt_closing_other_ccy.xml": ("opening balances are in eur, closing ones in usd",),
    "csv/01_decimal_comma_default/x.csv": ("line 2: column Amount", "`decimal`"),
    "csv/25_unclosed_quote/x.csv": ("line 2, column 2", "a quote is not closed"),
    "csv/28_amount_and_none_mapping/x.csv": ("the mapping names no amount",),
    "csv/35_balance_each_day/x.csv": ("line 5", "says 99900", "11350 before it and 400"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_banks_send_is_read(reader: GuardedReader, name: str) -> None:
    document = read_case(reader, name)
    assert document.refusal is None
    assert booked(document.statements) == ACCEPTED[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_with_place_and_remedy(reader: GuardedReader, name: str) -> None:
    document = read_case(reader, name)
    assert document.refusal is not None
    for said in REFUSED[name]:
        assert said in document.refusal
    assert "\n" not in document.refusal


def line_of(reader: GuardedReader, name: str) -> Line:
    (statement,) = read_case(reader, name).statements
    return statement.lines[0]


def test_references_names_and_the_whole_text_are_kept(reader: GuardedReader) -> None:
    structured = line_of(reader, "bank/mt940_structured_eref.sta")
    assert structured.reference == "po_1AbcTrace77"
    assert "STRIPE PAYOUT" in structured.description
    assert "STRIPE PAYMENTS" in structured.description
    customer = line_of(reader, "bank/mt940_cust_ref_struct.sta")
    assert customer.reference == "po_1ABCDEF7 BANKREF1"
    assert line_of(reader, "bank/mt940_long86.sta").description.endswith("STRIPE po_1ABC")
    camt = line_of(reader, "bank/camt_creditor_ref.xml")
    for reference in ("STRIPEINSTR77", "PINF", "PROPREF9", "RF18539007547034"):
        assert reference in camt.reference
    assert camt.description == "STRIPE TECHNOLOGY PAYOUT po_1ZZZ STRIPE po_1YYY"
    assert line_of(reader, "csv/26_quote_inside/x.csv").description == 'ACME "Best" Ltd'


def test_balances_of_the_cases(reader: GuardedReader) -> None:
    (ofx,) = read_case(reader, "bank/ofx_no_tranlist.ofx").statements
    assert (ofx.closing, ofx.lines, ofx.is_balanced) == (11200, (), None)
    assert ofx.last_on == date(2026, 11, 27)
    first, second = read_case(reader, "bank/mt940_two_in_one.sta").statements
    assert (first.account, second.account) == ("1234567", "7654321")
    (pages,) = read_case(reader, "bank/mt940_pages.sta").statements
    assert (pages.opening, pages.closing) == (100000, 120000)
    (interim,) = read_case(reader, "bank/camt_052.xml").statements
    assert not interim.is_final
    (days,) = read_case(reader, "bank/camt_two_days_several_balances.xml").statements
    assert (days.opening, days.closing) == (10000, 17500)


# Further forms of the same kinds.

BAI2 = bank_files.BAI2.decode()


def test_bai2_continuations_own_codes_and_groups() -> None:
    continued = BAI2.replace(
        ",EUR,010,100000,,,015,102999,,/", ",EUR,010,100000,,/\n88,015,102999,,/"
    ).replace(
        "16,165,5000,Z,TRACE-1,,STRIPE PAYOUT", "16,165,5000,Z/\n88,TRACE-1,,STRIPE\n88, PAYOUT"
    )
    continued = continued.replace("49,210000,4/", "49,210000,7/").replace(",1,6/", ",1,9/")
    continued = continued.replace(",1,8/", ",1,11/")
    (statement,) = read(continued.encode())
    assert statement.lines[0].reference == "TRACE-1"
    assert statement.lines[0].description == "STRIPE PAYOUT"
    assert (statement.opening, statement.closing) == (100_000, 102_999)
    # The same without counting the continuations as records, which banks do, too.
    assert read(continued.replace("49,210000,7/", "49,210000,4/").encode())
    # A code of the bank's own is money where the balances say so, and else is not.
    own = BAI2.replace("16,475,2001,Z", "16,965,2001,Z")
    assert [line.amount for line in read(own.encode())[0].lines] == [5000, -2001]
    notice = BAI2.replace("16,475,2001,Z", "16,935,2001,Z").replace("102999", "105000")
    notice = notice.replace("210000", "212001")
    assert [line.amount for line in read(notice.encode())[0].lines] == [5000, 0]
    # A test group beside another is left out; one that takes back is refused.
    test = BAI2.replace("02,US,BANK,1", "02,US,BANK,4").splitlines()[1:-1]
    both = BAI2.splitlines()
    both = [*both[:-1], *test, "99,420000,2,14/"]
    assert len(read("\n".join(both).encode())) == 1
    assert "takes back" in refused(BAI2.replace("02,US,BANK,1", "02,US,BANK,2").encode())
    # The running day's report is interim.
    running = BAI2.replace("260105,,EUR,2/", "260105,,EUR,3/")
    assert not read(running.encode())[0].is_final


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("49,210000,4/", "49,210001,4/", "a control total says 210001"),
        ("98,210000,1,6/", "98,210000,2,6/", "a trailer says 2 accounts, there are 1"),
        ("99,210000,1,8/", "99,210000,1,9/", "9 records, there are 8"),
        ("49,210000,4/\n", "", "ends no group, or an account in it is not ended"),
        ("16,165,5000,Z", "16,165,50.00,Z", "no whole number"),
        ("16,165,5000,Z", "16,165,1E+9999,Z", "no whole number"),
        ("16,165,5000,Z", "16,799,5000,Z", "does not say whether it is a credit or a debit"),
        ("01,BANK", "02,BANK", "known format"),
    ],
)
def test_bai2_that_does_not_add_up_is_refused(was: str, now: str, said: str) -> None:
    assert said in refused(BAI2.replace(was, now).encode())


MT940 = bank_files.MT940.decode()


@pytest.mark.parametrize(
    ("booking", "amount"),
    [
        (":61:2601030102C50,00NTRFX", 5000),
        (":61:260103C50,NTRFX", 5000),
        (":61:2601030102CR50,00NTRFX", 5000),  # the currency's third letter
        (":61:2601030102RD50,00NTRFX", 5000),  # the reversal of a debit
        (":61:2601030102RC50,00NTRFX", -5000),
        (":61:2601030102D50.00NTRFX//B", -5000),
        (":61:2601030102D,5FCHGX", -50),
    ],
)
def test_forms_of_a_booking_of_mt940(booking: str, amount: int) -> None:
    whole = MT940.replace(":61:2601030102C50,00NTRFTRACE-1//B1", booking)
    closing = 100_000 + amount - 2001
    whole = whole.replace("1029,99", f"{closing // 100},{closing % 100:02d}")
    assert read(whole.encode())[0].lines[0].amount == amount


def test_forms_that_public_samples_have() -> None:
    """Each after a file that a package carries; the texts are ours."""
    # BAI2: an empty field more at the end of each line, several accounts in several groups.
    trailing = BAI2.replace("015,102999,,/", "015,102999,,,/\n88,040,5,,,045,6,,,/")
    trailing = trailing.replace("210000,4/", "210011,5/").replace("210000,1,", "210011,1,")
    assert read(trailing.replace(",1,6/", ",1,7/").replace(",1,8/", ",1,9/").encode())
    # MT940: a type with blanks and the bank's own field, a field broken within its amount.
    own = MT940.replace("NTRFTRACE-1//B1\r\n:86:STRIPE PAYOUT", "S   X\r\n:NS:01526\r\n15STRIPE")
    assert read(own.encode())[0].lines[0].description == "01526 15STRIPE"
    broken = MT940.replace(":61:2601030102C50,00N", ":61:2601030102CR\r\n50,00N")
    assert booked(read(broken.encode())) == booked(read(MT940.encode()))
    # OFX: the currency at each amount only, a balance without an amount.
    empty = OFX.replace("<CURDEF>EUR", "<CURDEF></CURDEF>").replace("<BALAMT>1029.99", "<BALAMT>")
    empty = empty.replace("</STMTTRN>", "<CURRENCY><CURRATE>1.0<CURSYM>EUR</CURRENCY></STMTTRN>")
    (statement,) = read(empty.encode())
    assert (statement.currency, statement.closing) == ("eur", None)


def test_mt940_frames_years_encodings_and_what_is_missing() -> None:
    framed = "{1:F01BANKDEFFAXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\r\n" + MT940.replace(
        "\r\n-", "\r\n-}"
    )
    assert booked(read(framed.encode())) == booked(read(MT940.encode()))
    assert (
        read(MT940.replace("RENT", "MÜLLER").encode("cp1252"))[0].lines[1].description == "MÜLLER"
    )
    assert read(b"\xef\xbb\xbf" + MT940.replace("\r\n", "\r").encode())
    assert read(MT940.encode("utf-16"))
    # Booked in the year before its value date; interest to 30 February.
    turn = MT940.replace(":61:2601030102C", ":61:2601021231C")
    assert read(turn.encode())[0].lines[0].booked_on == date(2025, 12, 31)
    interest = MT940.replace(":61:2601030102C", ":61:2602300302C")
    assert read(interest.encode())[0].lines[0].value_on == date(2026, 2, 28)
    # Without an opening line: accepted, unverified. Without a closing one it is cut.
    opened = MT940.replace(":60F:C260101EUR1000,00\r\n", "")
    assert read(opened.encode())[0].is_balanced is None
    assert "no closing balance (:62:)" in refused(MT940.split(":62F:")[0].encode())
    assert "line 5" in refused(MT940.replace("C50,00", "X50,00").encode())
    assert "is in eur, the closing one in usd" in refused(
        MT940.replace("C260105EUR", "C260105USD").encode()
    )
    pages = (CASES / "bank/mt940_pages.sta").read_text()
    assert "a page is missing" in refused(
        pages.replace(":60M:C261002EUR1250,00", ":60M:C261002EUR1251,00").encode()
    )


def test_mt942_is_interim_and_dutch_words_are_references() -> None:
    day = MT940.replace(":60F:C260101EUR1000,00", ":34F:EUR0,00\r\n:13D:2601051200+0100")
    day = day.replace(":62F:C260105EUR1029,99\r\n", "").replace(
        ":86:STRIPE PAYOUT", ":86:/TRTP/SEPA/EREF/po_9Trace/NAME/STRIPE/REMI/PAYOUT/"
    )
    (statement,) = read(day.encode())
    assert not statement.is_final
    assert statement.lines[0].reference == "TRACE-1 B1 po_9Trace"
    assert "NAME/STRIPE" in statement.lines[0].description


OFX = bank_files.OFX.decode()


def test_forms_of_ofx() -> None:
    expected = booked(read(OFX.encode()))
    body = OFX.partition("\n\n")[2]
    closed = body
    for name in ("CODE", "SEVERITY", "DTSERVER", "LANGUAGE", "TRNUID", "CURDEF", "BANKID", "ACCTID",
                 "ACCTTYPE", "DTSTART", "DTEND", "TRNTYPE", "DTPOSTED", "TRNAMT", "FITID", "NAME",
                 "BALAMT", "DTASOF"):  # fmt: skip
        closed = closed.replace(f"<{name}>", f"<{name}>§{name}§")
    closed = re.sub(r"§([A-Z]+)§([^<\n]*)", r"\2</\1>", closed)
    two = '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211"?>' + closed
    assert booked(read(two.encode())) == expected
    assert booked(read(OFX.replace("\n", "").encode())) == expected  # all on one line
    assert booked(read(OFX.replace("50.00", "+50,00").encode())) == expected
    assert booked(read(OFX.lower().replace("ofxheader", "OFXHEADER").encode())) == expected
    texts = OFX.replace("<NAME>RENT", "<NAME><![CDATA[R&D <RENT>]]><MEMO>caf\xe9 &amp; co")
    assert read(texts.encode("cp1252"))[0].lines[1].description == "R&D <RENT> café & co"
    dated = OFX.replace("<DTPOSTED>20260102", "<DTPOSTED>20260102235959.000[-8:PST]")
    assert booked(read(dated.encode())) == expected
    dated = OFX.replace("<DTPOSTED>20260102", "<DTPOSTED>20260102003000[+5.30:IST]")
    assert booked(read(dated.encode())) == expected
    card = OFX.replace("STMTRS", "CCSTMTRS").replace("BANKACCTFROM", "CCACCTFROM")
    assert booked(read(card.encode())) == expected


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("</OFX>", "", "</OFX> is missing"),
        ("</STMTTRN>\n<STMTTRN>", "<STMTTRN>", "closes what is not open"),
        ("<TRNAMT>50.00", "<TRNAMT>1E+999990", "no number"),
        ("<TRNAMT>50.00", "<TRNAMT>Infinity", "no number"),
        ("<TRNAMT>50.00", "<TRNAMT>1,23,456.00", "grouped otherwise"),
        ("<TRNAMT>50.00", "<TRNAMT>1,234", "more decimals than eur has"),
        ("<CURDEF>EUR", "<CURDEF>", "no code of three letters"),
        ("<ACCTID>DE75512108001245126199", "<ACCTID>", "names no account"),
        ("<DTPOSTED>20260102", "<DTPOSTED>20261302", "no date of the form YYYYMMDD"),
        ("<NAME>RENT", "<NAME>RENT<CURRENCY><CURRATE>1.1<CURSYM>USD</CURRENCY>", "not in eur"),
    ],
)
def test_ofx_that_is_not_understood_is_refused(was: str, now: str, said: str) -> None:
    assert said in refused(OFX.replace(was, now).encode())


CAMT = bank_files.CAMT053.decode()


def test_forms_of_camt() -> None:
    expected = booked(read(CAMT.encode()))
    assert booked(read(CAMT.replace("UTF-8", "no-such-encoding").encode())) == expected
    assert booked(read(("\ufeff" + CAMT).encode("utf-16"))) == expected
    assert booked(read(CAMT.replace("UTF-8", "windows-1252").encode())) == expected
    assert booked(read(b"\r\n " + CAMT.encode())) == expected
    prefixed = CAMT.replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?")
    assert booked(read(prefixed.replace("xmlns=", "xmlns:n=").encode())) == expected
    zoned = CAMT.replace("<Dt>2026-01-02</Dt>", "<DtTm>2026-01-02T23:30:00-08:00</DtTm>")
    assert booked(read(zoned.encode())) == expected
    notice = CAMT.replace("<BkToCstmrStmt><Stmt>", "<BkToCstmrDbtCdtNtfctn><Ntfctn>").replace(
        "</Stmt></BkToCstmrStmt>", "</Ntfctn></BkToCstmrDbtCdtNtfctn>"
    )
    (document,) = documents_of("x.xml", notice.encode(), None)
    assert document.kind == "camt.054"
    assert not document.statements[0].is_final
    # Pages that repeat both balances of their statement are one.
    start, _, entries = CAMT.partition("<Stmt>")
    entries, stmt, end = entries.partition("</Stmt>")
    head, between, rest = entries.partition("</Ntry>\n<Ntry>")
    shared = entries.partition("<Ntry>")[0]
    pages = f"{start}<Stmt>{head}</Ntry>{stmt}<Stmt>{shared}<Ntry>{rest}{stmt}{end}"
    assert between
    (whole,) = read(pages.encode())
    assert booked((whole,)) == expected


def test_several_currencies_of_one_camt_statement() -> None:
    def balances(currency: str, opening: str, closing: str) -> str:
        return "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}'
            "</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-05</Dt></Dt></Bal>"
            for code, amount in (("OPBD", opening), ("CLBD", closing))
        )

    entry = (
        '<Ntry><Amt Ccy="USD">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<BookgDt><Dt>2026-01-04</Dt></BookgDt></Ntry>"
    )
    both = CAMT.replace("<Ntry>", balances("USD", "1.00", "8.00") + entry + "<Ntry>", 1)
    found = read(both.encode())
    assert [(s.currency, s.opening, s.closing) for s in found] == [
        ("eur", 100_000, 102_999), ("usd", 100, 800),
    ]  # fmt: skip
    stray = CAMT.replace("<Ntry>", entry + "<Ntry>", 1)
    assert "entry 1: an entry is in usd, the balances in eur" in refused(stray.encode())


@pytest.mark.parametrize("amount", ["Infinity", "NaN", "1E+30", "1E+999990", "", "12,50", "0x10"])
def test_amounts_that_are_none_are_refused_at_once(amount: str) -> None:
    assert "entry 1" in refused(CAMT.replace(">50.00<", f">{amount}<").encode())


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_a_zip_holds_statements_each_judged_alone() -> None:
    many = zipped(
        **{
            "a": bank_files.CAMT053,
            "folder/b": bank_files.MT940,
            "c": b"no statement",
            "__MACOSX/._a": b"x",
            "../../d": bank_files.OFX,
        }
    )
    found = documents_of("x.zip", many, None)
    assert [(d.member, d.kind) for d in found] == [
        ("a", "camt.053"), ("folder/b", "mt940"), ("c", None), ("../../d", "ofx"),
    ]  # fmt: skip
    assert "is a ZIP in a ZIP" in refused(zipped(a=many))
    assert "unpacks to more than" in refused(zipped(a=b"0" * (65 * 2**20)))
    assert "XLSX" in refused(zipped(**{"[Content_Types].xml": b"x"}))
    assert "the ZIP is damaged" in refused(many[:200])
    assert "more than 1000 files" in refused(zipped(**{f"f{n}": b"" for n in range(1001)}))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7", "a PDF"),
        (b"\xd0\xcf\x11\xe0", "XLS"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"", "the file is empty"),
        (b"hello", "no statement in a known format"),
        (b"<Document><pain/></Document>", "the XML holds no statement"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Document><Stmt>&b;</Stmt></Document>', "entities"),
        (b"<Document><Stmt>", "line 1, column"),
    ],
)
def test_what_is_no_statement_says_so(data: bytes, said: str) -> None:
    assert said in refused(data)
