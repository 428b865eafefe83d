"""Statements of one account in every format: opening 1,000.00, +50.00, −20.01, closing 1,029.99."""

from __future__ import annotations

CAMT053 = b"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>
<Id>2026-1</Id><Acct><Id><IBAN>DE75512108001245126199</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1029.99</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-05</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-01-02</Dt></BookgDt><ValDt><Dt>2026-01-03</Dt></ValDt>
<NtryDtls><TxDtls><Refs><EndToEndId>TRACE-1</EndToEndId></Refs>
<RmtInf><Ustrd>STRIPE PAYOUT</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">20.01</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-01-05</Dt></BookgDt><ValDt><Dt>2026-01-05</Dt></ValDt></Ntry>
<Ntry><Amt Ccy="EUR">99.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts>
<BookgDt><Dt>2026-01-05</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""

MT940 = b""":20:ST1\r
:25:SSKMDEMM/DE75512108001245126199\r
:28C:1/1\r
:60F:C260101EUR1000,00\r
:61:2601030102C50,00NTRFTRACE-1//B1\r
:86:STRIPE PAYOUT\r
:61:2601050105D20,01NTRFNONREF//B2\r
:86:RENT\r
:62F:C260105EUR1029,99\r
-\r
"""

BAI2 = b"""01,BANK,US,260105,0600,1,80,1,2/
02,US,BANK,1,260105,,EUR,2/
03,DE75512108001245126199,EUR,010,100000,,,015,102999,,/
16,165,5000,Z,TRACE-1,,STRIPE PAYOUT
16,475,2001,Z,,,RENT
49,210000,4/
98,210000,1,6/
99,210000,1,8/
"""

OFX = b"""OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS>
<DTSERVER>20260106<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>512108<ACCTID>DE75512108001245126199
<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260101<DTEND>20260105
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260102<TRNAMT>50.00<FITID>TRACE-1<NAME>STRIPE PAYOUT</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260105<TRNAMT>-20.01<FITID>B2<NAME>RENT</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>1029.99<DTASOF>20260105</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""

CSV = b"""Account,Booking date,Value date,Amount,Currency,Reference,Description,Balance
DE75512108001245126199,2026-01-02,2026-01-03,50.00,EUR,TRACE-1,STRIPE PAYOUT,1050.00
DE75512108001245126199,2026-01-05,2026-01-05,-20.01,EUR,,RENT,1029.99
"""

GERMAN_CSV = """Buchungstag;Betrag;Verwendungszweck
05.01.2026;-20,01;MIETE
02.01.2026;1.050,00;STRIPE TRACE-1
""".encode("latin-1")

GERMAN_MAPPING = """
- files: "umsatz*.csv"
  delimiter: ";"
  encoding: latin-1
  decimal: ","
  date_format: "%d.%m.%Y"
  account: DE75512108001245126199
  currency: eur
  newest_first: true
  columns: {booking_date: Buchungstag, amount: Betrag, description: Verwendungszweck}
"""

EVERY_FORMAT = {
    "a.xml": ("camt.053", CAMT053),
    "a.sta": ("mt940", MT940),
    "a.bai": ("bai2", BAI2),
    "a.ofx": ("ofx", OFX),
    "a.csv": ("csv", CSV),
}
