"""No cell of any CSV file begins like a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pyarrow as pa
import pytest

from heirpay_pipelines.text.spreadsheet_csv import FORMULA_STARTS, as_cells, cell, write_csv

HOSTILE = [start + 'HYPERLINK("http://x.test","y")' for start in FORMULA_STARTS]
HARMLESS = ["", "a=1", "x-1", "-12.50", "+49170", "12", "'=1", " =1", None]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_becomes_text_by_each_way(text: str) -> None:
    out = io.StringIO()
    write_csv(out, ["a"], [[text]])
    assert next(csv.reader(io.StringIO(out.getvalue()[3:]))) == ["'" + text]
    table = as_cells(pa.table({text: [text, None], "n": [Decimal("-1.50"), None]}))
    assert table.column_names == ["'" + text, "n"]
    assert table.column(0).to_pylist() == ["'" + text, None]
    assert table.column(1).to_pylist() == [Decimal("-1.50"), None]


def test_what_is_no_formula_stays_as_it_is() -> None:
    assert [cell(value) for value in HARMLESS] == HARMLESS
    assert as_cells(pa.table({"a": HARMLESS})).column(0).to_pylist() == HARMLESS
    assert cell(Decimal("-1")) == Decimal("-1")
