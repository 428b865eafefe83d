"""The dated tables of tax: a place has one rate on each day, and no state with a tax is missing."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

from heirpay_pipelines.warehouse.project import PROJECT_DIR

NO_SALES_TAX = {"AK", "DE", "MT", "NH", "OR"}
"""States of the United States that levy none."""


def rates() -> dict[tuple[str, str, str], list[tuple[date, date, str]]]:
    """The spans of each place and tax, in order: first day, last day, rate."""
    found = defaultdict(list)
    with (PROJECT_DIR / "seeds" / "tax_rates_in_force.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            until = date.fromisoformat(row["valid_until"] or "9999-12-31")
            place = row["country"], row["region"], row["tax_type"]
            found[place].append((date.fromisoformat(row["valid_from"]), until, row["rate"]))
            assert row["source"]
    return {place: sorted(spans) for place, spans in found.items()}


def test_a_rate_follows_the_one_before_without_gap_or_overlap() -> None:
    for place, spans in rates().items():
        for before, after in pairwise(spans):
            assert after[0] == before[1] + timedelta(days=1), place
            assert after[2] != before[2], place


def test_every_state_with_a_sales_tax_has_its_rate_of_each_day_since_2021() -> None:
    """50 states less five, and the District of Columbia."""
    states = {place[1]: spans for place, spans in rates().items() if place[2] == "sales_tax"}
    assert len(states) == 46
    assert not NO_SALES_TAX & states.keys()
    assert all(spans[0][0] <= date(2021, 1, 1) for spans in states.values())
    dated = {state: [rate for _, _, rate in spans] for state, spans in states.items()}
    assert (dated["NY"], dated["TX"], dated["FL"], dated["WA"]) == (["4"], ["6.25"], ["6"], ["6.5"])
    assert dated["LA"] == ["4.45", "5"]
