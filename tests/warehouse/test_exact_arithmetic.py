"""Money's macros over any amounts: nothing is lost on the way, and what is rounded is half-even."""

from __future__ import annotations

import csv
import re
from decimal import Decimal, localcontext
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heirpay_pipelines.warehouse.project import PROJECT_DIR

with (PROJECT_DIR / "seeds" / "currencies.csv").open() as seed:
    EXPONENTS = {row["currency"]: int(row["exponent"]) for row in csv.DictReader(seed)}


def macros() -> Any:
    """The project's macros of money, as dbt renders them for DuckDB."""
    files = ("dialect/decimal.sql", "money.sql", "published.sql", "mrr.sql")
    source = "".join((PROJECT_DIR / "macros" / file).read_text() for file in files)
    # This one asks the database for the seed, which a test reads from its file.
    source = re.sub(r"{% macro currency_exponents.*?endmacro %}", "", source, flags=re.DOTALL)
    adapter = SimpleNamespace()
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    module = environment.from_string(source).make_module(
        {"adapter": adapter, "currency_exponents": lambda: dict(sorted(EXPONENTS.items()))}
    )
    adapter.dispatch = lambda name: getattr(module, f"default__{name}")
    return module


MACROS = macros()
CONNECTION = duckdb.connect()
any_currency = st.sampled_from(sorted(EXPONENTS))
minor_units = st.integers(-(10**15), 10**15)
often = settings(max_examples=150, deadline=None)


def computed(expression: str, **values: tuple[Any, str]) -> Any:
    """A macro's expression over one row, whose columns are (value, type)."""
    columns = ", ".join(f"cast(? as {kind}) as {name}" for name, (_, kind) in values.items())
    sql = f"select {expression} from (select {columns})"
    row = CONNECTION.execute(sql, [str(value) for value, _ in values.values()]).fetchone()
    assert row is not None
    return row[0]


def half_even(value: Fraction, digits: int) -> Decimal:
    """A fraction rounded half-even to so many decimals, exactly."""
    with localcontext(prec=80):
        return Decimal(round(value * 10**digits)).scaleb(-digits)


@often
@given(minor=minor_units, currency=any_currency)
def test_minor_units_become_major_units_and_back(minor: int, currency: str) -> None:
    major = computed(
        MACROS.to_major("minor", "currency"), minor=(minor, "bigint"), currency=(currency, "text")
    )
    assert major == Decimal(minor).scaleb(-EXPONENTS[currency])
    assert int(major.scaleb(EXPONENTS[currency])) == minor


@pytest.mark.parametrize(
    ("currency", "major"),
    [
        ("usd", "1234.50"), ("jpy", "123450"), ("krw", "123450"), ("vnd", "123450"),
        ("clp", "123450"), ("bhd", "123.450"), ("jod", "123.450"), ("kwd", "123.450"),
        ("omr", "123.450"), ("tnd", "123.450"), ("isk", "1234.50"), ("ugx", "1234.50"),
        ("huf", "1234.50"), ("twd", "1234.50"),
    ],
)  # fmt: skip
def test_stripes_own_exponents(currency: str, major: str) -> None:
    """METRICS.md section 1: zero and three decimals, and those that Stripe states with two."""
    assert computed(
        MACROS.to_major("minor", "currency"), minor=(123450, "bigint"), currency=(currency, "text")
    ) == Decimal(major)


def test_an_unknown_currency_is_never_guessed() -> None:
    for macro in (MACROS.to_major, MACROS.publish_amount, MACROS.exact_major):
        minor, currency = (100, "decimal(38, 6)"), ("xxx", "text")
        assert computed(macro("minor", "currency"), minor=minor, currency=currency) is None


@often
@given(units=st.integers(-(10**24), 10**24), currency=any_currency)
@example(units=500_000, currency="jpy")
@example(units=1_500_000, currency="usd")
def test_a_published_amount_is_rounded_half_even_once(units: int, currency: str) -> None:
    """`units` are millionths of the currency's smallest unit."""
    exact = Decimal(units).scaleb(-6)
    found = computed(
        MACROS.publish_amount("minor", "currency", 6),
        minor=(exact, "decimal(38, 6)"),
        currency=(currency, "text"),
    )
    whole = half_even(Fraction(units, 10**6), 0)
    assert found == whole.scaleb(-EXPONENTS[currency])


@often
@given(
    amount=st.integers(0, 10**20),
    off=st.integers(0, 10**11),
    whole=st.integers(1, 10**20),
)
@example(amount=10**16, off=5_000_000, whole=10**16 + 1)
def test_a_share_of_any_size_is_a_fraction_rounded_once(amount: int, off: int, whole: int) -> None:
    """A fixed discount over items, amounts of millionths: a million in one is no overflow."""
    found = computed(
        MACROS.share_of("amount", "off", "whole"),
        amount=(Decimal(min(amount, whole)).scaleb(-6), "decimal(38, 12)"),
        off=(off, "bigint"),
        whole=(Decimal(whole).scaleb(-6), "decimal(38, 12)"),
    )
    assert found == half_even(Fraction(min(amount, whole) * off, whole), 12)


@often
@given(
    numerator=st.integers(-(10**18), 10**18),
    denominator=st.integers(-(10**12), 10**12),
    digits=st.sampled_from((0, 2, 6)),
)
@example(numerator=-5, denominator=2, digits=0)
@example(numerator=7, denominator=-2, digits=0)
def test_any_quotient(numerator: int, denominator: int, digits: int) -> None:
    found = computed(
        MACROS.divide("n", "d", digits, 0), n=(numerator, "hugeint"), d=(denominator, "hugeint")
    )
    if denominator == 0:
        assert found is None
    else:
        assert found == half_even(Fraction(numerator, denominator), digits)


@often
@given(
    amount=st.integers(0, 10**24),
    every=st.sampled_from((1, 12, 52, 365)),
    count=st.integers(1, 1095),
    tax=st.integers(0, 30_000_000),
)
def test_an_amount_a_period_becomes_one_a_month(
    amount: int, every: int, count: int, tax: int
) -> None:
    """`amount` in 10^-12 of the smallest unit, `tax` in millionths of a percent."""
    found = computed(
        MACROS.monthly("amount"),
        amount=(Decimal(amount).scaleb(-12), "decimal(38, 12)"),
        periods_per_year=(every, "integer"),
        interval_count=(count, "bigint"),
        inclusive_percentage=(Decimal(tax).scaleb(-6), "decimal(18, 6)"),
    )
    net = Fraction(amount, 10**12) / (1 + Fraction(tax, 10**8))
    assert found == half_even(net * every / (12 * count), 12)
