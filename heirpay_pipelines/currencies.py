"""Which currencies exist (ISO 4217), and how many decimals the smallest unit of each has."""

from __future__ import annotations

import csv
from functools import cache

from heirpay_pipelines.shipped import SEEDS

SEED = SEEDS / "currencies.csv"
"""The one table of exponents is the models' seed."""


@cache
def exponents() -> dict[str, int]:
    """Decimals of each known currency's smallest unit, by its code in lower case."""
    with SEED.open(newline="") as file:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}
