"""The workbook's first sheet: figures as formulas over the other sheets, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heirpay_pipelines.report.context import ReportContext, sum_of

Sheets = dict[str, dict[str, Any]]
"""Sheet name → {columns: {name: letter}, last: row, rows: int, left_out: int}."""


@dataclass(frozen=True)
class Line:
    """A figure: the tables its formula needs, the formula, and the value computed by SQL."""

    label: str
    needs: tuple[str, ...]
    formula: str
    value: Decimal | int | None
    money: bool
    note: str


def write_summary(context: ReportContext, book: Any, sheet: Any, sheets: Sheets) -> None:
    """Formulas beside the values that SQL computed; the check column says whether they agree."""
    bold = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF1F5"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    exponent = context.money.exponents.get(context.reporting, 2)
    amount = book.add_format({"num_format": "#,##0" + ("." + "0" * exponent if exponent else "")})
    whole = book.add_format({"num_format": "#,##0"})
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 2, 20)
    sheet.set_column(3, 3, 12)
    sheet.set_column(4, 4, 70)
    sheet.write_string(0, 0, f"Finance report, {context.calendar.day:%d %B %Y}", bold)
    for row, (label, value) in enumerate(
        (
            ("As-of date", context.calendar.as_of_date),
            ("Month", context.calendar.month),
        ),
        start=1,
    ):
        sheet.write_string(row, 0, label)
        sheet.write_datetime(row, 1, value, day)
    sheet.write_string(3, 0, "Run")
    sheet.write_string(3, 1, f"{context.run.run_id}, {context.run.verdict}")
    currency = context.reporting.upper()
    for place, label in enumerate(
        ("Figure", f"Live formula ({currency} or number)", "Computed by SQL", "Agree", "What it is")
    ):
        sheet.write_string(5, place, label, head)
    row = 6
    for line in _lines(context, sheets):
        form = amount if line.money else whole
        number = None if line.value is None else float(line.value)
        sheet.write_string(row, 0, line.label)
        sheet.write_formula(row, 1, line.formula, form, number if number is not None else 0)
        if number is not None:
            sheet.write_number(row, 2, number, form)
            sheet.write_formula(
                row, 3, f'=IF(ROUND(B{row + 1}-C{row + 1},6)=0,"yes","NO")', None, "yes"
            )
        sheet.write_string(row, 4, line.note, wrapped)
        row += 1
    _contents(sheet, head, row + 1, sheets)


def _contents(sheet: Any, head: Any, row: int, sheets: Sheets) -> None:
    for place, label in enumerate(("Sheet", "Rows", "Rows left out")):
        sheet.write_string(row, place, label, head)
    for name, found in sheets.items():
        row += 1
        sheet.write_url(row, 0, f"internal:'{name[:31]}'!A1", string=name)
        sheet.write_number(row, 1, found["rows"])
        sheet.write_number(row, 2, found["left_out"])


def _lines(context: ReportContext, sheets: Sheets) -> list[Line]:
    """The lines whose sheets are there and whole: a formula over a part would mislead."""
    whole = {name for name, found in sheets.items() if not found["left_out"]}
    return [line for line in _all_lines(context, sheets) if set(line.needs) <= whole]


def _all_lines(context: ReportContext, sheets: Sheets) -> list[Line]:
    def column(table: str, name: str) -> str:
        found = sheets.get(table, {"columns": {}, "last": 2})
        letter = found["columns"].get(name, "A")
        return f"'{table}'!${letter}$2:${letter}${found['last']}"

    movements = context.fact("movements_of_month")
    month = (
        f'{column("mrr_movements", "occurred_on")},">="&$B$3,'
        f'{column("mrr_movements", "occurred_on")},"<"&EDATE($B$3,1)'
    )
    last_month = f"MAX({column('mrr_monthly', 'month')})"
    tax_month = (
        f'{column("tax_transactions", "occurred_on")},">="&$B$3,'
        f'{column("tax_transactions", "occurred_on")},"<"&EDATE($B$3,1)'
    )
    payouts = context.fact("payouts_by_state").rows
    return [
        Line(
            "MRR",
            ("mrr_monthly",),
            f"=SUMIFS({column('mrr_monthly', 'mrr_reporting')},"
            f"{column('mrr_monthly', 'month')},{last_month})",
            sum_of(context.fact("mrr_now").rows, "mrr_reporting"),
            True,
            "As of the report's instant, in the reporting currency",
        ),
        Line(
            "Net new MRR of the month",
            ("mrr_movements",),
            f"=SUMIFS({column('mrr_movements', 'mrr_change_reporting')},{month})",
            sum_of(movements.rows, "mrr_change_reporting"),
            True,
            "Movements that occurred in the month",
        ),
        *(
            Line(
                f"… {movement}",
                ("mrr_movements",),
                f"=SUMIFS({column('mrr_movements', 'mrr_change_reporting')},{month},"
                f'{column("mrr_movements", "movement")},"{movement}")',
                sum_of(
                    [row for row in movements.rows if row["movement"] == movement],
                    "mrr_change_reporting",
                ),
                True,
                f"Of which {movement}",
            )
            for movement in ("new", "reactivation", "expansion", "contraction", "churn")
        ),
        Line(
            "Tax of the month",
            ("tax_transactions",),
            f"=SUMIFS({column('tax_transactions', 'tax_amount_reporting')},{tax_month})",
            sum_of(context.fact("tax_by_jurisdiction").rows, "tax_amount_reporting"),
            True,
            "Liability that arose less what fell, all jurisdictions",
        ),
        Line(
            "Payouts not reconciled",
            ("payout_reconciliation",),
            f'=COUNTIF({column("payout_reconciliation", "status")},"unreconciled")',
            sum(row["payouts"] for row in payouts if row["status"] == "unreconciled"),
            False,
            "Due and missing, or not equal to their transactions",
        ),
        Line(
            "Open breaks",
            ("reconciliation_breaks",),
            f"=COUNTA({column('reconciliation_breaks', 'break_id')})",
            sum(row["breaks"] for row in context.fact("breaks_by_kind").rows),
            False,
            "Reconciliation breaks that are not resolved",
        ),
        Line(
            "Failed controls",
            ("run_controls",),
            f'=COUNTIF({column("run_controls", "status")},"fail")',
            sum(
                row["controls"]
                for row in context.fact("controls_by_framework").rows
                if row["status"] == "fail"
            ),
            False,
            "Of this run",
        ),
    ]
