"""The seed of bank holidays is what its script writes."""

from __future__ import annotations

import io
import runpy
from datetime import date
from pathlib import Path

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "bank_holidays.py"))


def test_the_seed_is_what_the_script_writes() -> None:
    seed = SCRIPT["SEED"].read_text()
    years = sorted({int(line.split(",")[1][:4]) for line in seed.splitlines()[1:]})
    written = io.StringIO()
    SCRIPT["write"](written, years[0], years[-1])
    assert written.getvalue() == seed


def test_the_federal_reserve_is_open_before_a_holiday_on_a_saturday() -> None:
    closed = SCRIPT["closed"]("usd", range(2026, 2028))
    assert date(2026, 7, 3) not in closed  # Independence Day is a Saturday
    assert date(2027, 7, 5) in closed  # and a Sunday, kept on Monday
    assert date(2026, 12, 25) in closed
