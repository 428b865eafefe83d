"""The folder of statements: what is read, named, refused, tried again; and `heirpay bank check`."""

from __future__ import annotations

import io
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import bank_files
import pytest
import yaml
from click.testing import CliRunner
from test_bank_statements import AS_OF, installation, landed, put

from heirpay_pipelines.bank import folder
from heirpay_pipelines.bank.command import bank
from heirpay_pipelines.bank.files import land_bank_statements, new_files
from heirpay_pipelines.bank.folder import require_mappings
from heirpay_pipelines.gateways.stripe.quarantine_retry import quarantined_objects
from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.settings import Settings

CARD = "4242 4242-4242_4242"
NIGHT = timedelta(days=1)


def manifest_text(settings: Settings) -> str:
    paths = sorted(Landing(settings.landing_dir).manifests_dir.glob("*.json"))
    return "".join(path.read_text() for path in paths)


def waiting(settings: Settings) -> list[str]:
    return [poisoned.reason for poisoned in quarantined_objects(Landing(settings.landing_dir))]


def test_subfolders_are_read_and_what_is_no_file_is_named(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    outside = put(tmp_path / "elsewhere", "o.xml", bank_files.CAMT053)
    put(settings.bank_dir / "2026" / "01", "a.xml", bank_files.CAMT053)
    put(settings.bank_dir / ".trash", "hidden.xml", b"no statement")
    put(settings.bank_dir / "german", "mapping.yaml", bank_files.GERMAN_MAPPING.encode())
    put(settings.bank_dir / "german" / "deeper", "umsatz-1.csv", bank_files.GERMAN_CSV)
    (settings.bank_dir / "linked").symlink_to(outside.parent)
    (settings.bank_dir / "gone.xml").symlink_to(tmp_path / "gone")
    os.mkfifo(settings.bank_dir / "pipe.xml")
    outcome = land_bank_statements(settings, AS_OF)
    assert (outcome.files, outcome.lines, outcome.quarantined) == (2, 4, ())
    assert [note.split(" ")[0] for note in outcome.notes] == ["gone.xml", "linked", "pipe.xml"]
    rows = landed(settings, "select endpoint, status from landing.coverage order by 1")
    assert rows == [
        ("bank/2026/01/a.xml", "complete"), ("bank/german/deeper/umsatz-1.csv", "complete"),
    ]  # fmt: skip
    assert new_files(settings, AS_OF) == []


def test_names_that_may_not_be_written(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    put(settings.bank_dir, f"visa {CARD}.xml", bank_files.CAMT053)
    put(settings.bank_dir, f"{CARD}.sta", b"no statement")
    put(settings.bank_dir / CARD, "a\x1b[2J\n.bai", bank_files.BAI2)
    put(settings.bank_dir, os.fsdecode(b"caf\xe9.ofx"), bank_files.OFX)
    outcome = land_bank_statements(settings, AS_OF)
    assert (outcome.files, [q.file_name for q in outcome.quarantined]) == (
        3, ["[card number removed].sta"],
    )  # fmt: skip
    rows = landed(
        settings,
        "select payload from landing.bank_transaction union all select payload from"
        " landing.bank_statement union all select payload from landing.quarantine",
    )
    written = manifest_text(settings) + json.dumps(rows)
    for part in ("4242 4242", "4242-4242", "4242_4242", "4242424242424242", "\x1b", "\\u001b"):
        assert part not in written
    assert "its name holds what may be a card number" in written
    assert new_files(settings, AS_OF) == []


def test_what_was_refused_is_tried_again_and_leaves_quarantine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path)
    put(settings.bank_dir, "umsatz.csv", bank_files.GERMAN_CSV)
    put(settings.bank_dir, "bad.sta", b"no statement")
    assert len(land_bank_statements(settings, AS_OF).quarantined) == 2
    assert len(waiting(settings)) == 2
    # Nothing changed: nothing is tried. A mapping: all are.
    assert land_bank_statements(settings, AS_OF + NIGHT).quarantined == ()
    put(settings.bank_dir, "mapping.yaml", bank_files.GERMAN_MAPPING.encode())
    outcome = land_bank_statements(settings, AS_OF + NIGHT)
    assert (outcome.files, len(outcome.quarantined)) == (1, 1)
    assert ["bad.sta" in reason for reason in waiting(settings)] == [True]
    assert new_files(settings, AS_OF + NIGHT) == []
    # Readers of a later release try once what this one refused.
    monkeypatch.setattr(folder, "READERS", "later")
    assert len(land_bank_statements(settings, AS_OF + 2 * NIGHT).quarantined) == 1
    assert new_files(settings, AS_OF + 2 * NIGHT) == []


def test_a_zip_lands_what_is_right_in_it_once(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.xml", bank_files.CAMT053)
        archive.writestr("umsatz.csv", bank_files.GERMAN_CSV)
    put(settings.bank_dir, "all.zip", content.getvalue())
    outcome = land_bank_statements(settings, AS_OF)
    assert (outcome.lines, [q.file_name for q in outcome.quarantined]) == (
        2,
        ["all.zip/umsatz.csv"],
    )
    put(settings.bank_dir, "mapping.yaml", bank_files.GERMAN_MAPPING.encode())
    outcome = land_bank_statements(settings, AS_OF + NIGHT)
    assert (outcome.files, outcome.quarantined) == (1, ())
    assert landed(settings, "select count(distinct id) from landing.bank_transaction") == [(4,)]
    assert waiting(settings) == []


def test_a_wrong_mapping_refuses_its_files_and_a_run_by_hand(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    put(settings.bank_dir, "good.xml", bank_files.CAMT053)
    put(settings.bank_dir / "csv", "umsatz.csv", bank_files.GERMAN_CSV)
    for text, said in {
        bank_files.GERMAN_MAPPING.replace(
            "decimal", "decimals"
        ): "line 5: `decimals`: is not known",
        bank_files.GERMAN_MAPPING.replace('","', "7"): "line 5: `decimal`: input should be",
        bank_files.GERMAN_MAPPING.replace("amount:", "amout:"): "line 10: `columns.amout`",
        bank_files.GERMAN_MAPPING + "  decimal: ','\n": "line 11: `decimal` stands twice",
        "- files: [": "line 1: is no YAML",
        "a": "is no list",
        "- &x {files: a}\n- *x\n": "refers to another part",
    }.items():
        put(settings.bank_dir / "csv", "mapping.yaml", text.encode())
        with pytest.raises(SettingsError, match=r"csv/mapping.yaml") as refused:
            require_mappings(settings.bank_dir)
        assert said in str(refused.value), refused.value
    outcome = land_bank_statements(settings, AS_OF)
    assert outcome.files == 1
    assert "mapping.yaml" in outcome.quarantined[0].reason


def test_reasons_and_logs_quote_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    settings = installation(tmp_path)
    secret = "GEHEIM-MUELLER"
    for name, (_, data) in bank_files.EVERY_FORMAT.items():
        for number, (was, now) in enumerate(
            ((b"STRIPE PAYOUT", b'"' + secret.encode() + b"\x00"), (b"50.00", secret.encode()),
             (b"50,00", secret.encode()), (b"16,165,5000", b"16,165," + secret.encode()),
             (b"2026-01-02", secret.encode()), (b"20260102", secret.encode()),
             (b":61:", b":61:" + secret.encode()), (b"EUR", secret.encode()))
        ):  # fmt: skip
            put(settings.bank_dir, f"{number}-{name}", data.replace(was, now))
    outcome = land_bank_statements(settings, AS_OF)
    assert len(outcome.quarantined) > 15
    assert secret not in json.dumps([q.reason for q in outcome.quarantined])
    assert secret not in manifest_text(settings) + caplog.text + "".join(capfd.readouterr())
    assert all(" " in q.reason and "\n" not in q.reason for q in outcome.quarantined)


# heirpay bank check


def check(path: Path, *options: str) -> tuple[int, Any]:
    result = CliRunner().invoke(bank, ["check", str(path), "--format", "json", *options])
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path / "home"))
    return tmp_path


def test_check_says_what_is_understood_and_writes_nothing(home: Path) -> None:
    path = put(home / "x", "a.xml", bank_files.CAMT053)
    code, found = check(path)
    assert code == 0
    assert (found["format"], found["accepted"], found["reason"]) == ("camt.053", True, None)
    assert found["proposed_mapping"] is None
    assert found["statements"] == [
        {
            "account": "DE75512108001245126199", "currency": "eur", "first_on": "2026-01-01",
            "last_on": "2026-01-05", "lines": 2, "credits": "50.00", "debits": "20.01",
            "opening": "1000.00", "closing": "1029.99", "is_balanced": True, "is_final": True,
        }
    ]  # fmt: skip
    wrong = put(home / "x", "b.xml", bank_files.CAMT053.replace(b"20.01", b"20.02"))
    code, found = check(wrong)
    assert (code, found["accepted"], found["statements"]) == (1, False, [])
    assert "closing balance says 102999" in found["reason"]
    assert check(home / "none")[0] == 2
    assert check(home / "x")[0] == 2
    assert sorted(p.name for p in home.rglob("*")) == ["a.xml", "b.xml", "x"]
    text = CliRunner().invoke(bank, ["check", str(path)])
    assert "2 lines, credits 50.00, debits 20.01" in text.stdout


LANGUAGES = {
    "english": "Posting date,Details,Paid in,Paid out,Balance,Currency,Account number\n"
    "2026-01-13,STRIPE,\"1,250.00\",,\"1,350.00\",GBP,1234\n2026-01-14,RENT,,50.00,\"1,300.00\",GBP,1234\n",
    "german": "Kontoauszug\nKonto;DE75512108001245126199\nWährung;EUR\n\n"
    "Buchungstag;Valuta;Verwendungszweck;Betrag;Saldo\n"
    "13.01.2026;14.01.2026;STRIPE;1.250,00;1.350,00\n14.01.2026;14.01.2026;MIETE;-50,00;1.300,00\n"
    ";;;;\nEndsaldo;;;;1.300,00\n",
    "french": "Compte;Date de comptabilisation;Libellé;Débit;Crédit;Devise\n"
    "FR1;13/01/2026;STRIPE;;1 250,00;EUR\nFR1;14/01/2026;LOYER;-50,00;;EUR\n",
    "dutch": '"Datum","Naam / Omschrijving","Rekening","Af Bij","Bedrag (EUR)"\n'
    '"20260113","STRIPE","NL1","Bij","1250,00"\n"20260114","HUUR","NL1","Af","50,00"\n',
    "spanish": "Fecha operación\tConcepto\tImporte\tSaldo\tDivisa\tCuenta\n"
    "13/01/2026\tSTRIPE\t1.250,00\t1.350,00\tEUR\tES1\n14/01/2026\tALQUILER\t-50,00\t1.300,00\tEUR\tES1\n",
    "neobank": "State,Completed Date,Description,Amount,Currency,Account\n"
    "COMPLETED,2026-01-13 10:00:00,STRIPE,1250.00,EUR,R1\n"
    "PENDING,2026-01-14 10:00:00,X,9.99,EUR,R1\n"
    "COMPLETED,2026-01-14 11:00:00,RENT,-50.00,EUR,R1\n",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_proposed_mapping_makes_the_file_accepted(home: Path, language: str) -> None:
    encoding = "cp1252" if language in ("german", "french") else "utf-8"
    path = put(home / "x", "export [1].csv", LANGUAGES[language].encode(encoding))
    code, found = check(path)
    assert code == 1
    assert found["asked"] == []
    put(home / "x", "mapping.yaml", yaml.safe_dump([found["proposed_mapping"]]).encode())
    code, found = check(path)
    assert (code, found["reason"]) == (0, None)
    (statement,) = found["statements"]
    assert (statement["lines"], statement["credits"], statement["debits"]) == (
        2,
        "1250.00",
        "50.00",
    )
    assert (statement["first_on"], statement["last_on"]) == ("2026-01-13", "2026-01-14")


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("Date,Amount,Currency,Account\n01/02/2026,1.50,EUR,A\n", "date_format: could be %d/%m/%Y"),
        ("Date;Amount;Currency;Account\n2026-01-02;1,250;EUR;A\n", "decimal: "),
        ("Date,Amount,Currency\n2026-01-02,1.50,EUR\n", "account: "),
        ("Date,Amount,Account\n2026-01-02,1.50,A\n", "currency: "),
        ("Date,Amount,Account,Currency,DR/CR\n2026-01-02,1.50,A,EUR,X\n", "credit_values and"),
        ("Date,Amount,Account,Currency,Status\n2026-01-02,1.50,A,EUR,odd\n", "booked_values: "),
        ("a,b\n1,2\n", "no line names a date and an amount"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_for(home: Path, content: str, asked: str) -> None:
    code, found = check(put(home / "x", "x.csv", content.encode()))
    assert (code, found["proposed_mapping"]) == (1, None)
    assert any(asked in question for question in found["asked"]), found["asked"]
