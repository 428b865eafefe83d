"""finance.xlsx: a sheet for each table, formulas that reach SQL's totals, text that stays text."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.reading import Reader, bring, parameters_of
from heirpay_pipelines.report.workbook import write_workbook

HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-1-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    return folder / "finance.xlsx"


@pytest.fixture(scope="module")
def book(path: Path) -> Any:
    return openpyxl.load_workbook(path, read_only=True)


def test_a_sheet_for_each_published_table(book: Any, path: Path, published: Any) -> None:
    tables = published.rows(
        "select table_name, estimated_size from duckdb_tables()"
        " where schema_name in ('finance', 'compliance', 'operations')"
    )
    places = {name: place for place, name in enumerate(book.sheetnames, 1)}
    assert {name[:31] for name, _ in tables} <= places.keys()
    with zipfile.ZipFile(path) as archive:
        for name, rows in tables:
            sheet = archive.read(f"xl/worksheets/sheet{places[name[:31]]}.xml")
            assert sheet.count(b"<row ") == 1 + min(rows, 50_000), name
            assert b"<autoFilter " in sheet
            assert b'state="frozen"' in sheet


@pytest.mark.parametrize("table", ["trial_conversion", "mrr_monthly", "revenue_recognition"])
def test_months_stand_in_their_order(book: Any, table: str) -> None:
    months = [row[0] for row in book[table].iter_rows(min_row=2, values_only=True)]
    assert len(set(months)) > 1
    assert months == sorted(months)


def summary(sheet: Any) -> list[tuple[str, Any, Any]]:
    rows = sheet.iter_rows(min_row=7, max_col=4, values_only=True)
    return [(label, formula, value) for label, formula, value, _ in rows if label and formula]


def test_the_summary_is_live_formulas_over_the_sheets(book: Any) -> None:
    lines = [line for line in summary(book["Summary"]) if str(line[1]).startswith("=")]
    assert len(lines) >= 9
    for label, formula, _ in lines:
        for name in re.findall(r"'([a-z_]+)'!", formula):
            assert name in book.sheetnames, label


def test_the_computed_column_is_what_the_report_says(book: Any, document: dict[str, Any]) -> None:
    computed = {label: value for label, _, value in summary(book["Summary"])}
    figures = {f["key"]: f["value"] for f in document["revenue_metrics"]["key_figures"]}
    assert Decimal(str(computed["MRR"])) == Decimal(figures["mrr"])
    assert computed["Open breaks"] == figures["open_breaks"]
    assert computed["Failed controls"] == figures["failed_controls"]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_computes_the_published_totals(folder: Path, tmp_path: Path) -> None:
    command = [
        "soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
        "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path),
        str(folder / "finance.xlsx"),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    found = openpyxl.load_workbook(tmp_path / "finance.xlsx", data_only=True)["Summary"]
    rows = [row for row in found.iter_rows(min_row=7, max_col=4, values_only=True) if row[3]]
    assert len(rows) >= 9
    assert {row[0]: row[3] for row in rows if row[3] != "yes"} == {}


def test_text_of_customers_never_becomes_a_formula(facts: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.xlsx"
    values = ", ".join("('" + text.replace("'", "''") + "')" for text in HOSTILE)
    with duckdb.connect(tmp_path / "heirpay.duckdb") as connection:
        connection.execute(
            "create schema finance; create schema intermediate;"
            "create table intermediate.currencies (currency varchar, exponent integer);"
            "create table intermediate.int_exchange_rates (rate_date date, currency varchar,"
            " units_per_eur decimal(24, 12), reporting_units_per_eur decimal(24, 12));"
            f"create table finance.hostile as select * from (values {values}) t(x)"
        )
        bring(connection, facts.run, facts.controls)
        reader = Reader(connection, parameters_of(facts.settings, facts.run), True)
        write_workbook(ReportContext(facts.settings, facts.run, reader), path)
    sheet = openpyxl.load_workbook(path)["hostile"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert sorted(cell.value for cell in cells) == sorted(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)  # stays text when it is saved as CSV
    with zipfile.ZipFile(path) as archive:
        formulas = [
            name
            for name in archive.namelist()
            if name.startswith("xl/worksheets/") and b"<f>" in archive.read(name)
        ]
    assert formulas == ["xl/worksheets/sheet1.xml"]  # the summary's own
