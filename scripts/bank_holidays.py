"""Writes dbt/seeds/bank_holidays.csv anew from the package `holidays`:
`python scripts/bank_holidays.py 2023 2032`.

Weekdays on which banks do not book, by currency. Nights read the seed and never the package, so a
past night is computed with the days that it was computed with. The control `bank_holidays_known`
warns 13 months before the seed ends.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO

import holidays

SEED = Path(__file__).resolve().parents[1] / "dbt" / "seeds" / "bank_holidays.csv"
COUNTRIES = {
    "aud": "AU", "cad": "CA", "chf": "CH", "dkk": "DK", "hkd": "HK", "jpy": "JP", "nok": "NO",
    "nzd": "NZ", "pln": "PL", "sek": "SE", "sgd": "SG",
}  # fmt: skip
SATURDAY = 5


def closed(currency: str, years: range) -> set[date]:
    """The days on which banks of a currency do not book, weekends among them."""
    if currency == "eur":
        return set(holidays.financial_holidays("XECB", years=years))  # TARGET
    if currency == "gbp":
        return set(holidays.country_holidays("GB", subdiv="ENG", years=years))
    if currency == "usd":
        found = holidays.country_holidays("US", years=years)
        # The Federal Reserve is open on the Friday before a holiday that falls on a Saturday.
        return {day for day in found if not _is_observed_before(day, set(found))}
    return set(holidays.country_holidays(COUNTRIES[currency], years=years))


def _is_observed_before(day: date, found: set[date]) -> bool:
    following = day + timedelta(days=1)
    return following.weekday() == SATURDAY and following in found


def rows(first: int, last: int) -> Iterator[tuple[str, date]]:
    """(currency, weekday) of the years from `first` to `last`, in order."""
    years = range(first, last + 1)
    for currency in sorted((*COUNTRIES, "eur", "gbp", "usd")):
        for day in sorted(closed(currency, years)):
            if day.weekday() < SATURDAY and day.year in years:
                yield currency, day


def write(target: IO[str], first: int, last: int) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(("currency", "holiday"))
    writer.writerows(rows(first, last))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int, help="the first year")
    parser.add_argument("last", type=int, help="the last year")
    given = parser.parse_args()
    with SEED.open("w", newline="") as file:
        write(file, given.first, given.last)
    sys.stdout.write(f"{SEED.name}: {given.first} to {given.last}\n")
