"""A bank statement is whole by itself, or by the one before it; a gap between two shows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import payment_objects as stripe
from landing_harness import Landing, model

from heirpay_pipelines.land.bank.statement import Line, Statement, records

AS_OF = "2026-03-01T00:00:00"


def statement(day: int, opening: int | None, amount: int, closing: int | None) -> stripe.JsonObject:
    on = date(2026, 1, day)
    made = Statement(
        "DE75", "eur", f"2026-01-{day:02d}", (Line(on, on, amount, "", ""),),
        opening, closing, on, on,
    )  # fmt: skip
    return records([made], f"{day}.ofx", f"{day}", "ofx")[0]


def test_a_missing_statement_shows_at_the_next(tmp_path: Path) -> None:
    landing = Landing()
    found = [
        statement(1, 1000, 500, 1500),
        statement(2, None, -200, 1300),  # OFX: 1500 before its lines
        statement(5, 1300, 100, 1400),
        statement(9, 1450, 50, 1500),  # 0.50 came in between
        statement(10, None, 70, None),
    ]
    stripe.land(landing, found, AS_OF)
    warehouse = model(landing, tmp_path, AS_OF, "+bank_statements")
    rows = warehouse.rows(
        "select statement_id, verified_by, difference_to_previous from finance.bank_statements"
        " order by 1"
    )
    assert rows == [
        ("2026-01-01", "itself", None),
        ("2026-01-02", "previous statement", 0),
        ("2026-01-05", "itself", 0),
        ("2026-01-09", "itself", 0.5),
        ("2026-01-10", "nothing", None),
    ]
