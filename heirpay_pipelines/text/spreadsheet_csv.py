"""CSV that a spreadsheet may open: no cell of it is read as a formula.

Text from an account, a bank or a person begins as its author likes; a spreadsheet runs what begins
like a formula (OWASP, "CSV injection"). Such a cell gets an apostrophe before it, which they take
for "text". A plain number is none, whatever its sign.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠", "\x00")
"""Also full-width signs: some editions of spreadsheets take them for the plain ones."""
BEGINS = f"^[{''.join(map(re.escape, FORMULA_STARTS))}]"
NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?$"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would read the cell as something else than its text."""
    return text.startswith(FORMULA_STARTS) and not re.fullmatch(NUMBER, text)


def cell(value: Any) -> Any:
    """A value as a cell of a CSV file: text that is no formula, anything else as it is."""
    return f"'{value}" if isinstance(value, str) and is_formula(value) else value


def write_csv(out: IO[str], names: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a heading and rows; every CSV that is written row by row comes through here."""
    writer = csv.writer(out)
    writer.writerow([cell(name) for name in names])
    writer.writerows([cell(value) for value in row] for row in rows)


def as_cells(table: pa.Table) -> pa.Table:
    """The table with each text as `cell` gives it, column by column."""
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(position)
            formula = pc.and_(
                pc.match_substring_regex(column, BEGINS),
                pc.invert(pc.match_substring_regex(column, NUMBER)),
            )
            marked = pc.binary_join_element_wise(
                pa.scalar("'", field.type), column, pa.scalar("", field.type)
            )
            table = table.set_column(position, field.name, pc.if_else(formula, marked, column))
    return table.rename_columns([cell(name) for name in table.column_names])
