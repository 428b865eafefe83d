"""`finance.xlsx`: a sheet for each published table and a summary of live formulas over them.

Text from the account is written as text and never as a formula, and what would become one when the
sheet is saved as CSV carries Excel's own text mark (OWASP, "CSV injection"). Excel's numbers have
15 digits: an amount that needs more is written as text, so that no digit is lost.

Without an encryption key rows go to disk while the workbook is made. With one they stay in memory,
for these temporary files would be readable: then the sheets hold fewer of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.summary_sheet import Sheets, write_summary
from heirpay_pipelines.text.spreadsheet_csv import is_formula

ROW_LIMIT = 50_000
ROW_LIMIT_IN_MEMORY = 10_000
BATCH = 2_000
EXCEL_DIGITS = 15
DEFAULT_EXPONENT = 3


@dataclass
class Formats:
    """The workbook's cell formats."""

    head: Any
    date: Any
    instant: Any
    text: Any
    marked: Any
    rate: Any
    money: dict[int, Any]


def write_workbook(context: ReportContext, path: Path) -> None:
    """Write the workbook; with nothing published it holds this run's control results alone."""
    key = context.home.key
    options = {
        "constant_memory": key is None,
        "in_memory": key is not None,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with sealed.create(path, key) as file, xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": f"Finance report {context.calendar.day.isoformat()}"})
        book.set_calc_mode("auto")
        formats = _formats(book)
        summary = book.add_worksheet("Summary")
        sheets: Sheets = {}
        for table, query in _sources(context):
            sheets[table] = _write_table(context, book, formats, table, query)
        write_summary(context, book, summary, sheets)


def _sources(context: ReportContext) -> list[tuple[str, str]]:
    """(sheet, query) of every published table, after this run's own controls."""
    published = [
        (row["name"].partition(".")[2], f"select * from {row['name']}")
        for row in context.fact("published_tables").rows
    ]
    return [("run_controls", "select * from run_controls"), *published]


def _formats(book: Any) -> Formats:
    return Formats(
        head=book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF1F5"}),
        date=book.add_format({"num_format": "yyyy-mm-dd"}),
        instant=book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        text=book.add_format({"num_format": "@"}),
        marked=book.add_format({"num_format": "@", "quote_prefix": True}),
        rate=book.add_format({"num_format": "0.00%"}),
        money={
            exponent: book.add_format(
                {"num_format": "#,##0" + ("." + "0" * exponent if exponent else "")}
            )
            for exponent in range(4)
        },
    )


def _write_table(
    context: ReportContext, book: Any, formats: Formats, table: str, query: str
) -> dict[str, Any]:
    """One sheet; returns its columns' letters, its last row and how many rows were left out."""
    sheet = book.add_worksheet(table[:31])
    connection = context.reader.connection
    counted = connection.execute(f"select count(*) from ({query})").fetchone()
    total = int(counted[0]) if counted else 0
    limit = ROW_LIMIT_IN_MEMORY if context.home.key else ROW_LIMIT
    # Months and dates come first in most tables. Sorting more than is shown would cost memory.
    order = "order by all" if total <= limit else ""
    cursor = connection.execute(f"{query} {order} limit {limit}")
    names = [column[0] for column in cursor.description or ()]
    for place, name in enumerate(names):
        sheet.set_column(place, place, min(max(len(name) + 3, 12), 40))
        sheet.write_string(0, place, name, formats.head)
    sheet.freeze_panes(1, 0)
    row_number = 0
    while batch := cursor.fetchmany(BATCH):
        for values in batch:
            row_number += 1
            row = dict(zip(names, values, strict=True))
            exponent = _exponent(context, row)
            for place, name in enumerate(names):
                _write_cell(context, sheet, formats, (row_number, place), name, row[name], exponent)
    if names:
        sheet.autofilter(0, 0, max(row_number, 1), len(names) - 1)
    return {
        "columns": {name: xl_col_to_name(place) for place, name in enumerate(names)},
        "last": max(row_number + 1, 2),
        "rows": row_number,
        "left_out": total - row_number,
    }


def _exponent(context: ReportContext, row: dict[str, Any]) -> int:
    return context.money.exponents.get(row.get("currency") or "", DEFAULT_EXPONENT)


def _write_cell(
    context: ReportContext,
    sheet: Any,
    formats: Formats,
    place: tuple[int, int],
    name: str,
    value: Any,
    exponent: int,
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, Decimal):
        if name.endswith("_reporting"):
            exponent = context.money.exponents.get(context.reporting, DEFAULT_EXPONENT)
        is_rate = name.endswith(("_rate", "_ratio", "_retention"))
        _write_decimal(
            sheet, formats, place, value, formats.rate if is_rate else formats.money[exponent]
        )
    elif isinstance(value, int | float):
        sheet.write_number(*place, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(*place, value, formats.instant)
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, formats.date)
    else:
        write_text(sheet, formats, place, str(value))


def _write_decimal(
    sheet: Any, formats: Formats, place: tuple[int, int], value: Decimal, form: Any
) -> None:
    if len(value.normalize().as_tuple().digits) > EXCEL_DIGITS:
        sheet.write_string(*place, f"{value:f}", formats.text)
    else:
        sheet.write_number(*place, float(value), form)


def write_text(sheet: Any, formats: Formats, place: tuple[int, int], text: str) -> None:
    """Text as text. Excel's cells hold 32,767 characters."""
    hostile = is_formula(text)
    sheet.write_string(*place, text[:32_767], formats.marked if hostile else formats.text)
