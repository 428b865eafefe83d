"""Amounts in CSV are read in one way, or refused with the setting that decides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from heirpay_pipelines.bank.csv_numbers import Numbers, proven_by
from heirpay_pipelines.bank.statement import StatementError

READ = [
    ("1’234.50", None, None, "chf", "1234.50"),
    ("CHF 1'234.50", None, None, "chf", "1234.50"),
    ("12.50-", None, None, "eur", "-12.50"),
    ("-12,50 €", ",", None, "eur", "-12.50"),
    ("1\u00a0234,50 €", ",", None, "eur", "1234.50"),
    ("(1,234.50)", None, None, "usd", "-1234.50"),
    ("−€12.50", None, None, "eur", "-12.50"),
    ("$-12.50", None, None, "usd", "-12.50"),
    ("-$1,234.50", None, None, "usd", "-1234.50"),
    ("12.50 DR", None, None, "usd", "-12.50"),
    ("12.50 CR", None, None, "usd", "12.50"),
    ("R$ 1.234,50", ",", None, "brl", "1234.50"),
    ("1,250", ".", None, "eur", "1250"),
    ("1.250", ",", None, "eur", "1250"),
    ("1,234,567", None, None, "jpy", "1234567"),
    ("12,34,567.00", None, ",", "inr", "1234567"),
    ("1.500", None, None, "kwd", "1.500"),
    (".50", None, None, "eur", "0.50"),
]


@pytest.mark.parametrize(("text", "decimal", "grouping", "currency", "amount"), READ)
def test_amounts_as_people_write_them(
    text: str, decimal: str | None, grouping: str | None, currency: str, amount: str
) -> None:
    exponent = {"kwd": 3, "jpy": 0}.get(currency, 2)
    assert Numbers(decimal, grouping).read(text, currency, exponent) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "decimal", "grouping"),
    [
        ("1,250", None, None), ("1.250", None, None), ("12,50", None, None), ("1,23", None, None),
        ("1.234.567", None, None), ("12,34,567.00", None, None), ("0,500", None, None),
        ("0,500", ".", None), ("0.500", ",", None), ("012,345.00", ".", None),
        ("1 234.50", None, "none"), ("1'234.50", ".", ","), ("1,2345.00", ".", None),
        ("1,234 567.00", ".", None), ("12.50 USD", None, None), ("$ 12.50", None, None),
        ("--5", None, None), ("(-5.00)", None, None), ("5e3", None, None), ("", None, None),
        ("1E+30", None, None), ("Infinity", None, None), ("NaN", None, None),
        ("9" * 40, None, None), ("twelve", None, None), ("12.50.1", None, None),
        ("5 -5", None, None),
    ],
)  # fmt: skip
def test_what_is_none_or_could_be_another_is_refused(
    text: str, decimal: str | None, grouping: str | None
) -> None:
    with pytest.raises(StatementError) as refused:
        Numbers(decimal, grouping).read(text, "eur", 2)
    assert text == "" or text not in str(refused.value)


def test_other_amounts_of_the_file_prove_the_decimal_sign() -> None:
    assert proven_by(["1,250", "12.50", ""]) == {"."}
    assert proven_by(["1.250,00"]) == {","}
    assert proven_by(["1,250", "1.250", "x"]) == set()
    assert proven_by(["1,25", "1.25"]) == {",", "."}
    assert Numbers(None, None, ".").read("1,250", "eur", 2) == 1250
    with pytest.raises(StatementError, match="decimal"):
        Numbers(None, None, ",").read("1,250", "eur", 2)
